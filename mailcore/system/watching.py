"""Which files changed in some directories: the kernel's word, and where it gives none a look at times. One for all."""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailcore.system import PORTABLE

GATHER = 0.005
"""Seconds after the first change in which further ones are gathered: a busy stream must not wake for each line."""


class HasDescriptor(Protocol):
    """What can be waited for beside the files."""

    def fileno(self) -> int:
        """The descriptor to wait for."""


class Kernel(Protocol):
    """What reports changes, of either backend."""

    @property
    def trouble(self) -> str:
        """Why some directories are not watched, in words; empty: all are."""

    @property
    def sure(self) -> bool:
        """True if a change that is lost is reported as lost; else a look at times finds it."""

    def fileno(self) -> int:
        """Readable when there is something to `read`."""

    def watch(self, wanted: Mapping[str, int]) -> set[str]:
        """Watch these directories, flat, given with their inodes, and no others.

        Returns those that are watched from now on and were not before; others may be reported later, as changed.
        """

    def read(self) -> tuple[set[str], bool]:
        """The paths that changed since the last call, and whether some were lost. Does not wait."""

    def close(self) -> None:
        """Watch no more."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Why a wait ended."""

    paths: frozenset[str] = frozenset()
    """What changed: files and directories in those that are watched, and such a directory itself when it came, went, or
    is watched only now."""
    lost: bool = False
    """Anything else may have changed too: look at all."""
    ready: bool = False
    """One of the others that were waited for can be read."""


class Watcher:
    """Watches directories, flat. For one thread, save `wake`. A context that closes it.

    Where the kernel refuses (its limits, no descriptor left) `trouble` says why, and what helps, and every `look`
    seconds a wait ends with `lost`. The kernel is asked again whenever the directories are named.
    """

    def __init__(self, look: float, *, kernel: bool = True) -> None:
        """`look`: seconds between two looks where the kernel tells nothing. `kernel=False`: never ask it."""
        self._look = look
        self._use = kernel
        self._kernel: Kernel | None = None
        self._refused = ""
        self._told: dict[str, bool] = {}
        """By directory that is watched, whether the kernel tells of all that changes there."""
        self._told_all = True
        """It does in all of them."""
        self._fresh: set[str] = set()
        self._next_look = time.monotonic() + look
        self._closing = threading.Lock()
        self._closed = False
        self._woken, self.wake_descriptor = os.pipe()
        """Of the second a signal handler may write a byte: it ends the wait."""
        for end in (self._woken, self.wake_descriptor):
            os.set_blocking(end, False)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def trouble(self) -> str:
        """Why the kernel does not tell all changes, in words; empty: it does, or was not asked."""
        return self._refused or (self._kernel.trouble if self._kernel is not None else "")

    @property
    def sure(self) -> bool:
        """Whether the kernel tells of all that changes in all of the directories."""
        return self._kernel is not None and self._kernel.sure and not self.trouble and self._told_all

    def close(self) -> None:
        """Watch no more."""
        with self._closing:
            self._closed = True
        self._end()
        os.close(self._woken)
        os.close(self.wake_descriptor)

    def watch(self, wanted: Mapping[str, int]) -> None:
        """Watch these directories, given with their inodes, and no others; with none the kernel is let go."""
        self._refused = ""
        if not wanted:
            self._end()
        elif self._use:
            try:
                if self._kernel is None:
                    self._kernel = kernel_watch()
                self._fresh |= self._kernel.watch(wanted)
                there = (path for path, inode in wanted.items() if inode)
                self._told = {path: self._told.get(path) or tells_all(path) for path in there}
                self._told_all = all(self._told.values())
            except OSError as error:
                self._refused = _words(error)

    def wake(self) -> None:
        """End the wait at hand or the next one, from whatever thread."""
        with self._closing:
            if not self._closed:
                with suppress(OSError):  # full: it wakes anyway
                    os.write(self.wake_descriptor, b"\0")

    def wait(self, seconds: float | None = None, others: Collection[HasDescriptor] = ()) -> Changes:
        """Sleep until something changed, one of `others` can be read, somebody wakes it, or `seconds` are over."""
        blind = bool(self.trouble) or not self._use or (self._kernel is not None and not self._kernel.sure)
        limit = 0.0 if self._fresh else seconds
        if blind:
            look = self._next_look - time.monotonic()
            limit = look if limit is None else min(limit, look)
        ready = self._poll(limit, others)
        if self._woken in ready:
            os.read(self._woken, 4096)
        paths, self._fresh = self._fresh, set()
        lost = blind and time.monotonic() >= self._next_look
        if lost:
            self._next_look = time.monotonic() + self._look
        if self._kernel is not None and self._kernel.fileno() in ready:
            time.sleep(GATHER)
            changed, overflow = self._kernel.read()
            paths, lost = paths | changed, lost or overflow
        return Changes(frozenset(paths), lost, any(other.fileno() in ready for other in others))

    def _poll(self, seconds: float | None, others: Collection[HasDescriptor]) -> set[int]:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if self._kernel is not None:
            poll.register(self._kernel, select.POLLIN)
        for other in others:
            poll.register(other, select.POLLIN)
        # A day at most: the kernel counts milliseconds in 32 bits.
        milliseconds = None if seconds is None else int(min(max(seconds, 0.0), 86400.0) * 1000) + (seconds > 0)
        return {descriptor for descriptor, _ in poll.poll(milliseconds)}

    def _end(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
        self._fresh = set()


class Cancellation:
    """Says once, from whatever thread, that nobody wants any more what a wait is for, and ends that wait."""

    def __init__(self) -> None:
        self.cancelled = False
        self._watcher: Watcher | None = None

    def wakes(self, watcher: Watcher) -> None:
        """Let this watcher's wait end, the one at hand or the next."""
        self._watcher = watcher
        if self.cancelled:
            watcher.wake()

    def cancel(self) -> None:
        """Cancel it."""
        self.cancelled = True
        if self._watcher is not None:
            self._watcher.wake()


def inodes(directories: Iterable[Path]) -> dict[str, int]:
    """Those of the directories that are there, with their inodes, as `Watcher.watch` wants them."""
    found = {}
    for directory in directories:
        with suppress(OSError):
            found[str(directory)] = directory.stat().st_ino
    return found


def tells_all(directory: str) -> bool:
    """Whether this kernel tells of every change of a file in it: nobody else writes on that file system."""
    if PORTABLE:
        return False
    from mailcore.system.linux.file_systems import is_local

    return is_local(directory)


def kernel_watch() -> Kernel:
    """What reports changes, of this backend. OSError where the kernel refuses."""
    if PORTABLE:
        from mailcore.system.portable.watching import WatchfilesKernel

        return WatchfilesKernel()
    from mailcore.system.linux.watching import Inotify

    return Inotify()


def _words(error: OSError) -> str:
    limit = error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE)
    remedy = " (raise fs.inotify.max_user_watches and max_user_instances)" if limit and not PORTABLE else ""
    return f"{error.strerror or error}{remedy}"
