"""The order in which the agents stand, by what the operator chose. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from mailcore.model.fleet import AgentFacts, Status
from mailcore.text.units import date
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.text.agents import ORDER, RANK, last_seen
from praxmonitor.text.hosts import HERE, host_words
from praxmonitor.text.lines import plain

CLASSES = ("needs you", "at work", "at rest")
"""Of states, as `RANK` numbers them."""
SortKey: TypeAlias = tuple[float | str, ...]


def group_of(facts: AgentFacts, status: Status, group: str) -> str:
    """The group that an agent stands in, in words; empty where it is not known, or nothing is grouped."""
    match group:
        case "directory":
            return plain(facts.agent.branch.parent.name) if not facts.agent.is_remote else host_words(facts.agent)
        case "program":
            return plain(facts.run.program) if facts.run is not None else ""
        case "state":
            return CLASSES[RANK[status.state]]
        case "host":
            return host_words(facts.agent)
    return ""


def sort_key(
    facts: AgentFacts, status: Status, arrangement: Arrangement, now: float, needing: Mapping[str, int]
) -> SortKey:
    """By this key it is sorted among the others; what is not known of an agent stands last. `needing`: address of each
    that needs the operator → its place among them."""
    by_class = RANK[status.state] if arrangement.group == "state" else 0
    group = group_of(facts, status, arrangement.group)
    elsewhere = arrangement.group == "host" and group != HERE
    return (by_class, not group, elsewhere, group, *_key(facts, status, arrangement.sort, now, needing))


def _key(facts: AgentFacts, status: Status, sort: str, now: float, needing: Mapping[str, int]) -> SortKey:
    match sort:
        case "attention first":
            return (needing.get(facts.address, len(needing)), RANK[status.state])
        case "name":
            return (facts.address,)
        case "state":
            return (ORDER.index(status.state),)
        case "longest in it":
            return (not status.since, status.since)
        case "cost today":
            spent = facts.spending
            return (-(spent.today.dollars or 0.0) if spent.day == date(now) else 0.0,)
        case "longest quiet":
            return (not last_seen(facts), last_seen(facts))
        case "unread":
            return (-facts.mailbox.unread,)
    return ()


def arranged(
    agents: Sequence[AgentFacts], arrangement: Arrangement, keys: Mapping[str, SortKey]
) -> tuple[AgentFacts, ...]:
    """The agents in order: those that are pinned first, in the order of the pins, then by their `keys`, as `sort_key`
    gave them. One that has none yet stands last."""
    if arrangement.usual:
        return tuple(agents)
    pins = {address: place for place, address in enumerate(arrangement.pinned)}
    usual = len(pins)

    def place(facts: AgentFacts) -> tuple[int, bool, SortKey]:
        key = keys.get(facts.address)
        return pins.get(facts.address, usual), key is None, key or ()

    return tuple(sorted(agents, key=place))
