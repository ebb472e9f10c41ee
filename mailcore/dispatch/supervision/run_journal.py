"""The journal of the run that this process supervises. What was written once is not lost, whatever happens to the file.

Anything may happen to a file in an agent's directory: `git clean` removes it, an agent empties it, or puts a directory
in its place. Then it is written again, from what its supervisor knows and what was added since.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mailcore.formats import journal
from mailcore.formats.json_codec import dumps_line
from mailcore.system.safe_open import read_bytes
from mailcore.system.writing import replace, set_aside


class OwnJournal:
    """The one writer that may mend it; its agent's commands append to it too."""

    def __init__(self, path: Path) -> None:
        """OSError or ValueError if nothing is there to begin with."""
        self.path = path
        self._known = read_bytes(path, links=False)
        self.queued = journal.parse_records(self._known.splitlines())[0]

    def records(self) -> list[dict[str, Any]]:
        """All of it. FileNotFoundError if its directory is gone."""
        return journal.parse_records(self._read().splitlines())

    def record(self, event: str, **facts: Any) -> None:
        """Add a record. OSError as of whatever the disk refuses, or if its directory is gone."""
        self._read()
        journal.append_record(self.path, {"event": event, **facts})

    def _read(self) -> bytes:
        try:
            data = read_bytes(self.path, links=False)
        except OSError:
            if not self.path.parent.is_dir():
                raise
            data = b""
        if not data.startswith(self._known):
            data = self._mend(data)
        self._known = data
        return data

    def _mend(self, data: bytes) -> bytes:
        known = self._known.splitlines()
        seen = set(known)
        added = [line for line in data.splitlines() if line not in seen and journal.parse_records([line])]
        lines = [*known, *added, dumps_line({"at": journal.now(), "event": "mended"})]
        mended = b"".join(line + b"\n" for line in lines)
        if not self.path.is_file() or self.path.is_symlink():
            set_aside(self.path)
        replace(self.path, mended)
        return mended
