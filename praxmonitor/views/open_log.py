"""The log that is shown: its lines on the screen, what reads them, and how both go on as it grows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.screen import Screen

from mailcore.model.log import LogSource
from mailcore.text import counted
from mailcore.text.units import clock_cells
from praxmonitor.actions.app_parts import LogTarget
from praxmonitor.state.log_pages import LogGrowth, LogPages
from praxmonitor.text.lines import plain
from praxmonitor.text.log_places import TypedPlace
from praxmonitor.text.log_rows import LevelFilter, LogViewRow, Place, RowKey, RowPage, RowPosition, SearchState
from praxmonitor.views.log_reading import LogReading
from praxmonitor.views.log_searching import LogSearching
from praxmonitor.widgets.line_list import READING
from praxmonitor.widgets.log_pane import LogPane

MOST_LOOKS = 40
"""Looks over which it is reckoned how fast a log grows."""
MOST_COPIED = 5000
"""Lines that are copied at once, at most."""
NOTHING_KEPT = {
    LevelFilter.ALL: "it is empty",
    LevelFilter.WARNINGS: "no warning and no error here; F twice: all lines again",
    LevelFilter.ERRORS: "no error here; F: all lines again",
}
"""What is said where no line is shown, and what ends the filter."""


class OpenLog:
    """One log at a time. What it says is for the line above it: `changed` is called when that is to be said anew."""

    def __init__(self, screen: Screen[None], changed: Callable[[], None], told: Callable[[str], None]) -> None:
        """`told`: says something in the bottom line."""
        self.pane = LogPane()
        self.reading = LogReading(screen, self.failed)
        self.search = LogSearching(self.pane, self.reading, changed, told)
        self._changed, self._told = changed, told
        self.sources: tuple[LogSource, ...] = ()
        """What is shown; none: nothing is."""
        self.level = LevelFilter.ALL
        self.position: RowPosition | None = None
        """Of the row under the cursor; None: not known."""
        self.waiting: int | None = 0
        """Lines that came since it follows no more; None: more than were counted."""
        self.trouble = ""
        """What became of its files, or why they cannot be read, in words."""
        self.marks: dict[RowKey, LogViewRow] = {}
        self._sizes: deque[tuple[float, int]] = deque(maxlen=MOST_LOOKS)
        """When it was looked at, and bytes then."""
        self._more: set[int] = set()
        """Ways in which more is being read."""

    @property
    def row(self) -> LogViewRow | None:
        """The one under the cursor."""
        return self.pane.row

    @property
    def rate(self) -> float:
        """Bytes that came a second, over the last looks."""
        if len(self._sizes) < 2 or (passed := self._sizes[-1][0] - self._sizes[0][0]) <= 0:
            return 0.0
        return max(0.0, (self._sizes[-1][1] - self._sizes[0][1]) / passed)

    def turn_to(self, sources: tuple[LogSource, ...], make: Callable[[], LogPages], target: LogTarget | None) -> None:
        """Show this log from now on: its end, or the line that is meant."""
        self.sources = sources
        self._begin_anew()
        self.marks.clear()
        self.pane.marks = frozenset()
        self.pane.nothing = READING
        self.pane.show(RowPage(at_begin=True, at_end=True))
        self.reading.begin(make)
        self.reading.ask(partial(self._first_page, target), partial(self._go, lambda: None))
        self.search.begin_anew()

    def hide_nothing(self) -> None:
        """Show lines of all levels, and search for nothing."""
        self.level = LevelFilter.ALL
        if self.search.pattern is not None:
            self.search.begin("", lambda: None)

    def _begin_anew(self) -> None:
        self.trouble, self.waiting, self.position = "", 0, None
        self._sizes.clear()
        self._more.clear()

    def _first_page(self, target: LogTarget | None, pages: LogPages) -> tuple[RowPage | None, str]:
        """What is shown of a log that was opened, and why that is not what was meant, in words. For a thread."""
        if target is None:
            return pages.last(self.level), ""
        gone = _gone(target, pages)
        if target.offset >= 0 and not gone:
            return pages.around(target.path, target.offset, self.level), ""
        found = pages.at_time(target.at, self.level) if target.at else None
        return found or pages.last(self.level), gone

    def show_nothing(self, why: str) -> None:
        """Show no log, but why none is."""
        self.sources = ()
        self._begin_anew()
        self.pane.nothing = ((why, "faint"),)
        self.pane.show(RowPage(at_begin=True, at_end=True))
        self._changed()

    def failed(self, why: str) -> None:
        """Say why something could not be read."""
        self.trouble = why
        self._more.clear()
        if not self.pane.window.rows:
            self.pane.nothing = ((f"it cannot be read: {why}", "error"),)
            self.pane.paint()
        self._changed()

    def _show(self, page: RowPage) -> None:
        """Show this page in the place of what is shown."""
        self.pane.follows = page.cursor < 0 and page.at_end
        self._more.clear()
        self.pane.nothing = ((NOTHING_KEPT[self.level], "faint"),)
        self.pane.show(page)
        self.moved()

    def _show_begin(self, page: RowPage) -> None:
        self._show(page)
        self.pane.step("first")

    def moved(self) -> None:
        """The cursor is on another row."""
        if self.pane.follows:
            self.waiting = 0
        self.search.reveal()
        row = self.row
        if row is not None:
            self.reading.ask(lambda pages: (row, pages.position(row)), self._take_position)
        self._changed()

    def _take_position(self, found: tuple[LogViewRow, RowPosition]) -> None:
        if self.row is found[0]:
            at_end = self.pane.window.on_last  # the last row begins before the end, and is where it is
            self.position = replace(found[1], share=1.0) if at_end else found[1]
            self._changed()

    def read_more(self, way: int) -> None:
        """More rows are wanted than are held: before them (-1), or behind them (1)."""
        if way in self._more or not self.sources:
            return
        self._more.add(way)
        window, level = self.pane.window, self.level
        place: Place = window.low if way < 0 else window.high

        def read(pages: LogPages) -> RowPage:
            return pages.before(place, level) if way < 0 else pages.after(place, level)

        self.reading.ask(read, partial(self._add, way, place, level))

    def _add(self, way: int, place: Place, level: LevelFilter, page: RowPage) -> None:
        self._more.discard(way)
        window = self.pane.window
        if level is self.level and place == (window.low if way < 0 else window.high):
            self.pane.add(page, way)
            self.moved()

    def look(self, now: float) -> None:
        """Look what came, unless something is read already."""
        if self.sources and not self.reading.asked:
            level = self.level
            self.reading.ask(lambda pages: pages.look(level), partial(self._grown, now, level))

    def _grown(self, now: float, level: LevelFilter, growth: LogGrowth) -> None:
        self._sizes.append((now, growth.size))
        self.trouble = growth.trouble or self.trouble
        if growth.anew:
            self.waiting = 0
            self._sizes.clear()
            self.reading.ask(lambda pages: pages.last(self.level), self._show)
            self.search.begin_anew()
        elif growth.came and self.pane.follows and growth.page is not None and level is self.level:
            self.pane.add(growth.page, 1)
            self.moved()
        elif growth.came:
            self.pane.window.at_end = False
            if self.pane.follows:
                self.read_more(1)
            else:
                known = growth.lines is not None and self.waiting is not None
                self.waiting = (self.waiting or 0) + (growth.lines or 0) if known else None
        self.search.look(grew=growth.came)
        if (row := self.row) is not None and self.position is not None and not self.position.whole:
            self.reading.ask(lambda pages: (row, pages.position(row)), self._take_position)
        self._changed()

    def step(self, way: str) -> None:
        """Move by a key."""
        window = self.pane.window
        if way == "last" and not window.at_end:
            self.reading.ask(lambda pages: pages.last(self.level), self._show)
        elif way == "first" and not window.at_begin:
            self.reading.ask(lambda pages: pages.first(self.level), self._show_begin)
        else:
            self.pane.step(way)

    def add(self, sources: tuple[LogSource, ...]) -> None:
        """The agent has these logs by now: what is written to the new ones is shown too."""
        self.sources = sources
        self.reading.ask(lambda pages: pages.add(sources), lambda _: None)

    def follow(self) -> None:
        """Go to the end and on with it; again: stay here."""
        if self.pane.follows:
            self.pane.follows = False
            self._changed()
        else:
            self.step("last")

    def turn_level(self) -> None:
        """All lines, warnings and errors, errors alone; the cursor stays near where it is."""
        self.level = LevelFilter((self.level + 1) % len(LevelFilter))
        row, level = self.row, self.level
        if row is None or self.pane.follows:
            self.reading.ask(lambda pages: pages.last(level), self._show)
        else:
            self.reading.ask(lambda pages: pages.around(row.source.path, row.offset, level), self._show)
        self._changed()

    def next_error(self, way: int) -> None:
        """To the next error (1), or the one before (-1)."""
        if (row := self.row) is not None:
            self.reading.ask(lambda pages: (pages.error(row, way),), partial(self._to_error, way))

    def _to_error(self, way: int, found: tuple[RowKey | None]) -> None:
        if found[0] is None:
            self._told(f"no error {'behind' if way > 0 else 'before'} this line")
        else:
            self.to_row(found[0])

    def to_row(self, key: RowKey) -> None:
        """Put the cursor on this row, wherever it stands."""
        place, level = self.pane.window.find(key), self.level
        if place >= 0:
            self.pane.go_to(place)
        else:
            self.reading.ask(lambda pages: pages.around(key[0], key[1], level), self._show)

    def search_for(self, text: str) -> None:
        """Search for this, and go to the nearest hit; empty: for nothing. UsageError where it is no pattern."""
        way = -1 if self.pane.follows else 1
        self.search.begin(text, lambda: self.search.next(way, partial(self._to_nearest, way)))

    def _to_nearest(self, way: int, key: RowKey | None, state: SearchState) -> None:
        """To the first hit that way; where none is, to the first the other way."""
        if key is None:
            self.next_hit(-way)
        else:
            self._to_hit(way, key, state)

    def next_hit(self, way: int) -> None:
        """To the next hit (1), or the one before (-1)."""
        self.search.next(way, partial(self._to_hit, way))

    def _to_hit(self, way: int, key: RowKey | None, state: SearchState) -> None:
        if key is not None:
            self.to_row(key)
        elif not state.done:
            self._told(f"no hit {'behind' if way > 0 else 'before'} this line was found yet: the search goes on")
        else:
            self._told(f"no hit {'behind' if way > 0 else 'before'} this line; {counted(state.count, 'hit')} in all")

    def go_to(self, wanted: TypedPlace, went: Callable[[], None]) -> None:
        """Put the cursor on a place that was typed; `went` is called where there is one, else it is told why not."""
        if wanted.line and len(self.sources) > 1:
            self._told("several logs as one have no line numbers: Tab shows one log alone")
        else:
            self.reading.ask(partial(self._page_at, wanted, self.level), partial(self._go, went))

    @staticmethod
    def _page_at(wanted: TypedPlace, level: LevelFilter, pages: LogPages) -> tuple[RowPage | None, str]:
        """What is shown of that place, and what is to be said of it. For a thread."""
        if wanted.line:
            page = pages.at_line(wanted.line, level)
            return page, "" if page is not None else "there is no such line, or it is not known yet where it stands"
        if not wanted.at:
            return pages.at_share(wanted.share, level), ""
        end = pages.last(level)
        if end.rows and 0 < end.rows[-1].at < wanted.at:
            return end, f"nothing was written then or later: this is the end, of {clock_cells(end.rows[-1].at)}"
        page = pages.at_time(wanted.at, level)
        return page, "" if page is not None else "no line of this log says a time"

    def _go(self, went: Callable[[], None], found: tuple[RowPage | None, str]) -> None:
        if found[1]:
            self._told(found[1])
        if found[0] is not None:
            went()
            self._show(found[0])

    def mark(self) -> None:
        """Mark the row under the cursor, or do so no more, and go on to the next."""
        if (row := self.row) is None:
            return
        if self.marks.pop(row.key, None) is None:
            self.marks[row.key] = row
        self.pane.marks = frozenset(self.marks)
        self.pane.step("down")

    async def chosen_lines(self) -> Sequence[str]:
        """The lines from the first mark to the last; from one mark to the cursor; without any that of the cursor."""
        row = self.row
        if row is None:
            return ()
        ends = [*self.marks.values(), *([row] if len(self.marks) < 2 else [])]
        return await self.reading.result(lambda pages: pages.between(ends, MOST_COPIED)) or ()

    async def place(self) -> tuple[Path, int] | None:
        """File and line of the row under the cursor; None where there is none."""
        row = self.row
        return await self.reading.result(lambda pages: pages.file_line(row)) if row is not None else None


def _gone(target: LogTarget, pages: LogPages) -> str:
    """Why the line that is meant stands nowhere any more, in words; empty where it does."""
    if not target.path:
        return ""
    name = plain(Path(target.path).name)
    try:
        size = Path(target.path).stat().st_size
    except OSError:
        return f"{name} is gone, and the line with it"
    if target.path not in {source.path for source in pages.sources}:
        return f"{name} is not among the logs any more, nor is the line"
    return f"{name} was cut: the line is gone" if size <= target.offset else ""
