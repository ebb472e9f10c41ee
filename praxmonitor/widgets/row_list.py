"""A list of rows under a few lines that say what it is; one row is selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.geometry import Offset

from praxmonitor.text.lines import Line, fit, on_ground
from praxmonitor.widgets.line_list import Lines

CURSOR = 2
"""Cells of the cursor before each row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `draw` gives its lines, each of at most so many cells."""

    key: str
    """The cursor stays on it, wherever it moves to."""
    draw: Callable[[int], list[Line]]


class RowList:
    """The list. `opened` is told of a double click, `picked` that another row is selected."""

    def __init__(self, id: str, opened: Callable[[], None], picked: Callable[[], None]) -> None:
        self.lines = Lines(id=id, resized=self._resize, clicked=self._click)
        self._opened, self._picked = opened, picked
        self._head: Callable[[int], list[Line]] = lambda _: []
        self._rows: Sequence[Row] = ()
        self._index = 0
        self._starts: list[int] = []
        """The first line of each row, and the line after the last."""

    @property
    def index(self) -> int | None:
        """Which row is under the cursor; None where there is none."""
        return self._index if self._rows else None

    def show(self, head: Callable[[int], list[Line]], rows: Sequence[Row]) -> None:
        """Show these rows under this head; the cursor stays on its row."""
        before, place = self._rows[self._index].key if self._rows else "", self._index
        self._head, self._rows = head, rows
        keys = [row.key for row in rows]
        self._index = keys.index(before) if before in keys else max(0, min(self._index, len(keys) - 1))
        self._lay_out()
        if self._index != place:
            self._reveal()

    def step(self, way: str) -> None:
        """Move the cursor by a key."""
        count, page = len(self._rows), max(1, self.lines.line_count)
        moves = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -count, "last": count}
        self._select(self._index + moves.get(way, 0))

    def _resize(self) -> None:
        self._lay_out()
        self.lines.call_after_refresh(self._reveal)

    def _click(self, place: Offset, times: int) -> None:
        line = place.y + self.lines.scroll_offset.y
        for index, (start, end) in enumerate(zip(self._starts, self._starts[1:], strict=False)):
            if start <= line < end:
                self._select(index)
                if times == 2:
                    self._opened()

    def _select(self, index: int) -> None:
        index = max(0, min(index, len(self._rows) - 1))
        if index != self._index:
            self._index = index
            self._lay_out()
            self._reveal()
            self._picked()
        elif not index:
            self.lines.jump(0)  # the head may be out of sight

    def _reveal(self) -> None:
        if len(self._starts) < 2:
            return
        start, end = self._starts[self._index], self._starts[self._index + 1]
        top, count = self.lines.scroll_offset.y, self.lines.line_count
        if start < top:
            self.lines.jump(start if self._index else 0)
        elif end > top + count:
            self.lines.jump(end - count)

    def _lay_out(self) -> None:
        width = self.lines.line_width
        lines = self._head(width)
        self._starts = [len(lines)]
        for index, row in enumerate(self._rows):
            for number, line in enumerate(row.draw(width - CURSOR)):
                if index == self._index:
                    mark = "▸ " if not number else "  "
                    lines.append(on_ground(fit(((mark, "accent strong"), *line), width), "selected"))
                else:
                    lines.append(((" " * CURSOR, ""), *line))
            self._starts.append(len(lines))
        self.lines.set_lines(lines)
