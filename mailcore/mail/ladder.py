"""Where a message stands: stored → woken → submitted → seen → acknowledged → done | blocked | declined. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.model.message import FINAL, Ack, Message, parse_time
from mailcore.model.run import Run

RUNGS = ("stored", "woken", "submitted", "seen", "acknowledged")
"""In order; the last rung of all is one of FINAL."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs that a message has reached, each with its time (seconds since the epoch)."""

    rungs: tuple[tuple[str, float], ...]

    @property
    def rung(self) -> str:
        """The highest one."""
        return self.rungs[-1][0]

    @property
    def since(self) -> float:
        """When it was reached."""
        return self.rungs[-1][1]

    @property
    def ended(self) -> bool:
        """Nothing more is expected of the recipient."""
        return self.rung in FINAL


def answer_to(message: Message) -> Ack | None:
    """What its recipient said became of it. A mail that tells of an answer (`DONE: …`) carries its sender's: none."""
    ack = message.ack
    tells = ack is not None and ack.by and ack.by == message.sender and not message.is_task
    return None if tells else ack


def ladder(message: Message, run: Run | None = None) -> Ladder:
    """Where `message` (the recipient's copy) stands. `run` is the run that its dispatch or wake started, if any.

    `submitted` is the run's first sign of life, or that the agent was told of the mail through its hook (our key
    `told_at`). A rung that nothing recorded is left out: mail read by another program is seen, though nobody wrote
    when.
    """
    ack = answer_to(message)
    rungs = [("stored", message.stored_at or message.at)]
    submitted = [parse_time(message.raw.get("told_at"))]
    if run is not None and run.attempts:
        rungs.append(("woken", run.attempts[0].started_at))
        submitted.append(next((attempt.running_at for attempt in run.attempts if attempt.running_at), 0.0))
    # What a session was told before the run does not count for the run.
    if since := [at for at in submitted if at and at >= rungs[-1][1]]:
        rungs.append(("submitted", min(since)))
    if message.seen_at or not message.unread or ack is not None:
        seen = message.seen_at or rungs[-1][1]
        # Who answers without having read it has seen it then, which is noted a moment after the answer.
        rungs.append(("seen", min(seen, ack.at) if ack is not None and ack.at >= rungs[-1][1] else seen))
    if ack is not None:
        rungs.append((ack.state if ack.state in FINAL else "acknowledged", ack.at or rungs[-1][1]))
    return Ladder(tuple(rungs))
