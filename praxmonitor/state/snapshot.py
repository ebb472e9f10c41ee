"""The fleet and every agent's state at one moment: what the app holds and all screens draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from mailcore.config import Alarms
from mailcore.model.fleet import AgentFacts, Fleet, State, Status, changed_agents
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.silence import AT_WORK, EXPECTED_STATES, NO_MACHINE_STATUS, expectation, spins_at
from mailcore.observe.state import idle_at, state
from praxmonitor.state.moments import NONE_AWAY, Moments, away_hosts
from praxmonitor.text.agents import NEEDS_ME

NO_STATUSES: Mapping[str, Status] = MappingProxyType({})
NOTHING_KNOWN = Status(State.IDLE, "nothing known yet")
TIME_DEPENDENT = (*EXPECTED_STATES, State.SILENT, State.WAITING)
"""States that time alone can change."""
ENDED_BY_SILENCE = (State.WORKING, State.IN_TOOL, State.RETRYING, State.LIMITED)
"""Of those, the ones that only silence can end."""
DERIVE_AGAIN_AFTER = 0.5
"""Seconds after which they are derived again even where fleets follow each other faster than the clock's ticks."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Compared by identity: setting an equal one costs nothing, comparing a thousand agents would."""

    fleet: Fleet
    statuses: Mapping[str, Status] = field(default_factory=dict)
    """By address, the operator's not among them. A status that did not change is the same object as before."""
    now: float = 0.0
    """Seconds since the epoch."""
    derived: float = 0.0
    """When every state that time can change was derived last."""
    holds: Mapping[str, float] = field(default_factory=dict)
    """Address → until when its status holds unless its facts or the machine status change; only of agents at work."""
    machine_status: MachineStatus = NO_MACHINE_STATUS
    """What the statuses were derived with."""
    away: Mapping[str, float] = field(default_factory=lambda: NONE_AWAY)
    """Host that is not heard → since when; the statuses of its agents are those that they had then."""
    elsewhere: Mapping[str, Status] = field(default_factory=lambda: NO_STATUSES)
    """By address, of the sessions in the project that are no agent's."""

    def status(self, address: str) -> Status:
        """The state of one agent or session; idle for one that is not known."""
        return self.statuses.get(address) or self.elsewhere.get(address, NOTHING_KNOWN)

    @property
    def shown_statuses(self) -> Mapping[str, Status]:
        """Of all that a list shows."""
        return {**self.statuses, **self.elsewhere} if self.elsewhere else self.statuses

    @property
    def host_names(self) -> tuple[str, ...]:
        """Of the other hosts of the link."""
        return tuple(host.name for host in self.fleet.hosts)

    @property
    def heard_agents(self) -> tuple[AgentFacts, ...]:
        """Those of this host, and of the hosts that are heard: of the others nothing is known that holds now."""
        away = self.away
        return tuple(each for each in self.fleet.agents if each.agent.host not in away) if away else self.fleet.agents

    def needs_me(self) -> tuple[str, ...]:
        """Addresses of the agents that want the operator, in registry order."""
        return tuple(facts.address for facts in self.heard_agents if self.status(facts.address).state in NEEDS_ME)


EMPTY = Snapshot(Fleet(Path()))
"""Before the first reading."""


def next_snapshot(
    old: Snapshot, fleet: Fleet, now: float, policy: Alarms, machine_status: MachineStatus = NO_MACHINE_STATUS
) -> Snapshot:
    """The next snapshot; `old` itself if nothing differs but the time within a second.

    The states of agents whose facts changed are derived; those that time can change too, if the fleet is the same or
    `DERIVE_AGAIN_AFTER` has passed.
    """
    new = _of_agents(old, fleet, now, policy, machine_status)
    elsewhere = _of_sessions(old, fleet, now, policy)
    return new if new.elsewhere is elsewhere else replace(new, elsewhere=elsewhere)


def _of_sessions(old: Snapshot, fleet: Fleet, now: float, policy: Alarms) -> Mapping[str, Status]:
    """The states of the sessions that are no agent's; the very same mapping where nothing differs."""
    if not fleet.elsewhere:
        return NO_STATUSES
    known = {facts.address: facts for facts in old.fleet.elsewhere}
    again = not 0 <= now - old.derived < DERIVE_AGAIN_AFTER
    found: dict[str, Status] = {}
    for facts in fleet.elsewhere:
        before = old.elsewhere.get(facts.address)
        if before is None or again or known.get(facts.address) is not facts:
            status = state(facts, now, policy)
            found[facts.address] = before if before is not None and before == status else status
        else:
            found[facts.address] = before
    return old.elsewhere if found == old.elsewhere else found


def _of_agents(old: Snapshot, fleet: Fleet, now: float, policy: Alarms, machine_status: MachineStatus) -> Snapshot:
    away = old.away
    if fleet.hosts is not old.fleet.hosts and (found := away_hosts(fleet.hosts)) != away:
        away = found
    few = changed_agents(old.fleet, fleet) if len(old.statuses) == len(old.fleet.agents) else None
    if few is not None and machine_status is old.machine_status and now >= old.now and away is old.away:
        return _with_few(old, fleet, few, now, policy)
    statuses: dict[str, Status] = {}
    holds: dict[str, float] = {}
    moments = Moments(now, machine_status, away)
    for facts in fleet.agents:
        address = facts.agent.address
        at, machine = moments.of(facts)
        before, status = old.statuses.get(address), state(facts, at, policy, machine)
        statuses[address] = before if before is not None and before == status else status
        if until := _held_until(facts, status, at, policy, machine):
            holds[address] = until
    return Snapshot(fleet, statuses, now, now, holds, machine_status, away)


def _with_few(old: Snapshot, fleet: Fleet, changed: list[AgentFacts], now: float, policy: Alarms) -> Snapshot:
    """The next snapshot where only of these something changed: of a thousand others the states are derived again that
    time may have changed, and those only now and then."""
    again, holds = changed, old.holds
    derived = old.derived
    if fleet is old.fleet or now - derived >= DERIVE_AGAIN_AFTER:
        derived = now
        again = [
            facts
            for facts, before, status in zip(fleet.agents, old.fleet.agents, old.statuses.values(), strict=True)
            if facts is not before
            or (status.state in TIME_DEPENDENT and now > holds.get(facts.agent.address, 0.0))
        ]  # fmt: skip
    moments = Moments(now, old.machine_status, old.away)
    found: dict[str, Status] = {}
    until: dict[str, float] = {}
    for facts in again:
        at, machine = moments.of(facts)
        found[facts.agent.address] = status = state(facts, at, policy, machine)
        until[facts.agent.address] = _held_until(facts, status, at, policy, machine)
    new = {address: status for address, status in found.items() if status != old.statuses[address]}
    if not changed and not new and fleet is old.fleet and int(now) == int(old.now):
        return old
    if again:
        holds = {**holds, **until}
    statuses = {**old.statuses, **new} if new else old.statuses
    return Snapshot(fleet, statuses, now, derived, holds, old.machine_status, old.away)


def turned(old: Snapshot, new: Snapshot) -> bool:
    """Whether an agent is in another state, save that it goes on to work, or with a tool: that is all that many do."""
    if new.statuses is old.statuses:
        return False
    changes = (
        (before.state, after.state)
        for before, after in zip(old.statuses.values(), new.statuses.values(), strict=False)
        if before is not after and before.state is not after.state
    )
    return any(before not in AT_WORK or after not in AT_WORK for before, after in changes)


def _held_until(facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus) -> float:
    """Until when this status holds unless something changes; 0.0: not said."""
    if status.state not in ENDED_BY_SILENCE:
        return 0.0
    due = expectation(facts, status, now, policy, machine_status)
    if due is not None:
        return min(due.silent_at, spins_at(facts, status, now, policy, machine_status))
    own = facts.lock is None and (facts.run is None or facts.run.phase.ended)
    return idle_at(facts, policy) if own else 0.0
