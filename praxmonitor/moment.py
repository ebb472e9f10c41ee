"""The fleet and every agent's state at one moment: what the app holds and all screens draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailcore.model.fleet import Fleet, State, Status
from mailcore.observe.state import state
from praxmonitor.present import NEEDS_ME

NOTHING_KNOWN = Status(State.IDLE, "nothing known yet")


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Compared by identity: setting an equal one costs nothing, comparing a thousand agents would."""

    fleet: Fleet
    statuses: Mapping[str, Status] = field(default_factory=dict)
    """By address, the operator's not among them. A status that did not change is the same object as before."""
    now: float = 0.0
    """Seconds since the epoch."""

    def status(self, address: str) -> Status:
        """The state of one agent; idle for one that is not known."""
        return self.statuses.get(address, NOTHING_KNOWN)

    def needs_me(self) -> tuple[str, ...]:
        """Addresses of the agents that want the operator, in registry order."""
        return tuple(facts.address for facts in self.fleet.agents if self.status(facts.address).state in NEEDS_ME)


EMPTY = Moment(Fleet(Path()))
"""Before the first reading."""


def following(old: Moment, fleet: Fleet, now: float, silence: float) -> Moment:
    """The next moment. If the fleet is the same, time has passed and every state is derived anew; else only those
    of the agents whose facts changed. Returns `old` itself if nothing at all differs but the time within a second."""
    same = fleet is old.fleet
    known = {} if same else {facts.address: facts for facts in old.fleet.agents}
    statuses: dict[str, Status] = {}
    changed = not same
    for facts in fleet.agents:
        before = old.statuses.get(facts.address)
        if before is not None and not same and known.get(facts.address) is facts:
            statuses[facts.address] = before
            continue
        status = state(facts, now, silence)
        if before == status:
            status = before
        else:
            changed = True
        statuses[facts.address] = status
    if not changed and int(now) == int(old.now):
        return old
    return Moment(fleet, statuses if changed else old.statuses, now)
