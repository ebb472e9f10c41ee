"""What a row of the table of actions says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from praxmonitor.actions.context import Context
from praxmonitor.actions.preconditions import Precondition, Situation, always
from praxmonitor.actions.scope import Scope

Handler: TypeAlias = Callable[[Context[Any]], Coroutine[None, None, None] | None]
"""Does it; what it returns is gone on with beside the screen, as long as the view is there."""


class Footer(IntEnum):
    """Whether the line at the bottom of the screen has the key."""

    NO = 0
    IF_ROOM = 1
    ALWAYS = 2
    """At every width, at the right."""
    WANTED = 3
    """Only while the moment asks for it."""


def never(_: Situation) -> bool:
    """What happens never asks for it."""
    return False


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the operator can ask for."""

    id: str
    key: str
    """Textual's names, several separated by commas; empty: it has none, and is asked for in the palette."""
    label: str
    """Two words at most: the footer's."""
    scope: Scope
    help: str
    handler: Handler
    words: str = ""
    """What a person would search for in the palette, beside the label; who has none only moves and is not in it."""
    precondition: Precondition = always
    """Why it cannot be asked for now."""
    verb: str = ""
    """What a refusal calls it, if not by its label."""
    dangerous: bool = False
    """It ends processes; asks before it acts."""
    footer: Footer = Footer.NO
    in_replay: bool = False
    """A recording can be asked for it. Of no other action: none may reach the workspace that was recorded."""
    looks: bool = False
    """It reads the workspace and changes nothing: a read-only screen can be asked for it too."""
    wanted: Callable[[Situation], bool] = never
    """Whether the moment asks for it: then the footer has it before others."""
    claims: Callable[[Situation], bool] = never
    """Whether a key that means several things is this one's also where it is refused: then it says why."""
    held_label: str = ""
    """Its label where the selected agent is held: what holds, releases."""
    section: str = ""
    """The section of the view of one agent that it belongs to; empty: any. The footer has it there alone."""
    moment: Callable[[Situation], str] | None = None
    """What the footer says after its label: how the moment stands."""
    demo_help: str = ""
    """Its help in the demo, where leaving ends the agents."""

    @property
    def default_keys(self) -> tuple[str, ...]:
        """Its keys by Textual's names, where the operator chose no others."""
        return tuple(filter(None, self.key.split(",")))

    def refusal(self, now: Situation) -> str:
        """Why it cannot be asked for now, in words for a notification; empty if it can."""
        if now.played and not self.in_replay:
            return f"a recording is played: to {self.label}, open the workspace itself"
        if now.read_only and not (self.in_replay or self.looks):
            return f"this screen is read-only: no {self.label}"
        return self.precondition(now, self.verb or self.label)

    def label_of(self, now: Situation) -> str:
        """Its label, by what it would do to the selected agent."""
        held = self.held_label and now.facts is not None and now.facts.held
        return self.held_label if held else self.label

    def do(self, context: Context[Any]) -> None:
        """Do it, or say why it cannot be done."""
        if why := self.refusal(context.situation):
            context.display.notify(why, severity="warning")
        elif (work := self.handler(context)) is not None:
            context.view.run_worker(work)
