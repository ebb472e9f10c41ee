"""Which files changed: the kernel's word through watchfiles, and a sweep every few seconds for what it swallows.

Traps met: the kernel's queue overflows unseen, files of a directory younger than its watch are missed, a directory made
anew is not watched. Hence the sweep; a watch is never trusted alone.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mailcore.units import duration

STEP = 10
"""Milliseconds without a further change that end a batch."""
DEBOUNCE = 10
"""Milliseconds a batch may last; the library's 1600 delays a busy stream by as much."""
MERGE = 200
"""Directories that came since the start and are watched apart. Setting up 3,000 watches holds the GIL for 140 ms."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be read again."""

    paths: frozenset[str]
    """As strings: of a busy stream a Path costs as much to make and to look up as the reading of what it names."""
    sweep: bool
    """Look at everything known."""
    note: str = ""
    """What the operator should know of the watching itself; empty: it works."""


class Watch:
    """Gives batches to the one thread that iterates it, until it is stopped. A context: leaving it ends its threads."""

    def __init__(self, directories: Callable[[], Mapping[str, int]], period: float, *, kernel: bool = True) -> None:
        """`directories` gives the directories to watch, flat, with their inodes: asked at the start and whenever one
        came or went, by the thread that iterates. `period`: seconds between two sweeps. `kernel=False`: sweeps only.
        Where the limit of watches is reached, sweeps only, and the batches carry a note.
        """
        self._directories = directories
        self._period = period
        self._kernel = kernel
        self._note = ""
        self._restless = True
        """The set of directories may have changed."""
        self._base: dict[str, int] = {}
        self._late: dict[str, int] = {}
        self._threads: dict[str, _Thread] = {}
        self._ended: list[_Thread] = []
        self._stopped = threading.Event()
        self._told = threading.Condition()
        """Guards what other threads tell, which is:"""
        self._changed: set[tuple[int, str]] = set()
        self._failures: list[tuple[_Thread, Exception]] = []
        self._due = time.monotonic() + period

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
        threads = [*self._threads.values(), *self._ended]
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join()

    def __iter__(self) -> Iterator[Batch]:
        """Batches: at once where something changed, else when the sweep is due."""
        while not self._stopped.is_set():
            if self._restless:
                self._follow(self._directories())
            with self._told:
                self._told.wait_for(self._ready, self._due - time.monotonic())
                changed, self._changed = self._changed, set()
                failures, self._failures = self._failures, []
                if sweep := time.monotonic() >= self._due:
                    self._due = time.monotonic() + self._period
            for thread, error in failures:
                self._failed(thread, error)
            for kind, path in changed:
                if kind == DELETED:
                    # Its inode may be given to the directory that takes its place: forget it by name.
                    self._base.pop(path, None)
                    self._late.pop(path, None)
                self._restless |= _directory(path.rpartition("/")[2])
            self._restless |= sweep
            if not self._stopped.is_set():
                yield Batch(frozenset(path for _, path in changed), sweep, self._note)

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it is stopped; what changes meanwhile comes in the next batch."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """End the iterating, from whatever thread."""
        self._stopped.set()
        with self._told:
            self._told.notify()

    def report(self, changed: set[tuple[int, str]]) -> None:
        """From a watching thread: `changed` holds watchfiles' pairs of kind and path."""
        with self._told:
            if not self._changed:  # of a hundred reports a second few have to wake anybody
                self._told.notify()
            self._changed |= changed

    def stands(self) -> None:
        """From a watching thread: its watch stands now; what happened before it is found by a sweep."""
        with self._told:
            self._due = time.monotonic()
            self._told.notify()

    def failed(self, thread: _Thread, error: Exception) -> None:
        """From a watching thread: its watch could not be set up, or broke."""
        with self._told:
            self._failures.append((thread, error))
            self._told.notify()

    def _ready(self) -> bool:
        waiting = self._changed or self._failures
        return bool(waiting) or self._stopped.is_set() or time.monotonic() >= self._due

    def _follow(self, wanted: Mapping[str, int]) -> None:
        """Watch these directories. What was there at the start stays in one watch, what came since in a small one."""
        self._restless = False
        if not self._kernel:
            return
        late = {path: inode for path, inode in wanted.items() if self._base.get(path) != inode}
        if not self._base or len(late) > MERGE:
            self._base, late = dict(wanted), {}
            self._start("base", self._base)
        if late != self._late:
            self._late = late
            self._start("late", late)

    def _failed(self, thread: _Thread, error: Exception) -> None:
        if thread not in self._threads.values():
            return
        if isinstance(error, FileNotFoundError) or thread.stood:
            # A directory went in between, or a name came that is no UTF-8: after the next sweep it is tried again.
            if thread is self._threads.get("base"):
                self._base = {}
            else:
                self._late = {}
            return
        self._kernel = False
        limit = "limit" in str(error) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EMFILE))
        remedy = " (raise fs.inotify.max_user_watches and max_user_instances, then start anew)" if limit else ""
        self._note = f"watching by a look every {duration(self._period)} only: {error}{remedy}"

    def _start(self, name: str, paths: Iterable[str]) -> None:
        if former := self._threads.pop(name, None):
            former.stop()
            self._ended = [thread for thread in (*self._ended, former) if thread.is_alive()]
        directories = [path for path in paths if _utf8(path)]
        if directories:
            self._threads[name] = _Thread(self, directories)
            self._threads[name].start()


DELETED = 3
"""watchfiles' Change.deleted; the library itself is imported late, in the thread: it costs 70 ms."""


class _Thread(threading.Thread):
    """One watch of some directories, flat."""

    def __init__(self, watch: Watch, directories: list[str]) -> None:
        super().__init__(name="watch", daemon=True)
        self._watch = watch
        self._directories = directories
        self._stopped = False
        self.stood = False
        """Its watches were set up."""

    def stop(self) -> None:
        """End soon: within STEP."""
        self._stopped = True

    def is_set(self) -> bool:
        """What watchfiles asks every STEP: shall it stop? The first question comes when the watches stand."""
        if not self.stood:
            self.stood = True
            self._watch.stands()
        return self._stopped

    def run(self) -> None:
        """Watch until stopped."""
        import watchfiles

        try:
            for changed in watchfiles.watch(
                *self._directories,
                watch_filter=lambda _, path: _wanted(path),
                debounce=DEBOUNCE,
                step=STEP,
                stop_event=self,
                rust_timeout=0,
                raise_interrupt=False,
                recursive=False,
            ):
                if self._stopped:
                    return
                if changed:
                    self._watch.report({(int(kind), path) for kind, path in changed})
        except Exception as error:
            if not self._stopped:
                self._watch.failed(self, error)


def _utf8(path: str) -> bool:
    """False of a name that watchfiles cannot be told: the sweeps look at it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wanted(path: str) -> bool:
    """Can it be a file or directory of ours? watchfiles' own DefaultFilter hides names with a dot."""
    name = path.rpartition("/")[2]
    return name.endswith((".json", ".jsonl", ".log")) or name == ".dispatch.lock" or _directory(name)


def _directory(name: str) -> bool:
    """Could be one of the directories that we watch."""
    return "." not in name[1:] or name == ".ai_mail.local"
