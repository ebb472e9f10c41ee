"""One log of any size, read where it is looked at: the rows at a place, before it, and the last ones.

Nothing of it is kept in memory, and it is never mapped: what is mapped counts as memory of who looks at it. A row is a
line; a line that does not end within PIECE bytes is several, so that no look costs more than its rows do, whatever
stands in the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mailcore.observe.file_tail import MARK_BYTES
from mailcore.observe.log_rotation import file_identity
from mailcore.system import safe_open

MAX_ROW = 64 * 1024
"""Bytes of a row that are returned with it; `data` reads the rest."""
PIECE = 16 * 1024 * 1024
"""A line is cut where a multiple of so many bytes is reached and as many before it have no line's end."""
CHUNK = 64 * 1024
"""Bytes of one read."""
MAX_BYTES = 8 * 1024 * 1024
"""Bytes of the rows of one call."""


class LogChange(StrEnum):
    """What became of a log since the last look."""

    SAME = "same"
    GREW = "grew"
    CUT = "cut"
    """It is the same file with other contents: every offset that was known means nothing now."""
    REPLACED = "replaced"
    """Another file has its name. What was opened is read on until `reopen`; it may still grow."""
    GONE = "gone"
    """No file has its name. What was opened is read on."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A line, or a piece of a very long one."""

    offset: int
    """Bytes before it in its file."""
    end: int
    """Where the next row begins."""
    data: bytes
    """Without the line's end; of a longer row its first MAX_ROW bytes. Untrusted."""
    cut: bool = False
    """True if `data` is not all of it."""


class LogFile:
    """An open log. Its rows may be asked for from several threads; `look`, `reopen` and `close` are for one."""

    def __init__(self, path: Path | str) -> None:
        """OSError where there is no regular file that can be opened."""
        self._descriptor = -1
        self.path = Path(path)
        self._take(*safe_open.descriptor(self.path))

    def _take(self, descriptor: int, found: os.stat_result) -> None:
        self._descriptor = descriptor
        self.identity = file_identity(found)
        """Which file is open, whatever has its name now."""
        self.size = found.st_size
        """Bytes at the last look."""
        self._mark = self._end()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; afterwards it has no rows."""
        descriptor, self._descriptor, self.size = self._descriptor, -1, 0
        if descriptor >= 0:
            os.close(descriptor)

    def another(self) -> LogFile:
        """The same open file once more, for another thread to look at and close."""
        twin = LogFile.__new__(LogFile)
        twin._descriptor, twin.path = -1, self.path
        twin._take(os.dup(self._descriptor), os.fstat(self._descriptor))
        return twin

    def stream(self) -> int:
        """A descriptor of the same open file, with a place of its own, for the caller to close. OSError."""
        return safe_open.opened_again(self._descriptor, self.path)

    def reopen(self) -> None:
        """Let go of what is open and take what has its name now. OSError as at first, and nothing is changed then."""
        descriptor, found = safe_open.descriptor(self.path)
        self.close()
        self._take(descriptor, found)

    def look(self) -> LogChange:
        """What became of it since the last look. What is known of the file's contents is worth nothing after CUT."""
        found = os.fstat(self._descriptor)
        before, cut = self.size, found.st_size < self.size or self._end() != self._mark
        self.size = found.st_size
        if cut or found.st_size != before:
            self._mark = self._end()
        if cut:
            return LogChange.CUT
        try:
            named = self.path.stat()
        except OSError:
            return LogChange.GONE
        if file_identity(named) != self.identity:
            return LogChange.REPLACED
        return LogChange.GREW if found.st_size > before else LogChange.SAME

    @property
    def deleted(self) -> bool:
        """Whether what is open has no name any more, here or elsewhere."""
        return os.fstat(self._descriptor).st_nlink == 0

    def _end(self) -> bytes:
        """What stands right before `size`: by this a file is known again that was cut and grew past its old size."""
        start = max(0, self.size - MARK_BYTES)
        return self.data(start, self.size - start)

    def data(self, offset: int, length: int) -> bytes:
        """The bytes at a place, as many as there are; none where they cannot be read."""
        try:
            return os.pread(self._descriptor, max(0, length), max(0, offset))
        except OSError:
            return b""

    def rows(self, offset: int, count: int) -> list[LogRow]:
        """At most `count` rows from the one that begins at `offset` on, which is a row's beginning.

        Fewer also where they hold MAX_BYTES: the next ones begin at the last one's `end`.
        """
        found: list[LogRow] = []
        held = 0
        while len(found) < count and held < MAX_BYTES and offset < self.size:
            window = self.data(offset, min(CHUNK, self.size - offset))
            begin = 0
            while len(found) < count and (newline := window.find(b"\n", begin)) >= 0:
                found.append(LogRow(offset + begin, offset + newline + 1, _text(window[begin : newline + 1])))
                begin = newline + 1
            if not window:  # it was cut since the last look
                break
            if not begin:
                found.append(self._row(offset, self._end_of(offset)))
                begin = found[-1].end - offset
            held += min(begin, MAX_ROW)
            offset += begin
        return found

    def rows_before(self, offset: int, count: int) -> list[LogRow]:
        """At most `count` rows that end at `offset` or before, the last ones, in the file's order.

        `offset` is a row's beginning, or the size. Fewer as of `rows`: those before begin where the first one does.
        """
        found: list[LogRow] = []
        held, offset = 0, min(offset, self.size)
        while len(found) < count and held < MAX_BYTES and offset > 0:
            start = max(0, offset - CHUNK)
            window = self.data(start, offset - start)
            if not window:
                break
            end = len(window)
            while len(found) < count and (newline := window.rfind(b"\n", 0, end - 1)) >= 0:
                found.append(LogRow(start + newline + 1, start + end, _text(window[newline + 1 : end])))
                end = newline + 1
            if end == len(window):
                found.append(self._row(self.start_of(offset - 1), offset))
                end = found[-1].offset - start
            held += min(len(window) - end, MAX_ROW)
            offset = start + end
        return found[::-1]

    def last_rows(self, count: int) -> list[LogRow]:
        """Its last `count` rows, as of the last look; fewer as of `rows`."""
        return self.rows_before(self.size, count)

    def row_at(self, offset: int) -> LogRow:
        """The row in which a byte lies; the last one for what lies behind it, an empty one of an empty file."""
        start = self.start_of(max(0, min(offset, self.size - 1)))
        return next(iter(self.rows(start, 1)), LogRow(start, start, b""))

    def _row(self, offset: int, end: int) -> LogRow:
        data = self.data(offset, min(end - offset, MAX_ROW + 2))
        text = _text(data)
        return LogRow(offset, end, text[:MAX_ROW], len(text) > MAX_ROW or len(data) < end - offset)

    def _end_of(self, offset: int) -> int:
        """Where the row ends that begins at `offset`."""
        stop = min(self.size, (-(-offset // PIECE) + 1) * PIECE)
        at = offset
        while at < stop and (chunk := self.data(at, min(CHUNK, stop - at))):
            if (newline := chunk.find(b"\n")) >= 0:
                return at + newline + 1
            at += len(chunk)
        return stop

    def start_of(self, offset: int) -> int:
        """Where the row begins in which that byte lies."""
        piece = offset - offset % PIECE
        at, floor = offset, max(0, piece - PIECE)
        while at > floor:
            start = max(floor, at - CHUNK)
            if (newline := self.data(start, at - start).rfind(b"\n")) >= 0:
                return start + newline + 1
            at = start
        return piece


def _text(line: bytes) -> bytes:
    """A line without its end, of either kind."""
    return line[:-1].removesuffix(b"\r") if line.endswith(b"\n") else line
