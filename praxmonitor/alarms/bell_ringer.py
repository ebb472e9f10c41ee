"""Rings the bells of agents' idle sessions for what rings none itself: mail that another program wrote into a mailbox,
and the end of a session that was killed, beside which something still sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from mailcore.mail.bell import ring_bells
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet


class BellRinger:
    """Sees each fleet that is evaluated. `run` rings, in a thread. Nothing polls."""

    def __init__(self) -> None:
        """Nothing is known yet: mail that is there at the first fleet may have come when nobody watched."""
        self._known: dict[str, AgentFacts] = {}
        self._wanted: dict[str, Agent] = {}
        self._due = asyncio.Event()

    def see(self, fleet: Fleet) -> None:
        """Want the bells of whoever got such mail, or lost a session, since the fleet before."""
        for facts in fleet.local_agents:
            before = self._known.get(facts.address)
            if before is facts:
                continue
            self._known[facts.address] = facts
            if _has_silent_mail(before, facts) or (before is not None and _lost_a_session(before, facts)):
                self._wanted[facts.address] = facts.agent
                self._due.set()

    async def run(self, on_duty: Callable[[], bool]) -> None:
        """Ring when that is wanted, while `on_duty` says so, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            wanted, self._wanted = self._wanted, {}
            if on_duty():
                await asyncio.to_thread(_ring, wanted.values())


def _ring(agents: Iterable[Agent]) -> None:
    for agent in agents:
        ring_bells(agent)


def _has_silent_mail(before: AgentFacts | None, facts: AgentFacts) -> bool:
    """Mailcore gives each message a number, and rings: one without has come by another program."""
    if before is not None and before.mailbox is facts.mailbox:
        return False
    return any(message.unread and not message.seq for message in facts.mailbox.messages)


def _lost_a_session(before: AgentFacts, facts: AgentFacts) -> bool:
    if before.sessions is facts.sessions:
        return False
    return not {one.pid for one in before.sessions} <= {one.pid for one in facts.sessions}
