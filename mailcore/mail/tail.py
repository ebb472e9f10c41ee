"""New records of a growing JSONL file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.system import files

CHUNK = 16_000_000
"""Bytes that one call reads; no record of ours comes near it."""


class Records:
    """Reads from the present end of `path` on; a torn last line is kept until it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def read(self) -> list[dict[str, Any]]:
        """The complete records written since the last call."""
        try:
            with files.opened(self.path) as file:
                file.seek(self._offset)
                data = file.read(CHUNK)
        except OSError:  # gone, or something else in its place
            return []
        whole = data[: data.rfind(b"\n") + 1] if len(data) < CHUNK or b"\n" in data else data
        self._offset += len(whole)
        return journal.parse(whole.splitlines())
