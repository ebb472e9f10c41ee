"""At which time the state of each agent is derived: now, or when its host was heard last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.link import HostRecord
from mailcore.model.machine_status import MachineStatus

NONE_AWAY: Mapping[str, float] = MappingProxyType({})


def away_hosts(hosts: Iterable[HostRecord]) -> Mapping[str, float]:
    """The name of each host that is not heard → since when, in seconds since the epoch; 0.0: it never was."""
    away = {host.name: host.away_since for host in hosts if host.away_since or not host.seen_at or host.revoked}
    return MappingProxyType(away) if away else NONE_AWAY


class Moments:
    """At which time, and by what is known of its machine, the state of each agent is derived."""

    def __init__(self, now: float, machine_status: MachineStatus, away: Mapping[str, float]) -> None:
        self._here, self._away = (now, machine_status), away
        self._elsewhere = now, replace(machine_status, work=None)
        """Of the processes of other hosts nothing is known here."""

    def of(self, facts: AgentFacts) -> tuple[float, MachineStatus]:
        """Now; for an agent of a host that is not heard when it was heard last."""
        host = facts.agent.host
        if not host:
            return self._here
        now, machine = self._elsewhere
        return min(self._away.get(host) or now, now), machine


def moments_of(fleet: Fleet, now: float, machine_status: MachineStatus) -> Moments:
    """Those of a fleet at `now`."""
    return Moments(now, machine_status, away_hosts(fleet.hosts))
