"""What a view of a log holds of it: the lines around those in view, the one under the cursor, the first that is drawn.

A log has any number of lines; here are a few pages of them. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from praxmonitor.text.log_rows import LogViewRow, Place, RowKey, RowPage

MOST_ROWS = 3000
MOST_TEXT = 8_000_000
"""Characters of all rows together; rows of the end that is not read now are let go."""
Measure = Callable[[LogViewRow], int]
"""How many lines a row takes as it is drawn."""


@dataclass(slots=True)
class _Held:
    """A page that is held: how many of the rows are its, and where reading goes on at its ends."""

    count: int
    low: Place
    high: Place


class LogWindow:
    """The rows, in the order of the log. Places are indexes of `rows`; `skip` lines of the top one lie above."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.rows: list[LogViewRow] = []
        self._pages: list[_Held] = []
        self.cursor = self.top = self.skip = 0
        self.height = 1
        """Lines in view."""
        self.at_begin = self.at_end = True
        """Nothing stands before the first row, or after the last, as far as it was read."""
        self._open_rows = 0
        """Rows at the end that come again with the next page."""

    @property
    def row(self) -> LogViewRow | None:
        """The one under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def on_last(self) -> bool:
        """The cursor is on the last row of the log."""
        return self.at_end and self.cursor >= len(self.rows) - 1

    @property
    def low(self) -> Place:
        """Before the first row."""
        return self._pages[0].low if self._pages else None

    @property
    def high(self) -> Place:
        """Behind the last."""
        return self._pages[-1].high if self._pages else None

    def show(self, page: RowPage) -> None:
        """Hold this page alone; the cursor is on the row that was asked for, in the middle, or on the last."""
        self.rows = list(page.rows)
        self._pages = [_Held(len(page.rows), page.low, page.high)]
        self.at_begin, self.at_end, self._open_rows = page.at_begin, page.at_end, page.open_rows
        found = 0 <= page.cursor < len(self.rows)
        self.cursor = page.cursor if found else max(0, len(self.rows) - 1)
        self.top, self.skip = self.cursor, 0
        self._advance(-(self.height // 2 if found else self.height - 1))
        self.reveal()

    def add_before(self, page: RowPage) -> None:
        """Hold these rows before the others, too; nothing moves in view."""
        self.rows[:0] = page.rows
        self.cursor += len(page.rows)
        self.top += len(page.rows)
        self._pages.insert(0, _Held(len(page.rows), page.low, page.high))
        self.at_begin = page.at_begin
        while self._too_many():
            begin = len(self.rows) - self._pages[-1].count
            if begin <= max(self.top + self.height, self.cursor):
                break
            del self.rows[begin:]
            self._pages.pop()
            self.at_end, self._open_rows = False, 0

    def add_after(self, page: RowPage) -> None:
        """The same behind them."""
        again = min(self._open_rows, self._pages[-1].count if self._pages else 0)
        if again:
            del self.rows[-again:]
            self._pages[-1].count -= again
        self.rows += page.rows
        self._pages.append(_Held(len(page.rows), page.low, page.high))
        self.at_end, self._open_rows = page.at_end, page.open_rows
        self.cursor = min(self.cursor, max(0, len(self.rows) - 1))
        self.top = min(self.top, max(0, len(self.rows) - 1))
        while self._too_many() and (first := self._pages[0].count) <= min(self.top, self.cursor):
            del self.rows[:first]
            del self._pages[0]
            self.cursor -= first
            self.top -= first
            self.at_begin = False

    def _too_many(self) -> bool:
        """What is held is more than a view may hold; of one page nothing is let go."""
        if len(self._pages) < 2:
            return False
        return len(self.rows) > MOST_ROWS or sum(len(row.text) for row in self.rows) > MOST_TEXT

    def move(self, rows: int) -> None:
        """Move the cursor so many rows; of a row that is taller than the view its lines are passed first."""
        if not self.rows:
            return
        if abs(rows) == 1 and self._scrolls_within(rows):
            self._advance(rows)
            return
        self.cursor = max(0, min(self.cursor + rows, len(self.rows) - 1))
        self.reveal(from_above=rows > 0)

    def _scrolls_within(self, way: int) -> bool:
        tall = self._measure(self.rows[self.cursor])
        if tall <= self.height:
            return False
        first = self._line_of(self.cursor)
        return first + tall > self.height if way > 0 else first < 0

    def page(self, way: int) -> None:
        """Move the view by its height less a line, the cursor with it."""
        if not self.rows:
            return
        before, line = (self.top, self.skip), self._line_of(self.cursor)
        self._advance(way * max(1, self.height - 1))
        if (self.top, self.skip) == before:
            self.cursor = len(self.rows) - 1 if way > 0 else 0
        else:
            self.cursor = self._row_at(max(0, min(line, self.height - 1)))

    def scroll(self, lines: int) -> None:
        """Move the view; the cursor stays on its row as long as that is in view."""
        self._advance(lines)
        line = self._line_of(self.cursor)
        if line < 0:
            self.cursor = min(self.top + (self.skip > 0), len(self.rows) - 1)
        elif line >= self.height:
            self.cursor = self._row_at(self.height - 1)

    def go(self, place: int) -> None:
        """Put the cursor on this row."""
        if self.rows:
            self.cursor = max(0, min(place, len(self.rows) - 1))
            if not -self.height <= self._line_of(self.cursor) < 2 * self.height:
                self.top, self.skip = self.cursor, 0
                self._advance(-(self.height // 2))
            self.reveal()

    def first(self) -> None:
        """On the first row that is held."""
        self.cursor = self.top = self.skip = 0

    def last(self) -> None:
        """On the last row that is held, the end of it at the bottom."""
        self.cursor = max(0, len(self.rows) - 1)
        self.top, self.skip = self.cursor, 0
        if self.rows:
            self._advance(self._measure(self.rows[self.cursor]) - self.height)

    def find(self, key: RowKey) -> int:
        """The place of the row of this key; -1 where it is not held."""
        return next((place for place, row in enumerate(self.rows) if row.key == key), -1)

    def drawn(self) -> list[tuple[int, int]]:
        """What is in view: of each line the place of its row, and which line of it that is."""
        found: list[tuple[int, int]] = []
        place, skip = self.top, self.skip
        while place < len(self.rows) and len(found) < self.height:
            tall = self._measure(self.rows[place])
            found += [(place, number) for number in range(skip, min(tall, skip + self.height - len(found)))]
            place, skip = place + 1, 0
        return found

    def reveal(self, *, from_above: bool = True) -> None:
        """Bring the row under the cursor into view, with as little movement as that takes."""
        if not self.rows:
            self.top = self.skip = 0
            return
        self.top = min(self.top, len(self.rows) - 1)
        line, tall = self._line_of(self.cursor), self._measure(self.rows[self.cursor])
        if line < 0 or (tall > self.height and line + tall > self.height and from_above):
            self.top, self.skip = self.cursor, 0
            if not from_above and tall > self.height:
                self.skip = tall - self.height
        elif line + tall > self.height:
            self._advance(min(line, line + tall - self.height))
        self._advance(0)

    def fit(self) -> None:
        """The rows take other lines now, or the view is another size."""
        tall = self._measure(self.rows[self.top]) if self.rows else 1
        self.skip = min(self.skip, tall - 1)
        self.reveal()

    def _line_of(self, wanted: int) -> int:
        """The line of the view in which a row begins; far away, any line that is not in view."""
        if wanted < self.top:
            return -self.height - 1 if wanted < self.top - 1 else -self._measure(self.rows[wanted]) - self.skip
        line = -self.skip
        for place in range(self.top, wanted):
            line += self._measure(self.rows[place])
            if line >= self.height:
                return self.height * 2
        return line

    def _row_at(self, line: int) -> int:
        drawn = self.drawn()
        return drawn[min(line, len(drawn) - 1)][0] if drawn else 0

    def _advance(self, lines: int) -> None:
        """Move the view so many lines, as far as there are rows; the last line never leaves the bottom upwards."""
        if not self.rows:
            return
        self.skip += lines
        while self.skip < 0 and self.top > 0:
            self.top -= 1
            self.skip += self._measure(self.rows[self.top])
        self.skip = max(0, self.skip)
        while self.top < len(self.rows) - 1 and self.skip >= (tall := self._measure(self.rows[self.top])):
            self.skip -= tall
            self.top += 1
        # Where less stands below than fits, the view goes up again.
        below = -self.skip
        for place in range(self.top, len(self.rows)):
            below += self._measure(self.rows[place])
            if below >= self.height:
                return
        missing = self.height - below
        while missing > 0 and (self.skip or self.top):
            if self.skip:
                taken = min(self.skip, missing)
                self.skip -= taken
                missing -= taken
            else:
                self.top -= 1
                self.skip = self._measure(self.rows[self.top])
