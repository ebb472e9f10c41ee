"""One line under the header while an alarm wants the operator: what, how urgently, which keys answer it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TypeAlias

from rich.cells import cell_len

from mailcore.text.units import age
from praxmonitor.text.lines import Line, cut, fit, pad, plain, width_of
from praxmonitor.widgets.line_list import Lines

AnswerKeys: TypeAlias = Sequence[tuple[str, str]]
"""Keys that answer an alarm, each with what it does in a word."""
URGENCY_ROLES = ("strong", "strong", "warn strong", "error strong")
"""By the steps of urgency: none, low, medium, high."""


def marks(urgency: int) -> str:
    """One mark for each step of urgency: it shows without colour too."""
    return "!" * max(1, urgency)


def bar_line(clauses: Sequence[str], urgency: int, since: float, now: float, width: int, answers: AnswerKeys) -> Line:
    """The line in exactly `width` cells: as many whole clauses as there is room for, how many more there are, the age
    of the first, the keys that answer."""
    said = [plain(clause) for clause in clauses]
    role = URGENCY_ROLES[urgency]
    left: Line = ((f" {marks(urgency)} ", role),)
    for words in (True, False):
        keys = (((f" {key}", "accent strong"), (f" {word} " if words else "", "muted")) for key, word in answers)
        right: Line = ((f" {age(now - since)} ", "muted"), *chain.from_iterable(keys), (" ", ""))
        room = width - width_of(left) - width_of(right)
        if room >= min(40, cell_len(", ".join(said))):
            break
    return fit((*left, (pad(_whole(said, room), room), role), *right), width)


def _whole(clauses: Sequence[str], room: int) -> str:
    """The first of these that fit into so many cells, of one a part if need be, and the number of the others."""
    for shown in range(len(clauses), 0, -1):
        more = f" +{len(clauses) - shown}" if shown < len(clauses) else ""
        text = ", ".join(clauses[:shown])
        if cell_len(text + more) <= room:
            return text + more
    return f"{cut(clauses[0], room - cell_len(more))}{more}" if clauses else ""


class AlarmBar:
    """The line; nothing where no alarm is unanswered."""

    def __init__(self) -> None:
        self.lines = Lines(id="alarm-bar", classes="bar")
        self.lines.can_focus = self.lines.display = False

    def show(
        self, clauses: Sequence[str], urgency: int, since: float, now: float, width: int, answers: AnswerKeys
    ) -> None:
        """Show what wants the operator, in `width` cells, since when the first; no clause hides the line."""
        self.lines.display = bool(clauses)
        if clauses:
            self.lines.set_lines([bar_line(clauses, urgency, since, now, width, answers)])
