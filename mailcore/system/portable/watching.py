"""Changes of files as watchfiles tells them, from threads of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress

import watchfiles

STEP = 10
"""Milliseconds without a further change that end a batch."""
DEBOUNCE = 10
"""Milliseconds a batch may last; the library's 1600 delays a busy stream by as much."""
MERGE = 200
"""Directories that came since the start and are watched apart. Setting up 3,000 watches holds the GIL for 140 ms."""


class WatchfilesKernel:
    """The watches of some directories: what was there at the start in one, what came since in a small one."""

    sure = False

    def __init__(self) -> None:
        self._base: dict[str, int] = {}
        self._late: dict[str, int] = {}
        self._threads: dict[str, _Thread] = {}
        self._told = threading.Lock()
        """Guards what the threads tell, which is:"""
        self._changed: set[str] = set()
        self._deleted: set[str] = set()
        self._failed = False
        """A watch broke or could not be set up since the directories were named."""
        self.trouble = ""
        self._closed = False
        self._read_end, self._write_end = os.pipe()
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)

    def fileno(self) -> int:
        """Readable when there is something to `read`."""
        return self._read_end

    def close(self) -> None:
        """Watch no more; its threads end within STEP."""
        for thread in self._threads.values():
            thread.stop()
        with self._told:
            self._closed = True
            os.close(self._write_end)
        os.close(self._read_end)
        for thread in self._threads.values():
            thread.join(1.0)

    def watch(self, wanted: Mapping[str, int]) -> set[str]:
        """Watch these directories and no others (`Kernel.watch`). Those that are new are reported once they are
        watched."""
        with self._told:
            failed, self._failed = self._failed, False
            deleted, self._deleted = self._deleted, set()
        for path in deleted:
            # Its inode may be given to the directory that takes its place: forget it by name.
            self._base.pop(path, None)
            self._late.pop(path, None)
        changed = any(wanted.get(path) != inode for path, inode in self._base.items())
        late = {path: inode for path, inode in wanted.items() if self._base.get(path) != inode}
        if failed or changed or not self._base or len(late) > MERGE:
            self._base, self._late, late = dict(wanted), {}, {}
            self._start("base", self._base)
            self._start("late", ())
        if late != self._late:
            self._late = late
            self._start("late", late)
        return set()

    def read(self) -> tuple[set[str], bool]:
        """The paths that changed (`Kernel.read`). What the kernel lost meanwhile the library does not tell."""
        with suppress(OSError):
            os.read(self._read_end, 65536)
        with self._told:
            changed, self._changed = self._changed, set()
            return changed, self._failed

    def report(self, changed: Iterable[str], deleted: Iterable[str] = ()) -> None:
        """From a thread: these paths changed; of them, those that were deleted."""
        with self._told:
            self._changed |= set(changed)
            self._deleted |= set(deleted)
            self._wake()

    def now_watched(self, directories: Iterable[str]) -> None:
        """From a thread: these are watched now; what happened before in them is to be looked for."""
        with self._told:
            self.trouble = ""
        self.report(directories)

    def watch_failed(self, why: str) -> None:
        """From a thread: its watch broke or could not be set up; `why` in words, empty where that is no matter."""
        with self._told:
            self.trouble, self._failed = why or self.trouble, True
            self._wake()

    def _wake(self) -> None:
        if not self._closed:
            with suppress(OSError):  # full: it wakes anyway
                os.write(self._write_end, b"\0")

    def _start(self, name: str, paths: Iterable[str]) -> None:
        if old_thread := self._threads.pop(name, None):
            old_thread.stop()
        directories = [path for path in paths if _utf8(path)]
        if directories:
            self._threads[name] = _Thread(self, directories)
            self._threads[name].start()


class _Thread(threading.Thread):
    """One watch of some directories, flat."""

    def __init__(self, notify: WatchfilesKernel, directories: list[str]) -> None:
        super().__init__(name="watch", daemon=True)
        self._notify = notify
        self._directories = directories
        self._names: dict[str, list[str]] = {}
        """By real path: what was named through a symlink some systems tell by that, and of two names they tell one."""
        for path in directories:
            self._names.setdefault(os.path.realpath(path), []).append(path)
        self._stopped = self._stands = False

    def stop(self) -> None:
        """End soon: within STEP."""
        self._stopped = True

    def is_set(self) -> bool:
        """What watchfiles asks every STEP: shall it stop? The first question comes when the watches stand."""
        if not self._stands:
            self._stands = True
            self._notify.now_watched(self._directories)
        return self._stopped

    def run(self) -> None:
        """Watch until stopped."""
        try:
            for changed in watchfiles.watch(
                *self._names,
                watch_filter=None,
                debounce=DEBOUNCE,
                step=STEP,
                stop_event=self,
                rust_timeout=0,
                raise_interrupt=False,
                recursive=False,
            ):
                if self._stopped:
                    return
                paths = [(kind, name) for kind, path in changed for name in self._named(path)]
                deleted = (path for kind, path in paths if kind is watchfiles.Change.deleted)
                self._notify.report((path for _, path in paths), deleted)
        except Exception as error:
            if not self._stopped:
                # A directory went in between, or a name came that is no UTF-8: once they are named again it is tried.
                self._notify.watch_failed("" if isinstance(error, FileNotFoundError) or self._stands else str(error))

    def _named(self, path: str) -> list[str]:
        """A path that the library tells, as it was named."""
        directory, _, name = path.rpartition("/")
        return self._names.get(path) or [f"{place}/{name}" for place in self._names.get(directory, [directory])]


def _utf8(path: str) -> bool:
    """False of a name that cannot be given to watchfiles."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
