"""The pages of one log, of any size: a page is read where it is looked at, and nothing else. For a thread."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.logs.level_look import LevelLook
from mailcore.logs.line_index import LineIndex
from mailcore.logs.log_file import LogChange, LogFile
from mailcore.logs.times import offset_at
from mailcore.model.activity import Kind
from mailcore.model.log import LogSource
from mailcore.observe.log_levels import TIME, parse_log_line
from praxmonitor.state.log_hits import LogHits
from praxmonitor.state.log_pages import PAGE_ROWS, LogGrowth
from praxmonitor.text.log_rows import LevelFilter, LogViewRow, Place, RowKey, RowPage, RowPosition

if TYPE_CHECKING:
    from mailcore.logs.log_file import LogRow

READ_HEAD = 2000
"""Characters of a line in which its time and level are looked for."""
ERROR_SECONDS = 10.0
"""So long the next error is looked for."""
COUNTED = 64_000_000
"""Bytes in which the lines that came are counted, between two looks."""
COUNT_STEP = 1_000_000
"""Bytes of one reading, where lines are counted."""
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


class FilePages:
    """One log."""

    def __init__(self, source: LogSource) -> None:
        """OSError where its file cannot be opened."""
        self.source = source
        self.sources: tuple[LogSource, ...] = (source,)
        self._log = LogFile(source.path)
        self._begin()
        self._seen = self._log.size
        """Bytes of which the lines were counted, or that were there at the beginning."""

    def _begin(self) -> None:
        self._index = LineIndex(self._log)
        self._errors = LevelLook(self._log)
        self._looks = {
            LevelFilter.WARNINGS: LevelLook(self._log, (Kind.WARNING, Kind.ERROR)),
            LevelFilter.ERRORS: self._errors,
        }

    def close(self) -> None:
        """Let go of the file."""
        self._index.close()
        self._log.close()

    def last(self, level: LevelFilter) -> RowPage:
        """The end of it."""
        return self._before(self._log.size, level, at_end=True)

    def first(self, level: LevelFilter) -> RowPage:
        """Its beginning."""
        return self._after(0, level, at_begin=True)

    def before(self, place: Place, level: LevelFilter) -> RowPage:
        """The rows before a place."""
        return self._before(place, level)

    def after(self, place: Place, level: LevelFilter) -> RowPage:
        """The rows behind a place."""
        return self._after(place, level)

    def _end_of(self, row: LogViewRow) -> int:
        return self._log.row_at(row.offset).end

    def around(self, path: str, offset: int, level: LevelFilter) -> RowPage:
        """The rows around that byte."""
        del path
        start = self._log.row_at(offset).offset
        before, after = self._before(start, level), self._after(start, level)
        return RowPage(
            before.rows + after.rows, before.low, after.high, before.at_begin, after.at_end, after.open_rows,
            min(len(before.rows), len(before.rows) + len(after.rows) - 1),
        )  # fmt: skip

    def at_time(self, at: float, level: LevelFilter) -> RowPage | None:
        """The rows around the first that was written then or later."""
        offset = offset_at(self._log, at)
        return self.around(self.source.path, offset, level) if offset is not None else None

    def at_line(self, number: int, level: LevelFilter) -> RowPage | None:
        """The rows around this line."""
        offset = self._index.offset_of(number)
        return self.around(self.source.path, offset, level) if offset is not None else None

    def error(self, row: LogViewRow, way: int) -> RowKey | None:
        """Where the next error stands."""
        offset, deadline = (self._end_of(row) if way > 0 else row.offset), time.monotonic() + ERROR_SECONDS
        while time.monotonic() < deadline:
            found = self._errors.after(offset, 1) if way > 0 else self._errors.before(offset, 1)
            if found.rows:
                return self.source.path, found.rows[0].offset, 0
            if found.at_end or found.reached == offset:
                break
            offset = found.reached
        return None

    def hit(self, hits: LogHits, row: LogViewRow, way: int) -> RowKey | None:
        """Where the next hit stands."""
        offset = hits.beside(self.source.path, row.offset, 0, way)
        return (self.source.path, offset, 0) if offset is not None else None

    def add(self, sources: Sequence[LogSource]) -> None:
        """It stays the one log."""

    def look(self, level: LevelFilter) -> LogGrowth:
        """What came since the last look; its rows are to be read by `after`."""
        del level
        change = self._log.look()
        size = self._log.size
        if change is not LogChange.SAME or not self._index.done:
            self._index.follow()
        if change is LogChange.CUT:
            self._seen = size
            return LogGrowth(True, None, size, "it was cut: what stood in it is gone", anew=True)
        if change is LogChange.REPLACED:
            what = "replaced" if self._log.deleted else "rotated"
            self._log.reopen()
            self._index.close()
            self._begin()
            self._seen = 0
            return LogGrowth(True, None, self._log.size, f"it was {what}: this is the new file", anew=True)
        if change is LogChange.GONE:
            what = "deleted" if self._log.deleted else "moved"
            return LogGrowth(False, 0, size, f"its file was {what}: what was open is read on")
        lines = self._count(self._seen, size)
        came, self._seen = size > self._seen, size
        return LogGrowth(came, lines, size)

    def _count(self, begin: int, end: int) -> int | None:
        if end - begin > COUNTED:
            return None
        lines = 0
        while begin < end and (data := self._log.data(begin, min(COUNT_STEP, end - begin))):
            lines += data.count(b"\n")
            begin += len(data)
        return lines

    def position(self, row: LogViewRow) -> RowPosition:
        """Where a row stands."""
        share = row.offset / self._log.size if self._log.size else 0.0
        done = self._index.done
        return RowPosition(share, self._index.number_of(row.offset), self._index.total if done else None, done)

    def at_share(self, share: float, level: LevelFilter) -> RowPage:
        """The rows around the one that so much of the file lies before."""
        return self.around(self.source.path, int(share * self._log.size), level)

    def file_line(self, row: LogViewRow) -> tuple[Path, int]:
        """The file, and the line of a row."""
        return Path(row.source.path), line_number(self._log, row.offset)

    def between(self, rows: Sequence[LogViewRow], most: int) -> Sequence[str]:
        """The lines from the first of these rows to the last."""
        first, last = min(row.offset for row in rows), max(row.offset for row in rows)
        found: list[str] = []
        while first <= last and len(found) < most:
            read = self._log.rows(first, min(PAGE_ROWS, most - len(found)))
            if not read:
                break
            found += [_text(row.data) for row in read if row.offset <= last]
            first = read[-1].end
        return found

    def _before(self, offset: int, level: LevelFilter, *, at_end: bool = False) -> RowPage:
        if level is LevelFilter.ALL:
            found = self._log.rows_before(offset, PAGE_ROWS)
            low = found[0].offset if found else 0
        else:
            look = self._looks[level].before(offset, PAGE_ROWS)
            found, low = list(look.rows), look.reached
        kept = self._rows(found)
        high, open_rows = self._reached(offset, kept) if at_end else (offset, 0)
        return RowPage(tuple(kept), low, high, low <= 0, at_end, open_rows)

    def _after(self, offset: int, level: LevelFilter, *, at_begin: bool = False) -> RowPage:
        if level is LevelFilter.ALL:
            found = self._log.rows(offset, PAGE_ROWS)
            high = found[-1].end if found else offset
        else:
            look = self._looks[level].after(offset, PAGE_ROWS)
            found, high = list(look.rows), look.reached
        kept, at_end = self._rows(found), high >= self._log.size
        high, open_rows = self._reached(high, kept) if at_end else (high, 0)
        return RowPage(tuple(kept), offset, high, at_begin or offset <= 0, at_end, open_rows)

    def _reached(self, end: int, rows: list[LogViewRow]) -> tuple[int, int]:
        """Where reading goes on at the end of the file, and how many rows come again then: one without an end."""
        if end <= 0 or self._log.data(end - 1, 1) == b"\n":
            return end, 0
        start = self._log.row_at(end - 1).offset
        return start, int(bool(rows) and rows[-1].offset == start)

    def _rows(self, rows: Iterable[LogRow]) -> list[LogViewRow]:
        at, made = 0.0, []
        for row in rows:
            made.append(self._row(row, at))
            at = made[-1].at
        return made

    def _row(self, row: LogRow, before: float) -> LogViewRow:
        text = _text(row.data)
        head = _COLOURS.sub("", text[:READ_HEAD]) if "\x1b" in text[:READ_HEAD] else text[:READ_HEAD]
        said = parse_log_line(head)
        stamped = TIME.match(text[:READ_HEAD]) if said.at else None
        return LogViewRow(
            self.source, row.offset, text, said.at or before, said.kind, stamped.start(2) if stamped else 0, False,
            max(0, row.end - row.offset - len(row.data)) if row.cut else 0,
        )  # fmt: skip


def line_number(log: LogFile, offset: int) -> int:
    """The number of the line in which a byte lies, from 1: counted, for an editor that is to begin there."""
    number, at = 1, 0
    while at < offset and (data := log.data(at, min(COUNT_STEP, offset - at))):
        number += data.count(b"\n")
        at += len(data)
    return number


def _text(data: bytes) -> str:
    """What is no UTF-8 is kept, to be shown by its number."""
    return data.decode("utf-8", "surrogateescape")
