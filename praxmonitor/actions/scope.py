"""Where actions are offered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an action is offered."""

    title: str
    """As help and README call it; they list scopes in the order in which the table has them."""
    place: int
    """Its place in the footer, from the left."""


EVERYWHERE = Scope("Everywhere", 5)
VIEWS = Scope("Views", 6)
MOVE = Scope("Move", 7)
FLEET = Scope("Fleet", 4)
STREAM = Scope("Stream", 3)
ALARMS = Scope("Alarms", 2)
LOGS = Scope("Logs", 1)
ERRORS = Scope("Errors", 1)
ACT = Scope("Act on the selected agent", 2)
MAIL = Scope("Mail", 1)
AGENT = Scope("In the view of one agent", 0)
MAILBOX = Scope("In the mail view", 1)
REPLAY = Scope("In a replay", 0)
