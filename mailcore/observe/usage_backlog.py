"""What a session file reports of today's use before the place where the live tail began. Reads bit by bit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mailcore.model.usage import Spent
from mailcore.observe.document_file import MAX_DOCUMENT
from mailcore.programs.base import SessionFiles
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, Counted, Transcript
from mailcore.system.safe_open import descriptor

BUFFER = 262_144
"""Bytes of one read of a file that is read line by line: with Python's 8 KB it takes twice as long."""
GAP = 16 * 1024 * 1024
"""Bytes on end without a line that reports its time: more than an image in a message; else a hole in the file."""
PROBE = 65536
"""Bytes of one read while a line with a time is looked for."""


class UsageBacklog:
    """The use that stands in a growing file from a moment on, up to a place in it; each `read` goes on with it."""

    def __init__(
        self,
        agent: str,
        path: Path,
        files: SessionFiles,
        since: float,
        until: int,
        counted: Counted,
        begin: int = 0,
    ) -> None:
        """`since`: seconds since the epoch, as the first moment of today; `until`: a place in the file, in bytes.

        `files`: the program's account of it. `counted`: shared by the readers of an agent's files. `begin`: where a
        line begins before which all was counted.
        """
        self.done = False
        """All was read, or the file cannot be."""
        self.left = until
        """Bytes that are still to be read, at most."""
        self._agent, self._path, self._files, self._since, self._until = agent, path, files, since, until
        self._counted, self._begin = counted, begin
        self._reader: Transcript | None = None
        self._offset = 0

    def read(self, limit_bytes: int) -> list[Spent]:
        """What the next so many bytes report, whole lines of them at least one; empty once it is `done`."""
        if self.done:
            return []
        try:
            with os.fdopen(descriptor(self._path)[0], "rb", buffering=BUFFER) as file:
                if self._reader is None:
                    if not self._files.whole:
                        self._offset = first_at(file, self._since, self._until, self._files.time_of)
                    self._offset = max(self._offset, self._begin)
                    self._reader = self._files.reader(self._agent, self._path, self._offset, self._counted, self._since)
                    self.left = self._until - self._offset
                return self._read(file, self._reader, limit_bytes)
        except Exception:  # of the disk, or of a reader that may be anybody's plug-in: the live reading goes on
            self.done, self.left = True, 0
            return []

    def _read(self, file: BinaryIO, reader: Transcript, limit_bytes: int) -> list[Spent]:
        found: list[Spent] = []
        now = time.time()
        file.seek(self._offset)
        stop = min(self._until, self._offset + limit_bytes)
        while self._offset < stop:
            line = file.read(MAX_DOCUMENT) if self._files.whole else file.readline(MAX_TRANSCRIPT_LINE)
            if not line:
                break
            self._offset += len(line)
            found += [spent for spent in reader.spent(line, now) if spent.at >= self._since]
        self.done = self._offset >= self._until or self._offset < stop
        self.left = 0 if self.done else self._until - self._offset
        return found


def first_at(file: BinaryIO, since: float, until: int, time_of: Callable[[bytes], float]) -> int:
    """Where the first line with a time of `since` or later begins; `until` if none does before it.

    By bisection: times only grow. A line without one belongs to the line before it. Where GAP bytes on end report no
    time the search takes what lies behind them for no older.
    """
    low, high = 0, until
    # Every line that begins before `low` is older; every one with a time that begins at `high` or later is not.
    while low < high:
        middle = (low + high) // 2
        begin, end, at = _timed(file, middle, high, time_of)
        if begin < high and at < since:
            low = end
        else:
            high = middle
    return _timed(file, low, until, time_of)[0]


def _begin(file: BinaryIO, offset: int, until: int) -> int:
    """Where the line begins that stands at `offset` or next after it."""
    if offset == 0:
        return 0
    file.seek(offset - 1)
    limit = min(until, offset + GAP)
    while (part := file.readline(PROBE)) and not part.endswith(b"\n"):
        if file.tell() >= limit:
            return until
    return min(file.tell(), until)


def _timed(file: BinaryIO, offset: int, high: int, time_of: Callable[[bytes], float]) -> tuple[int, int, float]:
    """Begin, end and time of the first line that has one and begins in [offset, high); begin `high` if none does."""
    begin = _begin(file, offset, high)
    while begin < min(high, offset + GAP):
        file.seek(begin)
        line = file.readline(MAX_TRANSCRIPT_LINE)
        if not line:
            break
        if at := time_of(line):
            return begin, begin + len(line), at
        begin += len(line)
    return high, high, 0.0
