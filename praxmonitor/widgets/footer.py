"""The line at the bottom: the keys that do something just now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from textual.geometry import Offset
from textual.message import Message

from praxmonitor.text.lines import Line, Span, fit, width_of
from praxmonitor.widgets.line_list import Lines


class Hint(NamedTuple):
    """One key of the footer."""

    id: str
    key: str
    label: str
    disabled: bool = False
    wanted: bool = False
    """What there is to do just now asks for it."""
    always: bool = False
    """Kept at every width, at the right."""


def keys_line(hints: Sequence[Hint], width: int) -> tuple[Line, list[tuple[int, int, str]]]:
    """The line in `width` cells, and where each action stands: (first cell, cell after the last, id). Where there is
    no room for all, those that are wanted come first, those that do nothing now last; none leaves its order. What
    does nothing now leaves its place blank: no other moves when the cursor does, and pressed or clicked it says why."""
    chosen: set[str] = set()
    room = width
    for hint in sorted(hints, key=lambda hint: (not hint.always, not hint.wanted, hint.disabled)):
        room -= width_of(_spans(hint))
        if room < 0:
            break
        chosen.add(hint.id)
    line: list[Span] = []
    places = []
    for hint in sorted((hint for hint in hints if hint.id in chosen), key=lambda hint: hint.always):
        start = width_of(line)
        line += ((" " * width_of(_spans(hint)), ""),) if hint.disabled else _spans(hint)
        places.append((start, width_of(line), hint.id))
    return fit(line, width), places


def _spans(hint: Hint) -> Line:
    return ((f" {hint.key}", "accent strong"), (f" {hint.label} ", "muted"))


class Keys:
    """The footer."""

    @dataclass
    class Pressed(Message):
        """An action was clicked."""

        action: str

    def __init__(self) -> None:
        self.lines = Lines(id="keys", classes="bar", resized=self._lay_out, clicked=self._press)
        self.lines.can_focus = False
        self.lines.styles.dock = "bottom"
        self._hints: tuple[Hint, ...] = ()
        self._places: list[tuple[int, int, str]] = []

    def show(self, hints: Iterable[Hint]) -> None:
        """Show these keys."""
        self._hints = tuple(hints)
        self._lay_out()

    def _lay_out(self) -> None:
        """As many as fit."""
        line, self._places = keys_line(self._hints, self.lines.line_width)
        self.lines.set_lines([line])

    def _press(self, cell: Offset, _: int) -> None:
        """A click is the key."""
        for start, end, action in self._places:
            if start <= cell.x < end:
                self.lines.post_message(self.Pressed(action))
