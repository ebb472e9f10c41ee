"""What small files hold, parsed once as long as they are the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

STAMP_GRAIN = 0.1
"""Seconds since a file changed last before what it holds is kept: within one tick of the clock it can change unseen."""
MOST_CACHED = 256
"""Files of which that is kept; beyond, all is forgotten."""


class FileCache(Generic[T]):
    """Values of files that are replaced at one stroke, by path. For any thread."""

    def __init__(self, parse: Callable[[Path], T]) -> None:
        """`parse` reads a file, or says what it is that there is none; its values are frozen. What it raises is not
        kept."""
        self._parse = parse
        self._kept: dict[str, tuple[tuple[int, ...], T]] = {}

    def read(self, path: Path) -> T:
        """What the file holds at this moment."""
        name = str(path)
        try:
            found = os.stat(name, follow_symlinks=False)  # noqa: PTH116 (each mail)
        except (OSError, ValueError):
            self._kept.pop(name, None)
            return self._parse(path)
        same = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        kept = self._kept.get(name)
        if kept is not None and kept[0] == same:
            return kept[1]
        value = self._parse(path)
        if time.time() - max(found.st_mtime, found.st_ctime) > STAMP_GRAIN:
            if len(self._kept) >= MOST_CACHED:
                self._kept.clear()
            self._kept[name] = same, value
        return value
