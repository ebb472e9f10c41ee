"""Every action of the screen, once: bindings, footer, help, palette and the README's key table come from here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Holder

EVERYWHERE = "Everywhere"
MOVE = "Move"
FLEET = "Fleet"
ACT = "Act on the selected agent"
MAIL = "Mail"
REPLAY = "In a replay"
SCOPES = (MOVE, FLEET, ACT, MAIL, EVERYWHERE, REPLAY)
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
    "exclamation_mark": "!",
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
    "space": "Space",
    "plus": "+",
    "minus": "-",
}


def _spoken(key: str) -> str:
    *modifiers, last = key.split("+")
    return "+".join([*(word.capitalize() for word in modifiers), _SPOKEN.get(last, last)])


ACTIONS = (
    Action("down", "down", "j,down", MOVE, "down: a row of agents, a mail, a line"),
    Action("up", "up", "k,up", MOVE, "up"),
    Action("left", "left", "h,left", FLEET, "the agent to the left"),
    Action("right", "right", "l,right", FLEET, "the agent to the right"),
    Action("first", "first", "g,home", MOVE, "to the first, or the top"),
    Action("last", "last", "G,end", MOVE, "to the last, or the bottom"),
    Action("page_down", "page down", "pagedown", MOVE, "a page down; of the mail that is open, if one is"),
    Action("page_up", "page up", "pageup", MOVE, "a page up"),
    Action("next_needing", "next", "n", FLEET, "next agent that needs you", footer=True),
    Action("filter", "filter", "slash", FLEET, "show only agents whose name, state or task holds a text"),
    Action("open", "open", "enter", FLEET, "open the selected agent: mail, run, activities, log", footer=True),
    Action("order", "order", "o", FLEET, "those that need attention first; again: as in the registry", footer=True),
    Action("compose", "mail", "m", ACT, "write a mail", footer=True),
    Action("dispatch", "dispatch", "d", ACT, "give a task: a mail that the agent is woken for", footer=True),
    Action("kill", "kill", "D", ACT, "end its run and every process of it; asks first", dangerous=True, footer=True),
    Action("retry", "retry", "r", ACT, "start its last run again; asks first", footer=True),
    Action("wake", "wake", "w", ACT, "start it without a task: it reads its mail, or goes on; asks first"),
    Action("cancel", "cancel start", "x", ACT, "cancel one of the starts that wait for it; asks which"),
    Action("hold", "hold", "H", ACT, "hold it: it gets mail, and nothing starts it; again: release it"),
    Action("attach", "attach", "a", ACT, "go on yourself in its program's session; leave that to come back here"),
    Action("copy", "copy story", "y", ACT, "copy the story of its run to the clipboard, as Markdown"),
    Action("read", "read", "enter", MAIL, "read the selected mail; your own is marked opened", footer=True),
    Action("reply", "reply", "R", MAIL, "answer the selected mail of yours", footer=True),
    Action("close", "close", "c", MAIL, "close the selected mail of yours; it stays in the archive", footer=True),
    Action("close_read", "close read", "C", MAIL, "close every mail of yours that you have read; asks first"),
    Action("approve", "approve", "Y", MAIL, "approve what the selected mail of yours asks for; you say why"),
    Action("deny", "deny", "N", MAIL, "deny it; you say why"),
    Action("inbox", "inbox", "i", EVERYWHERE, "your own mail", footer=True),
    Action("kill_all", "kill all", "K", EVERYWHERE, "end every run; asks for the workspace's name", dangerous=True),
    Action("acknowledge", "acknowledge", "A", EVERYWHERE, "take note of every alarm: none of them sounds again"),
    Action("snooze", "snooze", "Z", EVERYWHERE, "silence every alarm for a while ([alarms] snooze)"),
    Action("alarms", "alarms", "exclamation_mark", EVERYWHERE, "every alarm: what was expected and seen, what to do"),
    Action("notices", "notices", "L", EVERYWHERE, "what the bottom line said, newest first"),
    Action("mute", "mute", "M", EVERYWHERE, "all sound off, and on again", footer=True),
    Action("panel", "panel", "tab", MOVE, "next panel"),
    Action("back", "back", "escape", EVERYWHERE, "back out; never does anything else"),
    Action("palette", "commands", "colon,ctrl+p", EVERYWHERE, "command palette: every action, agent and theme"),
    Action("help", "help", "question_mark", EVERYWHERE, "this list", footer=True),
    Action("suspend", "suspend", "ctrl+z", EVERYWHERE, "to the shell; `fg` brings the screen back"),
    Action("quit", "quit", "q,ctrl+q", EVERYWHERE, "leave; agents and runs go on without the screen", footer=True),
    Action("pause", "pause", "space", REPLAY, "stand still, and go on again", footer=True),
    Action("faster", "faster", "plus", REPLAY, "play twice as fast", footer=True),
    Action("slower", "slower", "minus", REPLAY, "play half as fast", footer=True),
)

BY_ID = {action.id: action for action in ACTIONS}

LOOKING = frozenset(
    {"read", "inbox", "acknowledge", "snooze", "alarms", "notices", "mute", "panel", "back", "palette", "help"}
    | {"suspend", "quit"}
    | {action.id for action in ACTIONS if action.scope in (MOVE, FLEET, REPLAY)}
)
"""What a recording can be asked for: no other action, as none may reach the workspace that was recorded."""


def why_disabled(action: Action, fleet: Fleet, selected: str, *, played: bool = False) -> str:
    """Why this action cannot be asked for now, in words for a notification; empty if it can.

    `selected` is an agent's address, empty for none. `played`: the fleet is a recording's.
    """
    if played and action.id not in LOOKING:
        return f"a recording is played: to {action.label}, open the workspace itself"
    if action.scope == REPLAY:
        return "" if played else "this is no recording"
    if action.id == "next_needing":
        return "" if fleet.agents else "there is no agent in this workspace"
    if action.id == "kill_all":
        return "" if busy(fleet) else "nothing runs in this workspace"
    if action.scope == MAIL:
        return _mail(action, fleet.find(selected), selected)
    if action.id not in ("open", "kill", "retry", "wake", "cancel", "hold", "attach", "copy"):
        return ""
    facts = fleet.find(selected)
    if facts is None:
        return f"no agent is selected to {_verb(action)}"
    if action.id == "open":
        return ""
    if facts.agent.is_operator:
        return f"{OPERATOR} is you: nothing to {_verb(action)}"
    return _agent(action, facts)


def busy(fleet: Fleet) -> tuple[AgentFacts, ...]:
    """The agents that have something to kill: a run, or the lock that a dead one left."""
    return tuple(facts for facts in fleet.agents if _runs(facts))


def wanted(needing: Collection[str], fleet: Fleet, selected: str) -> frozenset[str]:
    """Ids of the actions that the moment asks for: some agents are `needing` the operator; mail for the operator has
    come and is not in view."""
    mailed = fleet.operator is not None and fleet.operator.mailbox.unread and selected != OPERATOR
    return frozenset((*(("next_needing",) if needing else ()), *(("inbox",) if mailed else ())))


def label(action: Action, facts: AgentFacts | None) -> str:
    """The action's label, by what it would do to this agent: what holds, releases."""
    return "release" if action.id == "hold" and facts is not None and facts.held else action.label


def _verb(action: Action) -> str:
    return {"copy": "tell of", "cancel": "cancel", "close_read": "close"}.get(action.id, action.label)


def _runs(facts: AgentFacts) -> bool:
    return facts.lock is not None and facts.lock.holder is not Holder.UNKNOWN


def _agent(action: Action, facts: AgentFacts) -> str:
    address = facts.address
    if action.id == "kill":
        return "" if _runs(facts) else f"nothing runs at {address}"
    if action.id in ("hold", "cancel"):
        return ""
    if action.id == "attach":
        return _attach(facts)
    if action.id in ("retry", "wake"):
        if facts.lock is not None and facts.lock.holder is not Holder.DEAD:
            return f"{address} is at work: kill its run first" if action.id == "retry" else f"{address} is at work"
        if facts.held:
            return f"{facts.held}: release (H) it first"
    if facts.run is not None or action.id == "wake":
        return ""
    return f"{address} has had no run to {'retry' if action.id == 'retry' else 'tell of'}"


def _attach(facts: AgentFacts) -> str:
    address, run = facts.address, facts.run
    if facts.lock is not None and facts.lock.holder is not Holder.DEAD:
        return f"{address} is at work: two in one session would overwrite each other"
    if run is None or run.foreign:
        return f"{address} has had no run whose session could go on"
    if run.attempt is not None and run.attempt.ended_at and not run.attempt.session_id:
        return f"{address} is a {run.program} agent: its program keeps no session"
    return ""


def _mail(action: Action, facts: AgentFacts | None, selected: str) -> str:
    if facts is None or not facts.mailbox.messages:
        return f"no mail here to {_verb(action)}"
    if action.id != "read" and not facts.agent.is_operator:
        return f"this is {selected}'s mail: you can {_verb(action)} only your own ({OPERATOR}, key i)"
    return ""
