"""Where the agents stand in the grid, and what is said of those that are out of view: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mailcore.model.fleet import Status
from praxmonitor.text.agents import ATTENTION
from praxmonitor.text.lines import Line, fit, spread, width_of
from praxmonitor.widgets.card import CARD_HEIGHTS, TALLEST
from praxmonitor.widgets.header import counts

MOST_CARDS = 12
NARROWEST = 25
WIDEST = 64
MOST_LENT = 2
"""Lines of the stream."""


class Layout(NamedTuple):
    """A row is one of agents, side by side; of a table it is one agent in one line."""

    columns: int
    width: int
    """Cells of one agent, the gap not among them."""
    height: int
    """Lines of one agent."""
    pitch: int
    """Lines from one agent to the next below."""
    top: int
    """Lines of the heading."""
    rows: int
    """Rows in view, each whole; at least one."""
    foot: bool
    """The last line says what is out of view."""

    def moved(self, way: str, index: int, count: int) -> int:
        """Where a key leads from the agent at `index` of `count`; at an edge it may lead beyond, or nowhere."""
        across, page, last = self.columns, self.rows * self.columns, count - 1
        match way:
            case "left":
                return index - 1
            case "right":
                return index + 1
            case "up" if index >= across:
                return index - across
            case "down" if index // across < last // across:
                return index + across
            case "page_up":
                return index - page
            case "page_down":
                return index + page
            case "first":
                return 0
            case "last":
                return last
        return index

    def place(self, x: int, y: int) -> int | None:
        """Which of those in view is drawn at this cell, the gap at its right with it; None for none."""
        row, inner = divmod(y - self.top, self.pitch)
        if not 0 <= row < self.rows or inner >= self.height:
            return None
        return row * self.columns + min(x // (self.width + 1), self.columns - 1)


def is_table(count: int, chosen: bool | None) -> bool:
    """Whether so many agents are lines of a table: as was chosen, else cards up to a dozen."""
    return count > MOST_CARDS if chosen is None else chosen


def lay_out(count: int, width: int, height: int, foot: bool = False, table: bool | None = None) -> Layout:
    """The tallest cards, then the fewest columns, with which all `count` agents are in view, a blank line between two
    cards where there is room for that too, and still taller cards where there is room for those; where there is no
    such, the lowest cards in the most columns, and a foot. `foot` wants that line in any case; `table`: as lines, or as
    cards, whatever their number."""
    if is_table(count, table) or width < NARROWEST:
        return _lines(count, width, height, foot)
    most = max(1, min(count, (width + 1) // (NARROWEST + 1)))
    least = min(most, -(-width // WIDEST))
    if 0 < whole(count, width, table, TALLEST) <= height - foot:
        return Layout(least, (width - least + 1) // least, TALLEST, TALLEST + 1, 0, -(-count // least), foot)
    for tall in CARD_HEIGHTS:
        for columns in range(least, most + 1):
            rows = -(-count // columns)
            for pitch in (tall + 1, tall):
                if rows * pitch - (pitch - tall) <= height - foot:
                    return Layout(columns, (width - columns + 1) // columns, tall, pitch, 0, max(1, rows), foot)
    rows = (height - 1) // tall  # the foot has a line
    if rows < 1:
        return _lines(count, width, height, foot)
    return Layout(most, (width - most + 1) // most, tall, tall, 0, rows, True)


def _lines(count: int, width: int, height: int, foot: bool) -> Layout:
    top = 1 if height > 3 else 0
    foot = foot or count > height - top
    return Layout(1, width, 1, 1, top, max(1, height - top - foot), foot)


def whole(count: int, width: int, table: bool | None = None, tall: int = CARD_HEIGHTS[0]) -> int:
    """Lines in which all agents can be drawn well: cards of `tall` lines in the fewest columns, or as lines."""
    if is_table(count, table) or width < NARROWEST:
        return count + 1
    rows = -(-count // min(max(1, count), -(-width // WIDEST)))
    return rows * (tall + 1) - 1


def usual_stream(height: int) -> int:
    """Lines of the stream, its heading among them, on a screen of this height where the agents want all they get."""
    return max(7, min(11, height // 4))


def lent(count: int, width: int, height: int, table: bool | None) -> int:
    """Lines that the stream lends so that all cards are taller than in `height`, at most `MOST_LENT`; 0 where none
    helps."""
    now = lay_out(count, width, height, False, table)
    for more in range(1, MOST_LENT + 1):
        better = lay_out(count, width, height + more, False, table)
        if not better.foot and CARD_HEIGHTS[0] >= better.height > now.height > 1:
            return more
    return 0


def foot_line(above: Iterable[Status], below: Iterable[Status], said: Line, width: int) -> Line:
    """`3 more above · 12 more below, ✗ 1 failed` in exactly `width` cells: how many are out of view and how many of
    those need attention; at the right what is `said` of the list: its order, its filter, its marks."""
    over, under = list(above), list(below)
    right: Line = (*fit(said, min(width_of(said), max(0, width - 12))), (" ", "")) if said else ()
    for words in (True, False):
        ends = [_out_of_view(over, "above", words=words), _out_of_view(under, "below", words=words)]
        between: Line = (("  ·  ", "faint"),) if over and under else ()
        left = ((" ", ""), *ends[0], *between, *ends[1])
        if width_of((*left, *right)) < width:
            break
    return spread(left, right, width)


def _out_of_view(statuses: list[Status], where: str, *, words: bool) -> Line:
    if not statuses:
        return ()
    needing = counts((status for status in statuses if status.state in ATTENTION), 0, words=ATTENTION if words else ())
    said = f"{len(statuses)} more {where}" if words else f"{len(statuses)} {where}"
    return ((said, "muted"), (", " if needing else "", "faint"), *needing)
