"""For whose answer an agent at work waits: then no sign of life is due of it. Pure; a part of `state`."""

from __future__ import annotations

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import Message
from mailcore.model.run import Await, Phase

ASKING = "waits for your answer: "
"""Before the subject of a mail that an agent waits to have answered by the operator."""


def open_request(facts: AgentFacts) -> Message | None:
    """The oldest request for the operator's approval that its present run made and nobody has decided."""
    lock = facts.lock
    if lock is None or not facts.requests:
        return None
    # Whoever works under another program's lock has no run id to say: what it asked since its start counts.
    mine = (one for one in facts.requests if one.run_id == lock.run_id and (lock.run_id or one.came_at >= int(lock.at)))
    return next(mine, None)


def current_wait(facts: AgentFacts) -> Await | None:
    """What it waits for in `mailcore wait`, unless a tool call that began later shows it at work."""
    run = facts.run
    if run is None or run.phase is not Phase.RUNNING or run.awaits is None or facts.lock is None:
        return None
    later = facts.tool is not None and facts.tool.at > run.awaits.at
    return run.awaits if run.run_id == facts.lock.run_id and not later else None


def request_status(facts: AgentFacts) -> Status | None:
    """The state of an agent whose request for approval stands open."""
    request = open_request(facts)
    if request is None:
        return None
    tier = f" (tier {request.tier})" if request.tier > 1 else ""
    return Status(State.WAITING, f"asks for your approval{tier}: {request.subject}", request.came_at)


def wait_status(facts: AgentFacts) -> Status | None:
    """The state of an agent in `mailcore wait`: for the operator it is waiting, for another agent it is at work."""
    for_ = current_wait(facts)
    if for_ is None:
        return None
    # A request for approval that stands open is reported by `request_status`; this one was decided a moment ago.
    if OPERATOR in for_.on.split(", ") and for_.want != "approval":
        return Status(State.WAITING, f"{ASKING}{for_.subject}", for_.at)
    return Status(State.WORKING, f"waits for {for_.on}: {for_.subject}", for_.at)
