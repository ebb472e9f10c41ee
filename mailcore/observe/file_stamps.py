"""Which files moved since the last look, by a stat of each."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

MISSING_STAMP = (0, 0, 0)
RACY_NS = 50_000_000
"""Nanoseconds: a file changed so recently may change again within the same tick of the file system's clock."""


class FileStamps:
    """Remembers mtime, size and inode of files and directories."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int] | None] = {}

    def moved(self, path: Path) -> bool:
        """Has `path` changed, come or gone since the last call for it? True for what is there at the first call.

        Read the file after this call, never before: a change in between then shows at the next look.
        """
        # Strings: with paths as keys and arguments a sweep of 6,000 files takes half as long again.
        name = str(path)
        stamp = _stamp(name)
        if self._known.get(name, MISSING_STAMP) == stamp:
            return False
        # A second change in the same tick would leave the same stamp: a young one is not trusted. None never matches.
        self._known[name] = stamp if time.time_ns() - stamp[0] > RACY_NS else None
        return True

    def absent(self, path: Path) -> bool:
        """Was there nothing at `path` at the last call of `moved` for it?"""
        return self._known.get(str(path), MISSING_STAMP) == MISSING_STAMP

    def inode(self, path: Path) -> int:
        """That of what was at `path` at the last call of `moved` for it; looked up where that is not known."""
        known = self._known.get(str(path))
        return inode(path) if known is None else known[2]

    def distrust(self, path: Path) -> None:
        """Let the next look find that `path` moved."""
        self._known[str(path)] = None

    def clear(self) -> None:
        """Let the next look find that everything moved."""
        self._known.clear()

    def forget(self, path: Path) -> None:
        """`path` is looked at no more."""
        self._known.pop(str(path), None)


def inode(path: Path) -> int:
    """The inode of a file or directory; 0 if there is none, or none that we may look at."""
    return _stamp(str(path))[2]


def _stamp(name: str) -> tuple[int, int, int]:
    try:
        stat = os.stat(name)  # noqa: PTH116
    except OSError as error:
        # Not allowed to look is not the same as not there: the reader shall try, and say why it could not.
        return MISSING_STAMP if error.errno in (errno.ENOENT, errno.ENOTDIR) else (0, error.errno or 0, 0)
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
