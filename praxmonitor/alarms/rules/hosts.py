"""One alarm of each host of the link that is not heard: what is known of its agents is old, all of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.model.fleet import Fleet
from mailcore.text import counted, line
from mailcore.text.units import moment
from praxmonitor.alarms.alarm import Alarm, AlarmKind

AWAY_FOR = 20.0
"""Seconds for which a host must be away: a link that is set up anew is no alarm."""


def host_alarms(fleet: Fleet, now: float) -> Iterator[Alarm]:
    """Of the hosts that were heard, and are not any more; none of one that was revoked."""
    for host in fleet.hosts:
        if host.revoked or not host.away_since or now - host.away_since < AWAY_FOR:
            continue
        agents = tuple(facts.address for facts in fleet.agents if facts.agent.host == host.name)
        many = f": {counted(len(agents), 'agent')} there" if agents else ""
        yield Alarm(
            AlarmKind.HOST_AWAY, "", host.away_since, f"host away: {line(host.name, 40)} is not heard{many}",
            "its sign every few seconds",
            f"heard last {moment(host.seen_at, now)}" if host.seen_at else "",
            "see to that machine, its network, and whether `mailcore link` runs there (`mailcore link doctor`); what "
            "is for it waits here and goes when it is back",
            host.name, agents=agents,
        )  # fmt: skip
