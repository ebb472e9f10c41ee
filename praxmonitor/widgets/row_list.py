"""Rows of one line or more, under a head, with a cursor on one of them, which stays on it while others come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from textual.binding import Binding
from textual.geometry import Offset

from praxmonitor.text.lines import Line, cut, fit, on_ground, plain
from praxmonitor.widgets.line_list import READING, WIDTH, Lines

CURSOR = 2
"""Cells of the cursor before each row."""
DrawRow: TypeAlias = Callable[[int, bool], list[Line]]
"""(width in cells, whether it is chosen) → the lines of a row, one at least."""
Drawing: TypeAlias = Callable[[int], list[Line]]
"""(width in cells) → lines."""
LIST_KEYS = tuple(
    Binding(keys, f"step('{way}')", show=False)
    for keys, way in (
        ("j,down", "down"),
        ("k,up", "up"),
        ("pagedown", "page_down"),
        ("pageup", "page_up"),
        ("g,home", "first"),
        ("G,end", "last"),
    )
)
"""Of a dialog that holds a list: it hands them on in its `action_step`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    keys: tuple[str, ...]
    """What it is called, by the first of them where the cursor was on it: it stays there, wherever the row moves to."""
    draw: DrawRow


def marked(draw: Drawing) -> DrawRow:
    """Draws a row with the cursor before it, where it is chosen."""

    def draw_marked(width: int, chosen: bool) -> list[Line]:
        lines = draw(width - CURSOR)
        if not chosen:
            return [((" " * CURSOR, ""), *line) for line in lines]
        marks = ["▸ ", *[" " * CURSOR] * len(lines)]
        return [
            on_ground(fit(((mark, "accent strong"), *line), width), "selected")
            for mark, line in zip(marks, lines, strict=False)
        ]

    return draw_marked


def text_row(text: str) -> Drawing:
    """Draws a text in one line; untrusted."""
    return lambda width: [((cut(plain(text), width), ""),)]


class RowList:
    """The list. `picked` is told that another row is chosen, `opened` of a double click on the one that is."""

    def __init__(
        self,
        name: str,
        *,
        picked: Callable[[], None] = lambda: None,
        opened: Callable[[], object] = lambda: None,
        scrolls: bool = False,
    ) -> None:
        """`name`: the id of its lines. `scrolls`: pages leave the cursor where it is, for what explains a row may be
        long."""
        self.lines = Lines(id=name, resized=self._resize, clicked=self._click)
        self._picked, self._opened, self._scrolls = picked, opened, scrolls
        self._head: Drawing = lambda _: []
        self._rows: Sequence[Row] = ()
        self._known = False
        self._starts: list[int] = [0]
        """The first line of each row, and the line after the last."""
        self._chosen = ""
        self._place = 0

    @property
    def index(self) -> int | None:
        """Which row is under the cursor; None where there is none."""
        return self._place if self._rows else None

    def show(self, rows: Sequence[Row] | None, head: Drawing = lambda _: []) -> None:
        """Show these rows under this head; None: they are not known yet."""
        self._known = rows is not None
        before, self._head, self._rows = self._place, head, rows or ()
        places = {key: place for place, row in enumerate(self._rows) for key in row.keys}
        self._place = max(0, min(places.get(self._chosen, self._place), len(self._rows) - 1))
        self._remember()
        self._lay_out()
        if self._place != before:
            self._reveal()

    def choose(self, key: str) -> None:
        """Put the cursor on the row of this key; where none has it, as soon as one does."""
        self._chosen = key
        self.show(self._rows if self._known else None, self._head)
        self._chosen = key
        self._reveal()

    def let_go(self) -> None:
        """Let the next row take the cursor, if the one that is chosen moves away."""
        self._chosen = ""

    def step(self, way: str) -> None:
        """Move the cursor by a key."""
        count, page = len(self._rows), max(1, self.lines.line_count)
        moves = {"up": -1, "down": 1, "first": -count, "last": count}
        if self._scrolls and way not in moves:
            self.lines.step(way)
        else:
            moves |= {"page_up": -page, "page_down": page}
            self._select(self._place + moves.get(way, 0))

    def _remember(self) -> None:
        self._chosen = self._rows[self._place].keys[0] if self._rows else ""

    def _select(self, place: int) -> None:
        place = max(0, min(place, len(self._rows) - 1))
        if place != self._place:
            self._place = place
            self._remember()
            self._lay_out()
            self._reveal()
            self._picked()
        else:
            self._reveal()

    def _click(self, cell: Offset, times: int) -> None:
        line = cell.y + self.lines.scroll_offset.y
        place = sum(start <= line for start in self._starts) - 1
        if 0 <= place < len(self._rows):
            self._select(place)
            if times == 2:
                self._opened()

    def _reveal(self) -> None:
        """Bring the chosen row into view, with as much of it as there is room for; above the first the head."""
        start, end = self._starts[self._place], self._starts[min(self._place + 1, len(self._rows))]
        top, height = self.lines.scroll_offset.y, self.lines.line_count
        if not self._place and end <= height:
            start = 0
        if start < top:
            self.lines.jump(start)
        elif end > top + height:
            self.lines.jump(min(start, end - height))

    def _resize(self) -> None:
        self._lay_out()
        self.lines.call_after_refresh(self._reveal)

    def _lay_out(self) -> None:
        width = self.lines.line_width or WIDTH
        head = self._head(width) if self._known else [READING]
        drawn = [row.draw(width, place == self._place) for place, row in enumerate(self._rows)]
        self._starts = list(accumulate(map(len, drawn), initial=len(head)))
        self.lines.set_lines([*head, *(line for row in drawn for line in row)])
