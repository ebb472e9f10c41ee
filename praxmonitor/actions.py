"""Every action of the screen, once: bindings, footer, help, palette and the README's key table come from here."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.run import Holder

EVERYWHERE = "Everywhere"
MOVE = "Move"
FLEET = "Fleet"
ACT = "Act on the selected agent"
MAIL = "Mail"
SCOPES = (MOVE, FLEET, ACT, MAIL, EVERYWHERE)
"""Where an action is offered, in the order in which help and README list them."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the operator can ask for."""

    id: str
    label: str
    """Two words at most: the footer's."""
    key: str
    """Textual's names, several separated by commas."""
    scope: str
    help: str
    dangerous: bool = False
    """Asks before it acts."""
    footer: bool = False
    """Shown at the bottom of the screen."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as a person reads them: `D`, `Ctrl+P`."""
        return tuple(_spoken(key) for key in self.key.split(","))


_SPOKEN = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "Enter",
    "escape": "Esc",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
}


def _spoken(key: str) -> str:
    *modifiers, last = key.split("+")
    return "+".join([*(word.capitalize() for word in modifiers), _SPOKEN.get(last, last)])


ACTIONS = (
    Action("down", "down", "j,down", MOVE, "down: a row of agents, a mail, a line"),
    Action("up", "up", "k,up", MOVE, "up"),
    Action("left", "left", "left", FLEET, "the agent to the left"),
    Action("right", "right", "right", FLEET, "the agent to the right"),
    Action("first", "first", "g,home", MOVE, "to the first, or the top"),
    Action("last", "last", "G,end", MOVE, "to the last, or the bottom"),
    Action("page_down", "page down", "pagedown", MOVE, "a page down"),
    Action("page_up", "page up", "pageup", MOVE, "a page up"),
    Action("next_needing", "next", "n", FLEET, "next agent that needs you", footer=True),
    Action("filter", "filter", "slash", FLEET, "show only agents whose name, state or task holds a text"),
    Action("open", "open", "enter", FLEET, "open the selected agent: mail, run, activities, log", footer=True),
    Action("compose", "mail", "m", ACT, "write a mail", footer=True),
    Action("dispatch", "dispatch", "d", ACT, "give a task: a mail that the agent is woken for", footer=True),
    Action("kill", "kill", "D", ACT, "end its run and every process of it; asks first", dangerous=True, footer=True),
    Action("retry", "retry", "r", ACT, "start its last run again", footer=True),
    Action("read", "read", "enter", MAIL, "read the selected mail; your own is marked opened", footer=True),
    Action("reply", "reply", "R", MAIL, "answer the selected mail of yours", footer=True),
    Action("close", "close", "c", MAIL, "close the selected mail of yours; it stays in the archive", footer=True),
    Action("inbox", "inbox", "i", EVERYWHERE, "your own mail", footer=True),
    Action("mute", "mute", "M", EVERYWHERE, "all sound off, and on again", footer=True),
    Action("panel", "panel", "tab", MOVE, "next panel"),
    Action("back", "back", "escape", EVERYWHERE, "back out; never does anything else"),
    Action("palette", "commands", "colon,ctrl+p", EVERYWHERE, "command palette: every action, agent and theme"),
    Action("help", "help", "question_mark", EVERYWHERE, "this list", footer=True),
    Action("quit", "quit", "q", EVERYWHERE, "leave; agents and runs go on without the screen", footer=True),
)

BY_ID = {action.id: action for action in ACTIONS}


def why_disabled(action: Action, fleet: Fleet, selected: str) -> str:
    """Why this action cannot be asked for now, in words for a notification; empty if it can.

    `selected` is an agent's address, empty for none.
    """
    if action.id == "next_needing":
        return "" if fleet.agents else "there is no agent in this workspace"
    if action.scope == MAIL:
        return _mail(action, fleet.find(selected), selected)
    if action.id not in ("open", "kill", "retry"):
        return ""
    facts = fleet.find(selected)
    if facts is None:
        return f"no agent is selected to {action.label}"
    if action.id == "open":
        return ""
    if facts.agent.is_operator:
        return f"{OPERATOR} is you: nothing to {action.label}"
    holder = facts.lock.holder if facts.lock is not None else None
    if action.id == "kill":
        return f"nothing runs at {selected}" if holder in (None, Holder.UNKNOWN) else ""
    if holder not in (None, Holder.DEAD):
        return f"{selected} is at work: kill its run first"
    return "" if facts.run is not None and not facts.run.foreign else f"{selected} has had no run to retry"


def _mail(action: Action, facts: AgentFacts | None, selected: str) -> str:
    if facts is None or not facts.mailbox.messages:
        return f"no mail here to {action.label}"
    if action.id != "read" and not facts.agent.is_operator:
        return f"this is {selected}'s mail: you can {action.label} only your own ({OPERATOR}, key i)"
    return ""
