"""Descriptors of the files that are read again and again, so that a busy one is not opened for each of its lines."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict

from mailcore.system.safe_open import descriptor

MAX_OPEN = 128
"""Files that are held open at a time; a process may have 1,024."""


class OpenFiles:
    """Open files, of which the ones used last stay open. For one thread."""

    def __init__(self, most: int = MAX_OPEN) -> None:
        self._most = most
        self._open: OrderedDict[str, int] = OrderedDict()
        self._used: set[str] = set()
        """Since the last `tidy`."""

    def __len__(self) -> int:
        return len(self._open)

    def __del__(self) -> None:
        self.close()

    def descriptor(self, path: str) -> int:
        """Of the file that was at `path` when it was opened, for reading: not for the caller to close. OSError."""
        self._used.add(path)
        if (known := self._open.get(path)) is not None:
            self._open.move_to_end(path)
            return known
        try:
            opened, _ = descriptor(path)
        except OSError as error:
            if error.errno != errno.EMFILE or not self._open:
                raise
            os.close(self._open.popitem(last=False)[1])
            return self.descriptor(path)
        self._open[path] = opened
        if len(self._open) > self._most:
            os.close(self._open.popitem(last=False)[1])
        return opened

    def drop(self, path: str) -> None:
        """Close it, if it is open: another file may have taken its place."""
        if (known := self._open.pop(path, None)) is not None:
            os.close(known)

    def take(self, path: str) -> int:
        """Hand the descriptor over, for the caller to close; -1 if it is not open."""
        return self._open.pop(path, -1)

    def close(self) -> None:
        """Close them all."""
        while self._open:
            os.close(self._open.popitem()[1])

    def tidy(self) -> None:
        """Close what nobody used since the last call."""
        for path in self._open.keys() - self._used:
            self.drop(path)
        self._used.clear()
