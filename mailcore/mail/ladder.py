"""Where a message stands: stored → woken → submitted → seen → acknowledged → done | blocked | declined. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.model.message import FINAL, Ack, Message, parse_time
from mailcore.model.run import Run

RUNGS = ("stored", "woken", "submitted", "seen", "acknowledged")
"""In order; the last rung of all is one of FINAL."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs that a message has reached, each with its time (seconds since the epoch), in the order of their times.

    Which need not be that of the rungs: who reads a mail in a session of its own may be woken for it later.
    """

    rungs: tuple[tuple[str, float], ...]

    @property
    def rung(self) -> str:
        """The highest one."""
        return max(self.rungs, key=_height)[0]

    @property
    def since(self) -> float:
        """When it was reached."""
        return max(self.rungs, key=_height)[1]

    @property
    def ended(self) -> bool:
        """Nothing more is expected of the recipient."""
        return self.rung in FINAL


def recipient_answer(message: Message) -> Ack | None:
    """What its recipient said became of it. A mail that reports an answer (`DONE: …`) carries its sender's: none."""
    ack = message.ack
    tells = ack is not None and ack.by and ack.by == message.sender and not message.is_task
    return None if tells else ack


def ladder(message: Message, run: Run | None = None) -> Ladder:
    """Where `message` (the recipient's copy) stands. `run` is the run that its dispatch or wake started, if any.

    `submitted` is the run's first sign of life, or that the agent was notified of the mail through its hook (our keys
    `told_at`, and `proved_at` where a session was given it). A rung that nothing recorded is left out: mail read by
    another program is seen, though nobody wrote when; mail that was closed or answered by ours before it was read (our
    key `unseen`) is not.
    """
    ack = recipient_answer(message)
    rungs = [("stored", message.stored_at or message.at)]
    # Where it is known to which session it was given, only that session's own file proves that it arrived.
    submitted = [parse_time(message.raw.get("proved_at" if message.raw.get("told_session") else "told_at"))]
    if run is not None and run.attempts:
        rungs.append(("woken", run.attempts[0].started_at))
        submitted.append(next((attempt.running_at for attempt in run.attempts if attempt.running_at), 0.0))
    # What a session was notified of before the run does not count for the run.
    if since := [at for at in submitted if at and at >= rungs[-1][1]]:
        rungs.append(("submitted", min(since)))
    if message.seen_at or not (message.unread or message.raw.get("unseen")):
        rungs.append(("seen", message.seen_at or rungs[-1][1]))
    if ack is not None:
        rungs.append((ack.state if ack.state in FINAL else "acknowledged", ack.at or rungs[-1][1]))
    return Ladder(tuple(sorted(rungs, key=lambda one: one[1])))


def _height(reached: tuple[str, float]) -> int:
    return RUNGS.index(reached[0]) if reached[0] in RUNGS else len(RUNGS)
