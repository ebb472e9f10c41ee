"""One alarm of a network that is lost: several agents cannot reach their services at the same time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.run import Phase
from mailcore.observe.causes import NETWORK, cause_of, cause_of_run, sort_of_cause
from mailcore.text import counted, line
from mailcore.text.units import duration
from praxmonitor.alarms.alarm import Alarm, AlarmKind

WINDOW = 600.0
"""Seconds for which a failure counts: so close to each other lie those of one cause."""
TROUBLES = frozenset({Kind.ERROR, Kind.WARNING, Kind.LIMIT})
"""What a session reports of a request that failed."""
ASIDE = frozenset(
    {Kind.MAIL, Kind.LOG, Kind.WARNING, Kind.TURN_END, Kind.RETRYING, Kind.FAILED, Kind.STARTED, Kind.SESSION}
)
"""What an agent without a network does all the same: of these none says that its service answered."""
PROGRAM_SOURCES = frozenset({"hooks", "transcript"})
"""Where the agent's program itself speaks: an error in a log may be of anything that the agent works on."""

Failure: TypeAlias = tuple[float, str, str]
"""(when, seconds since the epoch; the agent's address; the words of it)."""


def network_alarms(fleet: Fleet, failures: Iterable[Failure], now: float) -> Iterator[Alarm]:
    """One alarm, if two agents or more failed for want of a network, and neither has been answered since. `failures`:
    the newest of each agent that has one.

    None where a service refuses one meanwhile: that is an answer, and what has no connection comes of the service.
    """
    failed = sorted(one for one in failures if now - one[0] < WINDOW)
    if len(failed) < 2 or _refused(fleet) >= failed[0][0] - WINDOW:
        return
    first, newest = failed[0][0], failed[-1]
    agents = tuple(sorted(address for _, address, _ in failed))
    who = ", ".join(agents[:3]) + (f" and {len(agents) - 3} more" if len(agents) > 3 else "")
    yield Alarm(
        AlarmKind.NETWORK, "", first, f"no network: {counted(len(agents), 'agent')} cannot reach their services",
        f"an answer of a service to one of {who}", f"{newest[1]} reported: {line(newest[2], 120)}",
        f"check the network, a VPN or proxy; then retry (r) what failed. It is over {duration(WINDOW)} after the last "
        "such failure",
        cause=NETWORK, agents=agents,
    )  # fmt: skip


def _refused(fleet: Fleet) -> float:
    """When a service refused an agent last, seconds since the epoch: it was reached; 0.0 for never."""
    refusals = (
        activity.at
        for facts in fleet.agents
        for activity in facts.activities
        if activity.kind is Kind.LIMIT and activity.source in PROGRAM_SOURCES and cause_of(activity.text) != NETWORK
    )
    return max(refusals, default=0.0)


def newest_failure(facts: AgentFacts) -> Failure | None:
    """When the agent failed last for want of a network, and the words of it; None where it has worked since."""
    found: list[tuple[float, str]] = []
    run = facts.run
    if run is not None and run.phase is Phase.BOUNCED and sort_of_cause(cause_of_run(run)) == NETWORK:
        found.append((run.since, run.reason or run.result))
    if run is not None and run.attempt is not None and not run.phase.ended and cause_of(run.attempt.cause) == NETWORK:
        found.append((run.attempt.ended_at, run.attempt.cause))
    answered = 0.0
    for activity in facts.activities:
        told = activity.kind in TROUBLES and activity.source in PROGRAM_SOURCES
        if told and cause_of(activity.text) == NETWORK:
            found.append((activity.at, activity.text))
        elif activity.kind not in ASIDE and activity.kind is not Kind.PROMPT and activity.source != "log":
            answered = max(answered, activity.at)
    at, text = max(found, default=(0.0, ""))
    return (at, facts.address, text) if at > answered else None
