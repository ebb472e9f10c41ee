"""A file that is one document, rewritten again and again: read whole whenever it was written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mailcore.system import safe_open
from mailcore.system.open_files import OpenFiles

MAX_DOCUMENT = 64 * 1024 * 1024
"""Bytes; a larger document is skipped and counted."""


class DocumentFile:
    """Reads it as `FileTail` reads lines: the whole of it is one line. Its reader knows what was reported before."""

    behind = False
    """Nothing is left to be read."""
    restarts = 0
    """It is no other file because it was written again."""
    place = 0
    """It begins at its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = 0
        """How many times it was too large."""
        self.modified = 0.0
        """When it was last written, as the last read saw it; 0.0 if it is not there."""
        self._seen = (0, 0, 0)

    def read(self, open_files: OpenFiles | None = None) -> list[bytes]:
        """The document, if it was written since the last call. It is never held open: another file takes its place."""
        del open_files
        self.modified = 0.0
        with suppress(OSError):
            descriptor, stat = safe_open.descriptor(self.path)
            with os.fdopen(descriptor, "rb") as file:
                self.modified = stat.st_mtime
                seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if seen == self._seen:
                    return []
                self._seen = seen
                if stat.st_size <= MAX_DOCUMENT:
                    return [safe_open.read_whole(file, stat.st_size, self.path, MAX_DOCUMENT)]
                self.skipped += 1
        return []
