"""Rows of one line or more with a cursor on one of them, which keeps its place while others come and go around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeAlias

from textual.geometry import Offset
from textual.message import Message

from praxmonitor.text.lines import Line
from praxmonitor.widgets.line_list import READING, WIDTH, Lines

DrawRow: TypeAlias = Callable[[int, int, bool], list[Line]]
"""(place, width in cells, whether it is chosen) → the lines of a row, one at least."""


class GroupList:
    """The rows. Who holds it says what they are called, so that the cursor can stay on what it was on."""

    class Picked(Message):
        """Another row is chosen."""

    class Opened(Message):
        """A double click on the row that is chosen."""

    def __init__(self, name: str, draw: DrawRow) -> None:
        """`name`: the id of its lines."""
        self.lines = Lines(id=name, resized=self._lay_out, clicked=self._click)
        self._draw = draw
        self._names: Sequence[tuple[str, ...]] = ()
        self._starts: list[int] = []
        """The first line of each row."""
        self._chosen = ""
        self._known = False
        self.place = 0
        """The row under the cursor."""

    def show(self, names: Sequence[tuple[str, ...]] | None) -> None:
        """Show rows of these names, of which each may have several; None: they are not known yet."""
        self._known = names is not None
        before, self._names = self.place, names or ()
        places = {name: place for place, each in enumerate(self._names) for name in each}
        self.place = max(0, min(places.get(self._chosen, self.place), len(self._names) - 1))
        self._remember()
        self._lay_out()
        if self.place != before:
            self._reveal()

    def choose(self, name: str) -> None:
        """Put the cursor on the row of this name; where none has it, as soon as one does."""
        self._chosen = name
        self.show(self._names if self._known else None)
        self._chosen = name
        self._reveal()

    def let_go(self) -> None:
        """Let the next row take the cursor, if the one that is chosen moves away."""
        self._chosen = ""

    def step(self, way: str) -> None:
        """Move the cursor by a key; pages scroll, for what explains a row may be long."""
        moves = {"up": -1, "down": 1, "first": -len(self._names), "last": len(self._names)}
        if way in moves:
            self._select(self.place + moves[way])
        else:
            self.lines.step(way)

    def _remember(self) -> None:
        self._chosen = self._names[self.place][0] if self._names else ""

    def _select(self, place: int) -> None:
        place = max(0, min(place, len(self._names) - 1))
        if place != self.place:
            self.place = place
            self._remember()
            self._lay_out()
            self.lines.post_message(self.Picked())
        self._reveal()

    def _click(self, cell: Offset, times: int) -> None:
        line = cell.y + self.lines.scroll_offset.y
        place = sum(start <= line for start in self._starts) - 1
        if 0 <= place < len(self._names):
            self._select(place)
            if times == 2:
                self.lines.post_message(self.Opened())

    def _reveal(self) -> None:
        """Bring the chosen row into view, with as much of what explains it as there is room for."""
        if not self._starts:
            return
        start, end = self._starts[self.place], self._starts[self.place + 1]
        top, height = self.lines.scroll_offset.y, self.lines.line_count
        if start < top:
            self.lines.jump(start)
        elif end > top + height:
            self.lines.jump(min(start, end - height))

    def _lay_out(self) -> None:
        width = self.lines.line_width or WIDTH
        drawn = [self._draw(place, width, place == self.place) for place in range(len(self._names))]
        self._starts = [0, *accumulate(map(len, drawn))] if drawn else []
        self.lines.set_lines([line for row in drawn for line in row] if self._known else [READING])
