"""Mail as the screen lists it: which mailbox, which mails, where each of them stands. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailcore.mail.ladder import Ladder, ladder
from mailcore.model.message import FINAL, Message, parse_time
from mailcore.model.run import Run

BY_ITSELF = ("stored", "woken", "submitted")
"""Rungs that a message takes by itself; on the later ones it is the recipient's turn."""


class MailFolder(StrEnum):
    """One of the four lists that each agent's mail is in."""

    IN = "in"
    SENT = "sent"
    WAITING = "waiting"
    ARCHIVE = "archive"

    @property
    def label(self) -> str:
        """As the screen calls it."""
        return _LABELS[self]


_LABELS = {
    MailFolder.IN: "In",
    MailFolder.SENT: "Sent",
    MailFolder.WAITING: "Waiting",
    MailFolder.ARCHIVE: "Archive",
}


@dataclass(frozen=True, slots=True)
class MailPlace:
    """One list of mail that the screen can show, and comes back to."""

    owner: str
    """Whose mail, by address."""
    folder: MailFolder = MailFolder.IN
    thread: str = ""
    """The name of a mail whose thread it is; empty for a folder."""
    search: bool = False
    """What a search found, in all mail."""


@dataclass(frozen=True, slots=True)
class MailEntry:
    """One mail in a list."""

    message: Message
    """What is read, and acted on: the recipient's copy, or the sender's own record where there is none."""
    owner: str
    """Whose mailbox that copy lies in, or would."""
    copy: Message | None = None
    """The recipient's copy, whose ladder is known; None where there is none."""
    run: Run | None = None
    """The run that it started, if that is known."""
    became: str = ""
    """What is known of a sent mail beyond its ladder: `answered`, `refused`, `unknown`."""
    result: str = ""
    """What was said of it; untrusted text."""
    archived: bool = False
    sent: bool = False
    """It is listed by its recipient: its sender is whose list it is."""
    depth: int = 0
    """How deep it stands in its thread."""
    passage: str = ""
    """What stands around the word that was sought; untrusted text."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What no other entry of a list has."""
        return self.owner, self.message.id, self.message.sent_id

    @property
    def stands(self) -> tuple[str, float]:
        """Rung or end, and since when; 0.0 where that is not known."""
        if self.copy is None:
            return self.became or "unknown", 0.0
        reached = ladder(self.copy, self.run)
        if reached.ended or not (self.became or self.archived):
            return reached.rung, reached.since
        closed = parse_time(self.copy.raw.get("archived_at"))
        if self.became:
            return self.became, closed if self.became == "closed" else 0.0
        decided = self.copy.ack.state if self.copy.ack is not None else ""
        return (decided if decided in ("approved", "denied", "lapsed") else "closed"), closed

    @property
    def climbed(self) -> Ladder | None:
        """Every rung with its time; None where the recipient's copy is not known."""
        return ladder(self.copy, self.run) if self.copy is not None else None

    def stuck(self, limit: float, now: float) -> bool:
        """Whether it stands longer than `limit` seconds (0: for ever) on a rung that asks for the next one."""
        rung, since = self.stands
        if not limit or self.archived or self.copy is None or not (self.message.is_task or not self.message.urgency):
            return False
        asks = rung in BY_ITSELF or (self.message.is_task and rung not in FINAL)
        return asks and bool(since) and now - since > limit and self.became not in ("answered", "closed", "refused")


@dataclass(frozen=True, slots=True)
class MailPage:
    """Some mails of a list, newest first."""

    entries: tuple[MailEntry, ...] = ()
    following: str = ""
    """Where the next page begins; empty after the last one."""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """What a search found so far."""

    text: str
    """What was sought, as it was typed."""
    entries: tuple[MailEntry, ...] = ()
    complete: bool = False
    """All mail was searched; else more may come."""
    more: bool = False
    """Older ones are found and not listed."""
    share: float = 0.0
    """Of all mail, how much was read by now; 0.0 where the index alone was asked."""
    trouble: str = ""
    """Why it is not what was meant, in words."""
