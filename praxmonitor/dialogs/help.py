"""Every key, from the action table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType

from praxmonitor.actions.table import ACTIONS, SCOPES
from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import Line, pad, wrap

KEYS_WIDTH = 14
"""Cells of the column of keys."""


def help_lines(width: int, *, ends_agents: bool = False) -> Iterator[Line]:
    """Keys by scope, then what the glyphs mean, in lines of `width` cells. `ends_agents`: leaving ends the agents."""
    for scope in SCOPES:
        yield ((scope, "strong"),)
        for action in ACTIONS:
            if action.scope == scope:
                ends = ends_agents and action.id == "quit"
                text = "leave; the demo's agents end with the screen" if ends else action.help
                for number, part in enumerate(wrap(text, max(20, width - KEYS_WIDTH))):
                    yield ((pad("" if number else f"  {'  '.join(action.keys)}", KEYS_WIDTH), "accent"), (part, ""))
        yield ()
    yield (("States", "strong"),)
    looks = list(LOOKS.values())
    for row in range(0, len(looks), 4):
        yield tuple((pad(f"  {look.glyph} {look.word}", 16), look.role) for look in looks[row : row + 4])
    yield (("  <12:00:00", "faint"), ("  then or before: a line that tells no time of its own", ""))


class HelpScreen(Sheet):
    """The list; `?` closes it too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "dismiss", "close", show=False)]

    def __init__(self, *, ends_agents: bool = False) -> None:
        """`ends_agents`: leaving the screen ends the agents, as it does in the demo."""
        super().__init__("Keys. Quitting ends the demo." if ends_agents else "Keys. Quitting stops no agent.")
        self._ends_agents = ends_agents

    def lines(self, width: int) -> list[Line]:
        """Keys and states."""
        return list(help_lines(width, ends_agents=self._ends_agents))
