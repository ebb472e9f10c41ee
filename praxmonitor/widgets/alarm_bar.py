"""One line under the header while an alarm wants the operator: what, how urgently, which keys answer it."""

from __future__ import annotations

from itertools import chain

from mailcore.text.units import age
from praxmonitor.text.lines import Line, cut, fit, plain, width_of
from praxmonitor.widgets.line_list import Lines

ALARM_KEYS = (("A", "acknowledge"), ("Z", "snooze"), ("!", "list"))


def bar_line(said: str, urgency: int, since: float, now: float, width: int) -> Line:
    """The line in exactly `width` cells. One mark for each step of urgency: it shows without colour too."""
    said = plain(said)
    left: Line = ((f" {'!' * max(1, urgency)} ", "error strong"),)
    for words in (True, False):
        keys = (((f" {key}", "accent strong"), (f" {word} " if words else "", "muted")) for key, word in ALARM_KEYS)
        right: Line = ((f" {age(now - since)} ", "muted"), *chain.from_iterable(keys), (" ", ""))
        room = width - width_of(left) - width_of(right)
        if room >= min(40, len(said)):
            break
    return fit((*left, (f"{cut(said, max(0, room)):<{max(0, room)}}", "error strong"), *right), width)


class AlarmBar:
    """The line; nothing where no alarm is unanswered."""

    def __init__(self) -> None:
        self.lines = Lines(id="alarm-bar", classes="bar")
        self.lines.can_focus = self.lines.display = False

    def show(self, said: str, urgency: int, since: float, now: float, width: int) -> None:
        """Show what wants the operator, in `width` cells, since when; an empty text hides the line."""
        self.lines.display = bool(said)
        if said:
            self.lines.set_lines([bar_line(said, urgency, since, now, width)])
