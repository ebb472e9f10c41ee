"""The pages of several logs as one, in the order of time; a message of many lines stays together. For a thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mailcore.logs.log_file import LogFile
from mailcore.logs.merged import LogPage, LogPosition, MergedLog
from mailcore.logs.wanted import EVERYTHING, LogFilter
from mailcore.model.agent import Agent
from mailcore.model.log import LogEntry, LogSource
from mailcore.observe.log_levels import TIME
from praxmonitor.state.file_pages import line_number
from praxmonitor.state.log_hits import LogHits
from praxmonitor.state.log_pages import LogGrowth
from praxmonitor.text.log_rows import LevelFilter, LogViewRow, Place, RowKey, RowPage, RowPosition

PAGE_ENTRIES = 200
"""Entries of a page."""
MOST_ALIKE = 4_000
"""Entries of one time among which one is looked for."""
LEVELS_OF = {
    LevelFilter.ALL: EVERYTHING,
    LevelFilter.WARNINGS: LogFilter(warnings=True),
    LevelFilter.ERRORS: LogFilter(errors=True),
}
ENTRIES_OF_A_LOOK = 20_000
"""Entries that one look takes, at most."""


class MergedPages:
    """Several logs of one agent."""

    def __init__(self, sources: Sequence[LogSource], agent: Agent) -> None:
        self._log = MergedLog(sources, [agent])

    def add(self, sources: Sequence[LogSource]) -> None:
        """Logs that there are by now."""
        self._log.add(sources)

    @property
    def sources(self) -> tuple[LogSource, ...]:
        """Those that are open."""
        return self._log.sources

    def close(self) -> None:
        """Let go of their files."""
        self._log.close()

    def last(self, level: LevelFilter) -> RowPage:
        """The end of them."""
        page = self._page(self._log.before(self._log.looked, PAGE_ENTRIES, LEVELS_OF[level]))
        return self._with_tail(page, level)

    def first(self, level: LevelFilter) -> RowPage:
        """Their beginning."""
        return self._page(self._log.after(self._log.start, PAGE_ENTRIES, LEVELS_OF[level]), at_begin=True)

    def before(self, place: Place, level: LevelFilter) -> RowPage:
        """The rows before a place."""
        return self._page(self._log.before(place, PAGE_ENTRIES, LEVELS_OF[level]))

    def after(self, place: Place, level: LevelFilter) -> RowPage:
        """The rows behind a place."""
        page = self._page(self._log.after(place, PAGE_ENTRIES, LEVELS_OF[level]))
        return self._with_tail(page, level) if page.at_end else page

    def _with_tail(self, page: RowPage, level: LevelFilter) -> RowPage:
        """The same page with the lines that are not written to their end yet: they come again when they are."""
        tail = self._log.after(self._log.looked, len(self.sources), LEVELS_OF[level]).entries
        rows = tuple(row for entry in tail for row in rows_of(entry))
        return replace(page, rows=page.rows + rows, high=self._log.looked, at_end=True, open_rows=len(rows))

    def _page(self, page: LogPage, *, at_begin: bool = False, at_end: bool = False) -> RowPage:
        rows = tuple(row for entry in page.entries for row in rows_of(entry))
        begins = not any(page.begin.places)
        return RowPage(rows, page.begin, page.end, at_begin or begins, at_end or self._ends(page.end))

    def _ends(self, place: LogPosition) -> bool:
        sizes = self._log.looked.places
        return len(place.places) == len(sizes) and all(
            one >= size for one, size in zip(place.places, sizes, strict=True)
        )

    def around(self, path: str, offset: int, level: LevelFilter) -> RowPage:
        """The rows around that byte of one of the logs."""
        return self._around(self._place_of(path, offset), level, (path, offset))

    def _place_of(self, path: str, offset: int) -> LogPosition:
        """The position before the entry in which that byte lies."""
        number = self._number(path)
        entry = self._entry_at(number, offset)
        return self._before_entry(number, entry) if entry is not None else self._log.start

    def _entry_at(self, number: int, offset: int) -> LogEntry | None:
        """The entry of a log in which that byte lies, or the last before it that tells anything."""
        alone = [0] * len(self.sources)
        alone[number] = offset + 1
        found = self._log.before(LogPosition(tuple(alone)), 1).entries
        return found[-1] if found else None

    def _before_entry(self, number: int, wanted: LogEntry) -> LogPosition:
        """The position before an entry of that log: others of the same time stand on either side of it."""
        place = self._log.at_time(wanted.at)
        for _ in range(MOST_ALIKE // PAGE_ENTRIES):
            page = self._log.after(place, PAGE_ENTRIES)
            for count, entry in enumerate(page.entries):
                if entry.source.path == wanted.source.path and entry.offset == wanted.offset:
                    return self._log.after(place, count).end
            if not page.entries or page.entries[0].at > wanted.at:
                break
            place = page.end
        places = list(self._log.at_time(wanted.at).places)  # its own time is not that of where it stands
        places[number] = wanted.offset
        return LogPosition(tuple(places))

    def _number(self, path: str) -> int:
        return next((number for number, source in enumerate(self.sources) if source.path == path), 0)

    def _around(self, place: LogPosition, level: LevelFilter, wanted: tuple[str, int] | None = None) -> RowPage:
        before, after = self.before(place, level), self.after(place, level)
        rows = before.rows + after.rows
        cursor = min(len(before.rows), len(rows) - 1)
        if wanted is not None and rows:
            path, offset = wanted
            near = (
                number for number in range(cursor, len(rows))
                if rows[number].source.path == path and rows[number].offset <= offset
            )  # fmt: skip
            cursor = next(near, cursor)
        return RowPage(rows, before.low, after.high, before.at_begin, after.at_end, cursor=cursor)

    def at_time(self, at: float, level: LevelFilter) -> RowPage | None:
        """The rows around the first that was written then or later."""
        return self._around(self._log.at_time(at), level)

    def at_share(self, share: float, level: LevelFilter) -> RowPage:
        """The rows around the time at which so much of all logs was written: of the one that is the largest."""
        sizes = self._log.end.places
        if not sizes:
            return self.last(level)
        number = max(range(len(sizes)), key=sizes.__getitem__)
        return self.around(self.sources[number].path, int(share * sizes[number]), level)

    def at_line(self, number: int, level: LevelFilter) -> RowPage | None:
        """Several logs together have no numbers of lines."""
        del number, level
        return None

    def error(self, row: LogViewRow, way: int) -> RowKey | None:
        """The next error, or the one before."""
        place = self._place_of(row.source.path, row.offset)
        if way < 0:
            entries = self._log.before(place, 1, LEVELS_OF[LevelFilter.ERRORS]).entries
        else:
            entries = self._log.after(place, 2, LEVELS_OF[LevelFilter.ERRORS]).entries
            entries = tuple(one for one in entries if (one.source.path, one.offset) != (row.source.path, row.offset))
        return (entries[0].source.path, entries[0].offset, 0) if entries else None

    def hit(self, hits: LogHits, row: LogViewRow, way: int) -> RowKey | None:
        """The next hit in any of the logs, or the one before."""
        place = self._place_of(row.source.path, row.offset)
        found: list[tuple[float, int, RowKey]] = []
        for number, source in enumerate(self.sources):
            if source.path == row.source.path:
                offset = hits.beside(source.path, row.offset, row.line, way)
            else:
                offset = hits.near(source.path, place.places[number] if number < len(place.places) else 0, way)
            entry = self._entry_at(number, offset) if offset is not None else None
            if offset is not None and entry is not None:
                line = sum(each.offset < offset for each in hits.rows(source.path, entry.offset, len(entry.lines)))
                found.append((entry.at, number, (source.path, entry.offset, min(line, len(entry.lines) - 1))))
        return (min(found) if way > 0 else max(found))[2] if found else None

    def look(self, level: LevelFilter) -> LogGrowth:
        """What came since the last look."""
        low, size = self._log.looked, self._log.size
        entries = [*self._log.look()]
        while self._log.behind and len(entries) < ENTRIES_OF_A_LOOK:
            entries += self._log.look()
        rows = tuple(row for entry in entries if level.keeps(entry.level) for row in rows_of(entry))
        page = self._with_tail(RowPage(rows, low, self._log.looked), level)
        lines = sum(len(entry.lines) for entry in entries)
        return LogGrowth(bool(entries) or self._log.size != size, lines, self._log.size, page=page)

    def position(self, row: LogViewRow) -> RowPosition:
        """Where a row stands: by the bytes before its time."""
        size = self._log.size
        before = sum(self._log.at_time(row.at).places) if row.at else 0
        return RowPosition(before / size if size else 0.0)

    def between(self, rows: Sequence[LogViewRow], most: int) -> Sequence[str]:
        """The lines from the first of these rows to the last."""
        ends = {row.key for row in rows}
        place = min((self._place_of(row.source.path, row.offset) for row in rows), key=lambda one: sum(one.places))
        found: list[str] = []
        while len(found) < most:
            page = self._log.after(place, PAGE_ENTRIES)
            for row in (row for entry in page.entries for row in rows_of(entry)):
                if found or row.key in ends:
                    found.append(row.text)
                ends.discard(row.key)
                if not ends:
                    return found[:most]
            if page.end == place:
                break
            place = page.end
        return found[:most]

    def file_line(self, row: LogViewRow) -> tuple[Path, int]:
        """The file that a row stands in, and its line there."""
        log = LogFile(row.source.path)
        try:
            return log.path, line_number(log, row.offset) + row.line
        finally:
            log.close()


def rows_of(entry: LogEntry) -> Iterable[LogViewRow]:
    """The rows of an entry: one for each of its lines."""
    for number, text in enumerate(entry.lines):
        stamped = TIME.match(text[:200]) if not number else None
        yield LogViewRow(
            entry.source, entry.offset, text, entry.at, entry.level, stamped.start(2) if stamped else 0,
            further=number > 0, line=number,
        )  # fmt: skip
