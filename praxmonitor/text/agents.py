"""An agent in words and signs: how its state is drawn, in which order states stand, what it is on."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State
from praxmonitor.text.lines import Span, plain


class Look(NamedTuple):
    """How a state is drawn: never by colour alone."""

    glyph: str
    word: str
    role: str


_GLYPHS = {
    State.STARTING: "◌",
    State.WORKING: "●",
    State.IN_TOOL: "◆",
    State.WAITING: "?",
    State.SILENT: "!",
    State.RETRYING: "↻",
    State.LIMITED: "◷",
    State.HELD: "‖",
    State.DONE: "✓",
    State.FAILED: "✗",
    State.KILLED: "■",
    State.ORPHANED: "◇",
    State.UNREADABLE: "⊠",
    State.IDLE: "○",
}


LOOKS = {state: Look(_GLYPHS[state], state.value, f"state-{state.value.replace(' ', '-')}") for state in State}


NEEDS_ME = (State.UNREADABLE, State.FAILED, State.WAITING, State.SILENT, State.ORPHANED)
"""States that want the operator, most urgent first."""


ATTENTION = (*NEEDS_ME, State.LIMITED)
"""States in which nothing goes on that should."""


AT_WORK = (State.RETRYING, State.WORKING, State.IN_TOOL, State.STARTING)
"""States in which something goes on."""


ORDER = (
    *NEEDS_ME,
    State.RETRYING,
    State.LIMITED,
    State.WORKING,
    State.IN_TOOL,
    State.STARTING,
    State.HELD,
    State.KILLED,
    State.DONE,
    State.IDLE,
)
"""The order in which the header counts."""


RANK = {state: 0 if state in ATTENTION else 1 if state in AT_WORK else 2 for state in State}
"""The class of a state where attention comes first: 0 needs it, 1 is at work, 2 is neither."""


_END_MAIL = re.compile(r'(@\S+ (?:finished|did not finish \(\w+\))) "(.*?)"\. It took ')
"""How the subject of a run begins that was begun because another ended (`end_mails.wake_reason`)."""


def run_subject(facts: AgentFacts) -> str:
    """The subject of its run, word for word, else of the lock another program holds; empty where it has neither."""
    if facts.run is not None:
        return plain(facts.run.subject) or "a task"
    return plain(facts.lock.subject) if facts.lock is not None else ""


def task(facts: AgentFacts) -> str:
    """What the agent is on, in short: the subject of its run. One that is begun by the end of another's run has no task
    of its own: `reads its mail: @patents finished Research`."""
    subject = run_subject(facts)
    short = shortened(subject)
    return subject if short == subject else f"reads its mail: {short}"


def shortened(said: str) -> str:
    """`@patents finished Research` of the words by which a wake tells how a run ended; other words as they are."""
    told = _END_MAIL.match(said)
    return f"{told[1]} {told[2]}" if told is not None else said


def last_seen(facts: AgentFacts) -> float:
    """When something of it was seen last: a sign of life, or the end of its run; 0.0 for never. Mail that comes is
    none."""
    return max(facts.last_active, *(one.at for one in facts.activities[-1:] if one.kind is not Kind.MAIL), 0.0)


BYPASS: Span = ("BYPASS", "warn strong")
"""The badge of an agent whose program asks for no permissions."""


def bypasses(facts: AgentFacts, configured: Collection[str]) -> bool:
    """True if the agent asks for no permissions, by its config (`configured` are addresses) or the run that goes on."""
    return facts.address in configured or (facts.run is not None and facts.run.bypass)


def attempts(facts: AgentFacts) -> str:
    """`2/3`; empty where one attempt was enough or none was made."""
    run = facts.run
    if run is None or run.attempt is None or (run.phase.ended and run.place(run.attempt) < 2):
        return ""
    return f"{run.place(run.attempt)}/{run.attempts_allowed}"


def running_pid(facts: AgentFacts) -> int:
    """The agent's own process of an open attempt, else the holder of its lock, else of a person's session; 0: none."""
    run = facts.run
    if run is not None and not run.phase.ended and run.attempt is not None and not run.attempt.ended_at:
        return run.attempt.pid
    if facts.lock is not None:
        return facts.lock.pid if run is None or run.phase.ended else 0
    return facts.sessions[-1].pid if facts.sessions else 0
