"""When the operator is wanted: pure rules, fleet in, alarms out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from mailcore.model.fleet import AgentFacts, Fleet, State, Status
from mailcore.observe.state import expected, last_sign, state


class AlarmKind(StrEnum):
    """Why the operator is wanted."""

    SILENCE = "silence"
    WAITING = "waiting"
    FAILED = "failed"
    ORPHANED = "orphaned"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A condition that wants the operator. The text explains itself; it holds untrusted words of agents."""

    kind: AlarmKind
    address: str
    since: float
    """Seconds since the epoch; 0.0 unknown."""
    text: str


KINDS = {
    State.SILENT: AlarmKind.SILENCE,
    State.WAITING: AlarmKind.WAITING,
    State.FAILED: AlarmKind.FAILED,
    State.ORPHANED: AlarmKind.ORPHANED,
    State.UNREADABLE: AlarmKind.UNREADABLE,
}


def alarms(fleet: Fleet, now: float, silence: float) -> tuple[Alarm, ...]:
    """The alarms of `fleet` at `now`, the operator's own mailbox included, oldest first.

    `silence`: seconds without a sign of life that are too long, 0 for never. An alarm lasts as long as its state: a
    failed run's until a newer one.
    """
    everyone = (*fleet.agents, *((fleet.operator,) if fleet.operator is not None else ()))
    raised = []
    for facts in everyone:
        status = state(facts, now, silence)
        if kind := KINDS.get(status.state):
            raised.append(Alarm(kind, facts.address, status.since, _text(kind, facts, status, now)))
    return tuple(sorted(raised, key=lambda alarm: alarm.since))


def _text(kind: AlarmKind, facts: AgentFacts, status: Status, now: float) -> str:
    """What was expected, what was last seen, and which key helps."""
    match kind:
        case AlarmKind.SILENCE:
            seen = _ago(last_sign(facts), now)
            tool = f" (in {facts.tool.text})" if facts.tool is not None else ""
            return (
                f"silent: expected to work on {expected(facts)}, last sign of life {seen}{tool}; "
                "kill (D) or retry (r) it"
            )
        case AlarmKind.WAITING:
            return f"waits for you since {_ago(status.since, now)}: {status.reason}; answer there or by mail"
        case AlarmKind.FAILED:
            return f"failed {_ago(status.since, now)}: {status.reason}; retry (r) it"
        case AlarmKind.ORPHANED:
            return f"orphaned: expected to work on {expected(facts)}; {status.reason}"
        case AlarmKind.UNREADABLE:
            return f"cannot be read: {status.reason}; mend or remove the file, it is read again at once"


def _ago(at: float, now: float) -> str:
    if at <= 0:
        return "never seen"
    clock = time.strftime("%H:%M:%S", time.localtime(at))
    minutes = (now - at) / 60
    if minutes < 1:
        return f"{clock}, {max(0.0, now - at):.0f} s ago"
    return f"{clock}, {minutes:.0f} min ago" if minutes < 120 else f"{clock}, {minutes / 60:.0f} h ago"
