"""What a supervisor waits for: signals, and while an attempt starts, changes of files. Nothing is polled."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

from mailcore.system.watching import Watcher, inodes

UNWATCHED_PERIOD = 0.5
"""Period of looking where the kernel reports no changes, while an attempt is starting."""


class SupervisorEvents:
    """A wait that ends with a child's death, a request to stop, or a change of the files that are looked at."""

    def __init__(self) -> None:
        self.stop_asked = False
        self._wanted: tuple[Path, ...] = ()
        self._watcher = Watcher(UNWATCHED_PERIOD)
        signal.set_wakeup_fd(self._watcher.wake_descriptor, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._noted)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _noted(self, _number: int, _frame: FrameType | None) -> None:
        """A handler must exist for the wakeup descriptor to be written."""

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def watch_paths(self, *paths: Path) -> None:
        """From now on a change of these files or directories ends a wait; those that do not exist yet too."""
        self._wanted = paths
        self._watch()

    def unwatch(self) -> None:
        """Let the kernel's watches go, of which a user has few."""
        self._wanted = ()
        self._watcher.watch({})

    def _watch(self) -> None:
        """Watch each wanted path's directory, or the nearest one above it that exists."""
        directories = []
        for path in self._wanted:
            directory = path if path.is_dir() else path.parent
            while not directory.is_dir():
                directory = directory.parent
            directories.append(directory)
        self._watcher.watch(inodes(directories))

    def wait(self, seconds: float) -> None:
        """Sleep until something happens, at most `seconds`."""
        changes = self._watcher.wait(seconds)
        if self._wanted and (changes.paths or changes.lost):
            self._watch()
