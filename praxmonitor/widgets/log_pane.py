"""Lines of a log with a cursor on one of them: drawn where they are in view, however many are held."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from textual.geometry import Offset
from textual.message import Message

from praxmonitor.text.lines import Line, Span, fit, on_ground
from praxmonitor.text.log_lines import MARKED, POINTER, LogLook, Stretch, column_of, row_lines
from praxmonitor.text.log_rows import LogViewRow, RowKey, RowPage
from praxmonitor.text.log_window import LogWindow
from praxmonitor.widgets.line_list import READING, WIDTH, Lines

MOST_DRAWN = 2000
"""Rows whose lines are remembered as they were drawn."""
NEAR = 100
"""Rows between the view and the end of what is held, from which on more is asked for."""
_CURSOR: Span = (POINTER, "accent strong")


class LogPane:
    """The lines. It follows what comes while the cursor is on the last, until the reader moves."""

    class Moved(Message):
        """The cursor is on another row, or the view was scrolled."""

    class Wanted(Message):
        """More rows are wanted: before those that are held (-1), or behind them (1)."""

        def __init__(self, way: int) -> None:
            super().__init__()
            self.way = way

    class Unmatched(Message):
        """Rows are in view in which what is searched for is not known to stand."""

        def __init__(self, rows: Sequence[LogViewRow]) -> None:
            super().__init__()
            self.rows = rows

    class Chosen(Message):
        """A double click on the row under the cursor."""

    def __init__(self) -> None:
        self.lines = Lines(id="log", resized=self._resize, clicked=self._click, wheeled=self._wheel)
        self.look = LogLook()
        self.window = LogWindow(lambda row: len(self._drawn(row)))
        self.marks: Collection[RowKey] = ()
        self.follows = True
        """It goes on with the log."""
        self.nothing: Line = READING
        """What stands where no row does."""
        self._matches: dict[RowKey, Sequence[Stretch]] | None = None
        """What stands out in the rows; None: nothing is searched for."""
        self._cache: dict[RowKey, tuple[LogViewRow, list[Line]]] = {}

    @property
    def row(self) -> LogViewRow | None:
        """The one under the cursor."""
        return self.window.row

    def show(self, page: RowPage) -> None:
        """Show this page alone."""
        self._size()
        self.window.show(page)
        self.paint()
        self._ask()

    def add(self, page: RowPage, way: int) -> None:
        """Hold this page beside what is held: before it (-1) or behind it (1)."""
        self._size()
        if way < 0:
            self.window.add_before(page)
        else:
            self.window.add_after(page)
        if self.follows:
            self.window.last()
        self.paint()
        self._ask()

    def draw_as(self, **changed: object) -> None:
        """Draw the rows another way."""
        self.look = replace(self.look, **changed)  # type: ignore[arg-type]
        self._cache.clear()
        if self._matches is not None:
            self._matches = {}
        self._size()
        self.window.fit()
        if self.follows:
            self.window.last()
        self.paint()

    def stretches(self, row: LogViewRow) -> Sequence[Stretch] | None:
        """What stands out in a row; None: it is not known yet."""
        return (self._matches or {}).get(row.key)

    def show_stretch(self, row: LogViewRow, stretch: Stretch) -> None:
        """Move the view sideways, so that this stretch of a row is in it, where lines are not broken."""
        column = 0 if self.look.wrap else column_of(row, self.look, self._width, stretch)
        if column != self.look.column:
            self.look = replace(self.look, column=column)
            self._cache.clear()
            self.paint()

    def search(self, *, wanted: bool) -> None:
        """Something else is searched for, or nothing."""
        self._matches = {} if wanted else None
        self._cache.clear()
        self.paint()

    def show_matches(self, found: Mapping[RowKey, Sequence[Stretch]]) -> None:
        """Let this stand out in these rows."""
        if self._matches is None:
            return
        if len(self._matches) > MOST_DRAWN:
            self._matches.clear()
        self._matches |= found
        for key in found:
            self._cache.pop(key, None)
        self.paint()

    def step(self, way: str) -> None:
        """Move by a key, within what is held; the first and the last of the log are asked for by the view."""
        window = self.window
        match way:
            case "up" | "down":
                window.move(1 if way == "down" else -1)
            case "page_up" | "page_down":
                window.page(1 if way == "page_down" else -1)
            case "first":
                window.first()
            case "last":
                window.last()
        self._moved()

    def go_to(self, place: int) -> None:
        """Put the cursor on this row of those that are held."""
        self.window.go(place)
        self._moved()

    def _moved(self) -> None:
        self.follows = self.window.on_last
        self.paint()
        self._ask()
        self.lines.post_message(self.Moved())

    def _ask(self) -> None:
        """Ask for more where the view comes near the end of what is held."""
        window = self.window
        if not window.at_begin and window.top < NEAR:
            self.lines.post_message(self.Wanted(-1))
        if not window.at_end and window.top + window.height > len(window.rows) - NEAR:
            self.lines.post_message(self.Wanted(1))

    def _wheel(self, way: int) -> None:
        if self.window.rows:
            self.window.scroll(3 * way)
            self._moved()

    def _click(self, cell: Offset, times: int) -> None:
        drawn = self.window.drawn()
        if cell.y < len(drawn):
            self.go_to(drawn[cell.y][0])
            if times == 2:
                self.lines.post_message(self.Chosen())

    def _resize(self) -> None:
        self._cache.clear()
        self._size()
        self.window.fit()
        if self.follows:
            self.window.last()
        self.paint()

    def _size(self) -> None:
        self.window.height = max(1, self.lines.line_count)

    @property
    def _width(self) -> int:
        """Cells of a line, without that of the cursor."""
        return (self.lines.line_width or WIDTH) - 1

    def _drawn(self, row: LogViewRow) -> list[Line]:
        """The lines of a row, without the cell of the cursor."""
        known = self._cache.get(row.key)
        if known is not None and known[0] is row:
            return known[1]
        if len(self._cache) >= MOST_DRAWN:
            self._cache.clear()
        lines = row_lines(row, self.look, self._width, (self._matches or {}).get(row.key, ()))
        self._cache[row.key] = (row, lines)
        return lines

    def paint(self) -> None:
        """Draw what is in view."""
        window, width = self.window, self.lines.line_width
        if not window.rows:
            self.lines.set_lines([self.nothing])
            return
        lines: list[Line] = []
        drawn = window.drawn()
        if self._matches is not None:
            shown = (window.rows[place] for place in dict.fromkeys(place for place, _ in drawn))
            if unmatched := [row for row in shown if row.key not in self._matches]:
                self.lines.post_message(self.Unmatched(unmatched))
        for place, number in drawn:
            row = window.rows[place]
            line = self._drawn(row)[number]
            if place == window.cursor:
                lines.append(on_ground(fit((_CURSOR if not number else (" ", ""), *line), width), "selected"))
            else:
                mark: Span = (MARKED, "accent") if row.key in self.marks and not number else (" ", "")
                lines.append((mark, *line))
        lines += [()] * (window.height - len(lines))
        self.lines.set_lines(lines)
