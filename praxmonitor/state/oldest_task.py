"""The task that waits longest for its answer, over all agents. Pure."""

from __future__ import annotations

from typing import NamedTuple

from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.message import FINAL, Mailbox


class OldestTask(NamedTuple):
    """An open task."""

    address: str
    """Whose it is to answer."""
    at: float
    """When it came, seconds since the epoch."""


class OldestTasks:
    """The oldest task of each mailbox that was looked at: a mailbox that did not change is not looked at again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Mailbox, float]] = {}

    def of(self, fleet: Fleet) -> OldestTask | None:
        """The oldest of all; None where no task is open."""
        found = [OldestTask(facts.address, at) for facts in fleet.agents if (at := self._of(facts))]
        return min(found, key=lambda task: task.at, default=None)

    def _of(self, facts: AgentFacts) -> float:
        known = self._known.get(facts.address)
        if known is None or known[0] is not facts.mailbox:
            known = self._known[facts.address] = facts.mailbox, oldest_in(facts.mailbox)
        return known[1]


def oldest_in(mailbox: Mailbox) -> float:
    """When the oldest task came that is open in a mailbox and has no final answer; 0.0 for none."""
    waiting = (
        message.came_at
        for message in mailbox.messages
        if message.is_task and message.status != "closed" and (message.ack is None or message.ack.state not in FINAL)
    )
    return min(filter(None, waiting), default=0.0)
