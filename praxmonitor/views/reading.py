"""What is read of the agent in view alone, as soon as the cursor rests: its process tree, its queue, its log."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen
from textual.timer import Timer

from mailcore.model.fleet import AgentFacts
from praxmonitor.state.agent_details import AgentDetails
from praxmonitor.state.agent_reader import AgentReader

SETTLE = 0.08
"""Seconds that a selection stands before its process and log are read: a key held down reads nothing."""
PERIOD = 0.5
"""Seconds between two readings at least."""


class Reading:
    """The last reading of the agent in view; reads in a thread, and has it drawn."""

    def __init__(self, screen: Screen[None], agent: Callable[[], AgentFacts | None], draw: Callable[[], None]) -> None:
        """`agent`: who is in view; None for nobody, or one who cannot be read."""
        self._screen, self._agent, self._draw = screen, agent, draw
        self.details: AgentDetails | None = None
        """What was read last."""
        self._reader = AgentReader()
        self._settle: Timer | None = None
        self._read_of: AgentFacts | None = None

    def begin(self, period: float) -> None:
        """Read again every so many seconds, from now on."""
        self._screen.set_interval(max(PERIOD, period), self.read)

    def follow(self, facts: AgentFacts | None) -> None:
        """Read anew if this is another agent, or more is known of it."""
        if facts is not self._read_of:
            self.settle_on(facts)

    def settle_on(self, facts: AgentFacts | None) -> None:
        """Read this agent as soon as the cursor rests."""
        self._read_of = facts
        if self._settle is not None:
            self._settle.stop()
        self._settle = self._screen.set_timer(SETTLE, self.read)

    def read(self) -> None:
        """Read the agent in view now."""
        facts = self._agent()
        if facts is not None and self._screen.is_current:
            self._screen.run_worker(partial(self._read, facts), thread=True, exclusive=True, group="details")

    def _read(self, facts: AgentFacts) -> None:
        details = self._reader.read(facts)
        self._screen.app.call_from_thread(self._take, details)

    def _take(self, details: AgentDetails) -> None:
        facts = self._agent()
        if facts is not None and details.address == facts.address and self._screen.is_mounted:
            self.show(details)

    def show(self, details: AgentDetails) -> None:
        """Show this reading."""
        self.details = details
        self._draw()

    def of(self, address: str) -> AgentDetails | None:
        """The last reading if it is this agent's."""
        return self.details if self.details is not None and self.details.address == address else None
