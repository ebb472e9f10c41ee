"""The order of the starts that wait for an agent, changed by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.exceptions import UsageError
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class MovedStart:
    """A start that waits, and the places that it had and has among those of its agent, from 1."""

    entry: queue.WaitingStart
    before: int
    place: int
    count: int
    """How many wait for the agent."""


def move_start(workspace: Workspace, by: str, queue_id: str, where: str) -> MovedStart:
    """Give a waiting start another place among those of its agent, as `by` asks: `up`, `down`, `first`, `last`, or a
    number from 1. Only its `rank` in the file changes, which older programs pass over.

    The place that it had undoes it. MailcoreError if it waits no more; UsageError if `where` is no place.
    """
    entry = next((entry for entry in queue.all_waiting(workspace) if queue_id and entry.id == queue_id), None)
    if entry is None:
        raise queue.not_waiting(queue_id)
    with gate(workspace, entry.agent):
        records = queue.entries(entry.agent)
        ids = [str(record.get("queue_id", "")) for record in records]
        if queue_id not in ids:
            raise queue.not_waiting(queue_id)
        before = ids.index(queue_id)
        place = _place(where, before, len(records))
        if place != before:
            moved = records.pop(before)
            records.insert(place, {**moved, "rank": _rank_at(records, place)})
            queue.set_entries(workspace, entry.agent, records if _in_order(records) else _renumbered(records))
    if place != before:
        audit.record(
            workspace, by, "move", agent=entry.agent.address, subject=entry.subject, start=queue_id,
            before=before + 1, place=place + 1,
        )  # fmt: skip
    return MovedStart(entry, before + 1, place + 1, len(ids))


def _place(where: str, before: int, count: int) -> int:
    """The index that is meant; as near to it as there are starts."""
    named = {"up": before - 1, "down": before + 1, "first": 0, "last": count - 1}
    if where not in named and not (where.isascii() and where.isdigit()):
        raise UsageError(f"{where!r} is no place: up, down, first, last, or a number from 1")
    return max(0, min(named[where] if where in named else int(where[:9]) - 1, count - 1))


def _rank_at(others: list[dict[str, Any]], place: int) -> float:
    """A rank between those that will stand around it."""
    if place == 0:
        return queue.place_of(others[0]) - 1.0
    before = queue.place_of(others[place - 1])
    return (before + queue.place_of(others[place])) / 2 if place < len(others) else before + 1.0


def _in_order(records: list[dict[str, Any]]) -> bool:
    """Whether each has a rank of its own: two may have come at one moment, or be halved until nothing is between."""
    return all(queue.place_of(one) < queue.place_of(next_one) for one, next_one in itertools.pairwise(records))


def _renumbered(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same in this order, a second apart."""
    first = min(map(queue.place_of, records))
    return [{**record, "rank": first + number} for number, record in enumerate(records)]
