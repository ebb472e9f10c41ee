"""The question before everything is ended: it wants the workspace's name, typed, because `y` is pressed too easily."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailcore.model.fleet import AgentFacts
from mailcore.text.units import clock_time
from praxmonitor.text.agents import task
from praxmonitor.text.lines import Line, pad, plain, spread
from praxmonitor.widgets.text_panel import TextPanel

MOST = 10
"""Agents that are listed; the rest are counted."""


def busy_lines(busy: Sequence[AgentFacts], width: int) -> list[Line]:
    """Whose runs would end: agent, task, since when."""
    lines: list[Line] = []
    for facts in busy[:MOST]:
        began = f"since {clock_time(facts.lock.at)}" if facts.lock is not None and facts.lock.at else ""
        left = ((pad(plain(facts.address), 18), ""), (task(facts), "muted"))
        lines.append(spread(left, ((began, "faint"),), width))
    if len(busy) > MOST:
        lines.append(((f"and {len(busy) - MOST} more", "faint"),))
    return lines


class KillAllScreen(ModalScreen[bool]):
    """True only if the workspace's name was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "no", priority=True)]
    DEFAULT_CSS = """
    KillAllScreen {
        align: center middle;
        background: $background 60%;
        #dialog {
            width: 72; max-width: 94%; height: auto; padding: 1 2; background: $surface;
            border: round $error;
        }
        #question { text-style: bold; color: $ink-error; width: 100%; }
        #busy {
            height: auto; max-height: 11; margin: 1 0; background: $surface; overflow: hidden hidden;
            scrollbar-gutter: auto;
        }
        Input {
            height: 3; border: round $faint; padding: 0 1; background: $surface; color: $ink;
        }
        Input:focus { border: round $error; background-tint: transparent; }
        #hint { color: $faint; height: 1; width: 100%; }
    }
    """

    def __init__(self, workspace: str, busy: Sequence[AgentFacts]) -> None:
        """`workspace` is the name to type; `busy` are the agents whose runs would end."""
        super().__init__()
        self._workspace, self._busy = workspace, busy
        self._listed = TextPanel("busy")

    def compose(self) -> ComposeResult:
        """Question, agents, the field."""
        count = len(self._busy)
        with Vertical(id="dialog"):
            yield Static(f"Kill everything: {count} run{'s' if count != 1 else ''}?", id="question", markup=False)
            yield self._listed.lines
            yield Static(f"To kill them, type the workspace's name: {plain(self._workspace)}", markup=False)
            yield Input(id="name")
            yield Static("enter kill all    esc back", markup=False, id="hint")

    def on_mount(self) -> None:
        """The field has the focus."""
        self._listed.lines.can_focus = False
        self.query_one(Input).focus()
        self._listed.show(partial(busy_lines, self._busy))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: the right name ends everything, another only says so."""
        if event.value.strip() == self._workspace:
            self.dismiss(True)
        else:
            self.query_one("#hint", Static).update("that is not its name: nothing was killed    esc back")
