"""Which files changed: the kernel's word through watchfiles, and a sweep every few seconds for what it swallows.

Traps met: the kernel's queue overflows unseen, files of a directory younger than its watch are missed, a directory made
anew is not watched. Hence the sweep; a watch is never trusted alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

STEP = 10
"""Milliseconds without a further change that end a batch."""
DEBOUNCE = 10
"""Milliseconds a batch may last; the library's 1600 delays a busy stream by as much."""
MERGE = 200
"""Directories that came since the start and are watched apart. Setting up 3,000 watches holds the GIL for 140 ms."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be read again."""

    paths: frozenset[Path]
    sweep: bool
    """Look at everything known."""
    note: str = ""
    """What the operator should know of the watching itself; empty: it works."""


async def changes(
    directories: Callable[[], Mapping[str, int]], period: float, *, kernel: bool = True
) -> AsyncGenerator[Batch, None]:
    """Batches for as long as it is iterated; close it (`aclosing`) to end the watching.

    `directories` gives the directories to watch, flat, with their inodes: asked at the start and whenever one came or
    went. `period`: seconds between two sweeps. `kernel=False`: sweeps only. Where the limit of watches is reached,
    sweeps only, and the batches carry a note.
    """
    watcher = _Watcher(asyncio.get_running_loop(), period, kernel)
    try:
        while True:
            if watcher.restless:
                watcher.follow(await asyncio.to_thread(directories))
            yield await watcher.batch()
    finally:
        await watcher.close()


class _Watcher:
    """Collects what the watching threads report; all of it on the event loop's thread, save `report`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, period: float, kernel: bool) -> None:
        self.restless = True
        """The set of directories may have changed."""
        self._loop = loop
        self._period = period
        self._due = loop.time() + period
        self._awake = asyncio.Event()
        self._changed: set[tuple[int, str]] = set()
        """What the threads reported and no batch has taken yet; under the lock."""
        self._lock = threading.Lock()
        self._kernel = kernel
        self._note = ""
        self._base: dict[str, int] = {}
        self._late: dict[str, int] = {}
        self._threads: dict[str, _Watch] = {}
        self._ended: list[_Watch] = []

    def follow(self, wanted: Mapping[str, int]) -> None:
        """Watch these directories. What was there at the start stays in one watch, what came since in a small one."""
        self.restless = False
        if not self._kernel:
            return
        late = {path: inode for path, inode in wanted.items() if self._base.get(path) != inode}
        if not self._base or len(late) > MERGE:
            self._base, late = dict(wanted), {}
            self._start("base", self._base)
        if late != self._late:
            self._late = late
            self._start("late", late)

    async def batch(self) -> Batch:
        """The next batch: at once if something changed, else when the sweep is due."""
        try:
            async with asyncio.timeout_at(self._due):
                await self._awake.wait()
        except TimeoutError:
            pass
        sweep = self._loop.time() >= self._due
        if sweep:
            self._due = self._loop.time() + self._period
            self.restless = True
        self._awake.clear()
        paths = self._taken()
        return Batch(paths, sweep, self._note)

    async def close(self) -> None:
        """End the threads."""
        threads = [*self._threads.values(), *self._ended]
        for thread in threads:
            thread.stop()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def report(self, changed: set[tuple[int, str]]) -> bool:
        """From a watching thread: `changed` holds watchfiles' pairs of kind and path. True if nobody was told before:
        of a hundred reports a second few have to wake the loop."""
        with self._lock:
            first = not self._changed
            self._changed |= changed
        return first

    def arrived(self) -> None:
        """There is something to take."""
        self._awake.set()

    def _taken(self) -> frozenset[Path]:
        with self._lock:
            changed, self._changed = self._changed, set()
        for kind, path in changed:
            if kind == DELETED:
                # Its inode may be given to the directory that takes its place: forget it by name.
                self._base.pop(path, None)
                self._late.pop(path, None)
            self.restless |= _directory(path.rpartition("/")[2])
        return frozenset(Path(path) for _, path in changed)

    def stands(self) -> None:
        """A watch stands now: what happened before it is found by a sweep."""
        self._due = self._loop.time()
        self._awake.set()

    def failed(self, watch: _Watch, error: Exception) -> None:
        """A watch could not be set up or broke."""
        if watch not in self._threads.values():
            return
        if isinstance(error, FileNotFoundError):
            # A directory went in between: after the next sweep it is tried again.
            if watch is self._threads.get("base"):
                self._base = {}
            else:
                self._late = {}
            return
        self._kernel = False
        self._note = (
            f"watching by a look every {self._period:g} s only: {error} (raise fs.inotify.max_user_watches and "
            "max_user_instances, then start anew)"
        )
        self._awake.set()

    def _start(self, name: str, directories: Mapping[str, int]) -> None:
        if former := self._threads.pop(name, None):
            former.stop()
            self._ended = [thread for thread in (*self._ended, former) if thread.is_alive()]
        if directories:
            self._threads[name] = _Watch(self, self._loop, list(directories))
            self._threads[name].start()


DELETED = 3
"""watchfiles' Change.deleted; the library itself is imported late, in the thread: it costs 70 ms."""


class _Watch(threading.Thread):
    """One watch of some directories, flat, in a thread of its own."""

    def __init__(self, watcher: _Watcher, loop: asyncio.AbstractEventLoop, directories: list[str]) -> None:
        super().__init__(name="watch", daemon=True)
        self._watcher = watcher
        self._loop = loop
        self._directories = directories
        self._stopped = False
        self._stands = False

    def stop(self) -> None:
        """End soon: within STEP."""
        self._stopped = True

    def is_set(self) -> bool:
        """What watchfiles asks every STEP: shall it stop? The first question comes when the watches stand."""
        if not self._stands:
            self._stands = True
            self._call(self._watcher.stands)
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
                if not self._stopped and self._watcher.report({(int(kind), path) for kind, path in changed}):
                    self._call(self._watcher.arrived)
        except (OSError, RuntimeError) as error:
            self._call(self._watcher.failed, self, error)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._stopped:
            self._loop.call_soon_threadsafe(function, *arguments)


def _wanted(path: str) -> bool:
    """Can it be a file or directory of ours? watchfiles' own DefaultFilter hides names with a dot."""
    name = path.rpartition("/")[2]
    return name.endswith((".json", ".jsonl", ".log")) or name == ".dispatch.lock" or _directory(name)


def _directory(name: str) -> bool:
    """Could be one of the directories that we watch."""
    return "." not in name[1:] or name == ".ai_mail.local"
