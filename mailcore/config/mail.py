"""What config.toml says of mail: `[mail]`. Apart from the other sections: to send needs no more of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import Address, AddressOrNone, Bytes, Count, CountOrNone, Period, Seconds, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What may be sent, how long it may lie, and who decides."""

    max_body: Annotated[Bytes, describe("Size of one body.")] = 1_000_000
    max_subject: Annotated[Count, describe("Characters of one subject.")] = 500
    per_minute: Annotated[CountOrNone, describe("Mails that one sender may send in a minute. 0: any number.", 60)] = 0
    undo: Annotated[
        Seconds,
        describe(
            "What the operator sends from the screen waits so long in the outbox. Until then it can be taken back. "
            "0: not at all. High priority never waits."
        ),
    ] = 10.0
    idle: Annotated[
        Seconds,
        describe(
            "How long a person's open session is idle before mail of normal or low priority wakes it. 0: it comes with "
            "the next turn. High priority never waits."
        ),
    ] = 120.0
    rung_low: Annotated[
        Period, describe("How long a message of low priority may stand on one rung before it is stuck or overdue.")
    ] = 86400.0
    rung_normal: Annotated[Period, describe("The same of normal priority.")] = 7200.0
    rung_high: Annotated[Period, describe("The same of high priority.")] = 600.0
    orchestrator: Annotated[
        AddressOrNone,
        describe("Who gets what is escalated, and feedback from other projects. Empty: the operator.", "@lead"),
    ] = ""
    approver: Annotated[Address, describe("The only one whose approve or deny counts.")] = "@operator"

    def rung_limit(self, priority: str) -> float:
        """Seconds that a message may stand on one rung."""
        return {"high": self.rung_high, "low": self.rung_low}.get(priority, self.rung_normal)
