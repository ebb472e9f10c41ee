"""Alarms of agents that wait for each other: in `mailcore wait`, in a circle that none of them can leave. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.run import Await
from mailcore.observe.awaiting_answer import current_wait
from mailcore.observe.state import GRACE
from mailcore.text import line
from mailcore.text.units import date_and_time
from praxmonitor.alarms.alarm import Alarm, AlarmKind

STEPS = frozenset({Kind.PROMPT, Kind.TOOL, Kind.THINKING, Kind.MESSAGE})
"""What an agent does not do while it sits in a command."""
PARALLEL = 1.0
"""Seconds within which calls of one message begin."""
MAX_NAMED = 6
"""Members of a circle that are named; of more it is said how many."""


def deadlock_alarms(fleet: Fleet, now: float) -> Iterator[Alarm]:
    """One for each circle of agents of which none goes on before another one answers."""
    waits = {
        facts.address: wait for facts in fleet.agents
        if (wait := current_wait(facts)) is not None and wait.at + GRACE <= now and not _went_on(facts, wait)
    }  # fmt: skip
    if len(waits) < 2:
        return
    edges = _without_exit({address: _awaited(address, wait) for address, wait in waits.items()})
    for circle in _circles(edges):
        also = [address for address in edges if address not in circle and set(edges[address]) & set(circle)]
        yield _alarm(circle, {address: waits[address] for address in circle}, also)


def _went_on(facts: AgentFacts, wait: Await) -> bool:
    """Its model did something since: the end of that command was not recorded, or it waits in the background."""
    return any(one.kind in STEPS and not one.subagent and one.at > wait.at + PARALLEL for one in facts.activities)


def _awaited(address: str, wait: Await) -> tuple[str, ...]:
    """For whom it waits: any of them may let it go on, as far as the journal says."""
    return tuple(one for one in dict.fromkeys(wait.on.split(", ")) if one and one != address)


def _without_exit(edges: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Those who wait only for such as wait in the same way: whoever awaits one that is at work may go on."""
    stuck = {address: on for address, on in edges.items() if on}
    while True:
        left = {address: on for address, on in stuck.items() if all(one in stuck for one in on)}
        if len(left) == len(stuck):
            return left
        stuck = left


def _circles(edges: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The circles of these waits, each once, from its first member by name; whoever only waits for one is no member."""
    told: set[str] = set()
    for start in sorted(edges):
        path: list[str] = []
        address = start
        while address not in path and address not in told:
            path.append(address)
            address = min(edges[address])
        if address in path:
            circle = path[path.index(address) :]
            first = circle.index(min(circle))
            yield (*circle[first:], *circle[:first])
        told.update(path)


def _alarm(circle: tuple[str, ...], waits: Mapping[str, Await], also: list[str]) -> Alarm:
    oldest, newest = min(wait.at for wait in waits.values()), max(wait.at for wait in waits.values())
    pairs = [
        f"{address} {'waits ' if not place else ''}for {waits[address].on}" for place, address in enumerate(circle)
    ]
    more = f", and {len(pairs) - MAX_NAMED} more" if len(pairs) > MAX_NAMED else ""
    subjects = (f"{line(waits[address].subject, 60) or 'a mail'!r} of {address}" for address in circle[:MAX_NAMED])
    behind = f"; {', '.join(also[:MAX_NAMED])} {'waits' if len(also) == 1 else 'wait'} behind them" if also else ""
    return Alarm(
        AlarmKind.DEADLOCK, "", newest, f"deadlock: {', '.join(pairs[:MAX_NAMED])}{more}",
        f"an answer to one of {', '.join(subjects)}",
        f"the circle closed {date_and_time(newest, seconds=False)}{behind}",
        "answer one of these by mail (m) in its agent's place, or kill (D) one of the agents",
        f"{' '.join(sorted(circle))} {oldest:.3f}", agents=circle,
    )  # fmt: skip
