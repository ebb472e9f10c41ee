"""What wakes a supervisor: signals, and for a while changes of files. No polling, and nothing open when not needed."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path
from types import FrameType

from inotify_simple import INotify, flags

BLIND_LOOK = 0.5
"""Period of looking where the kernel's watches are used up, while an attempt is starting."""


class Signs:
    """A wait that ends with a child's death, a request to stop, or a change of the files that are looked at."""

    def __init__(self) -> None:
        self.stop_asked = False
        self._inotify: INotify | None = None
        self._wanted: tuple[Path, ...] = ()
        self._blind = False
        """Looking, and not told of every change."""
        self._pipe, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._noted)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _noted(self, _number: int, _frame: FrameType | None) -> None:
        """A handler must exist for the wakeup descriptor to be written."""

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def look_at(self, *paths: Path) -> None:
        """From now on a change of these files or directories ends a wait; those that do not exist yet too."""
        self._wanted, self._blind = paths, False
        try:
            self._inotify = INotify()
        except OSError:  # EMFILE: a user has 128 instances
            self._blind = True
        self._watch()

    def look_away(self) -> None:
        """Close the watch."""
        self._blind = False
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _watch(self) -> None:
        """Watch each wanted path's directory, or the nearest one above it that exists."""
        if self._inotify is None:
            return
        for path in self._wanted:
            directory = path if path.is_dir() else path.parent
            while not directory.is_dir():
                directory = directory.parent
            try:
                self._inotify.add_watch(directory, flags.MODIFY | flags.CREATE | flags.MOVED_TO)
            except OSError:  # ENOSPC: the user's watches are used up; ENOENT: the directory went this moment
                self._blind = True

    def wait(self, seconds: float) -> None:
        """Sleep until something happens, at most `seconds`."""
        descriptors: list[int] = [self._pipe]
        if self._inotify is not None:
            descriptors.append(self._inotify.fileno())
        ready, _, _ = select.select(descriptors, [], [], min(seconds, BLIND_LOOK if self._blind else 86400.0))
        if self._pipe in ready:
            os.read(self._pipe, 4096)
        if self._inotify is not None and len(ready) > (self._pipe in ready):
            self._inotify.read(timeout=0)
            self._watch()
