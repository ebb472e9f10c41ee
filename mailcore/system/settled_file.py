"""A file that others rewrite: when it changed, and has come to rest."""

from __future__ import annotations

from pathlib import Path

_ABSENT = (0, 0, 0)


class SettledFile:
    """Looks at one file. What it says when this is made is known already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._followed = self._stamped()

    def changed(self) -> bool:
        """Whether it changed, and two looks saw it the same: what is being written is not followed. A stat."""
        stamp, before = self._stamped(), self._stamp
        self._stamp = stamp
        if stamp == self._followed or stamp != before:
            return False
        self._followed = stamp
        return True

    @property
    def absent(self) -> bool:
        """Whether there was none at the last look."""
        return self._stamp == _ABSENT

    def _stamped(self) -> tuple[int, int, int]:
        try:
            stat = self._path.stat()
        except OSError:
            return _ABSENT
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
