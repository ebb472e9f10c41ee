"""One mail and one mailbox, as read from AIPass's inbox.json (contract section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


def parse_time(value: object) -> float:
    """Seconds since the epoch of an ISO time; naive times are local (contract 0.6). 0.0 for what is no time."""
    if not isinstance(value, str):
        return 0.0
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def as_text(raw: Mapping[str, Any], key: str) -> str:
    """The value of a key as text: empty where there is none, and the name of its type where it is a list or object."""
    value = raw.get(key)
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    return type(value).__name__  # a list or an object, of any depth: its str() may overflow the stack


def is_unread(raw: Mapping[str, Any]) -> bool:
    """Contract 2: unread is status `new`, or no status and not `read`."""
    status = raw.get("status")
    return status == "new" or (status in (None, "") and not raw.get("read"))


FINAL = ("done", "blocked", "declined")
"""Acknowledgements after which nothing more is expected of the recipient."""

DECISIONS = ("approved", "denied")
"""Acknowledgements that decide a request for approval."""
LAPSED = "lapsed"
"""The acknowledgement of a request for approval whose run is over: nobody waits for the decision."""


@dataclass(frozen=True, slots=True)
class Ack:
    """What the recipient said became of a message (our key `ack`)."""

    state: str
    """`acknowledged`, `done`, `blocked`, `declined`, `approved`, `denied` or `lapsed`."""
    result: str = ""
    at: float = 0.0
    by: str = ""

    @classmethod
    def from_json(cls, raw: object) -> Ack | None:
        """Read the object under `ack`; None for what is none."""
        if not isinstance(raw, Mapping) or not isinstance(raw.get("state"), str):
            return None
        return cls(raw["state"], as_text(raw, "result"), parse_time(raw.get("at")), as_text(raw, "by"))


@dataclass(frozen=True, slots=True)
class Message:
    """One mail. Typed fields are what we act on; `raw` is the whole object, unknown keys included."""

    id: str
    """Eight hex digits, minted by the recipient's side."""
    sent_id: str
    """Id of the sender's own record; `read`, `reply` and `close` accept either."""
    at: float
    """When it was sent, seconds since the epoch."""
    sender: str
    subject: str
    body: str
    status: str
    """`new`, `opened`, `closed`; unknown values survive and count as neither."""
    priority: str = "normal"
    is_task: bool = False
    """True for a dispatch (`auto_execute`)."""
    thread_id: str = ""
    in_reply_to: str = ""
    reply_path: str = ""
    recipient: str = ""
    seq: int = 0
    """The number that a person can say; 0 where it has none yet."""
    stored_at: float = 0.0
    """When it was delivered."""
    seen_at: float = 0.0
    ack: Ack | None = None
    unread: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], recipient: str = "") -> Message:
        """Read one object; wrong types become text, missing fields become empty.

        `recipient` is whose mailbox it lies in: AIPass's own inbox copy does not say (contract 0.4).
        """
        seq = raw.get("seq")
        return cls(
            id=as_text(raw, "id"),
            sent_id=as_text(raw, "sent_id"),
            at=parse_time(raw.get("timestamp")),
            sender=as_text(raw, "from"),
            subject=as_text(raw, "subject"),
            body=as_text(raw, "message"),
            status=as_text(raw, "status"),
            priority=as_text(raw, "priority") or "normal",
            is_task=raw.get("auto_execute") is True,
            thread_id=as_text(raw, "thread_id"),
            in_reply_to=as_text(raw, "in_reply_to"),
            reply_path=as_text(raw, "reply_path"),
            recipient=as_text(raw, "to") or recipient,
            seq=seq if isinstance(seq, int) and not isinstance(seq, bool) else 0,
            stored_at=parse_time(raw.get("stored_at")),
            seen_at=parse_time(raw.get("seen_at")),
            ack=Ack.from_json(raw.get("ack")),
            unread=is_unread(raw),
            raw=raw,
        )

    @property
    def project(self) -> str:
        """The project that it came from, where that is another one; as the mail says it. Empty for mail from here."""
        return as_text(self.raw, "project") if self.raw.get("feedback") is True else ""

    @property
    def updates(self) -> int:
        """How often its sender has said it: more than once where an upsert key had it rewritten."""
        updates = self.raw.get("updates")
        return updates if isinstance(updates, int) and updates > 1 else 1

    @property
    def urgency(self) -> int:
        """Order by priority: high before normal before low; what nobody knows counts as normal."""
        return {"high": 0, "low": 2}.get(self.priority, 1)

    @property
    def proof(self) -> str:
        """What said who sends it, when it was sent by mailcore: `run`, `passport`, `terminal`, `declared`, …

        Our key `sender_proof`; empty where another program sent it.
        """
        return as_text(self.raw, "sender_proof")

    @property
    def undecided(self) -> bool:
        """True for a request for approval (our key `approval`) that was not approved, not denied, and did not lapse."""
        return "approval" in self.raw and (self.ack is None or self.ack.state not in (*DECISIONS, LAPSED))

    def awaits_decision(self, now: float) -> bool:
        """Whether it is undecided at `now` and may still be decided: it is not past its time."""
        return self.undecided and not self.expired_at(now)

    def expired_at(self, now: float) -> float:
        """Since when this request for approval cannot be decided any more, as its time is over or its run; 0.0: it can,
        or it is decided, or it is no request."""
        past = self.expires_at if 0.0 < self.expires_at <= now else 0.0
        if self.lapsed and self.ack is not None:
            return past or self.ack.at or self.came_at
        return past if self.undecided else 0.0

    @property
    def lapsed(self) -> str:
        """Why nobody waits for the decision on this request any more; empty where somebody may."""
        return self.ack.result if self.ack is not None and self.ack.state == LAPSED else ""

    @property
    def run_id(self) -> str:
        """The run that made this request for approval; empty where none did."""
        approval = self.raw.get("approval")
        return as_text(approval, "run") if isinstance(approval, Mapping) else ""

    @property
    def tier(self) -> int:
        """The tier of this request for approval; 0 where none is said."""
        approval = self.raw.get("approval")
        tier = approval.get("tier") if isinstance(approval, Mapping) else 0
        return tier if isinstance(tier, int) and not isinstance(tier, bool) else 0

    @property
    def expires_at(self) -> float:
        """When this request for approval lapses, if nobody has decided it by then; 0.0 never."""
        approval = self.raw.get("approval")
        return parse_time(approval.get("expires_at")) if isinstance(approval, Mapping) else 0.0

    @property
    def came_at(self) -> float:
        """When it was delivered, else when it was sent."""
        return self.stored_at or self.at

    def rank(self, message_id: str) -> int:
        """How well `message_id` names this mail: 3 its id, 2 its sent id, 1 its number (`73` or `#73`), 0 not."""
        if not message_id:
            return 0
        if message_id == self.id:
            return 3
        if message_id == self.sent_id:
            return 2
        return int(self.seq > 0 and message_id.removeprefix("#") == str(self.seq))


class MailboxStatus(StrEnum):
    """Whether a mailbox could be read. A broken one is never shown as an empty one."""

    OK = "ok"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The open mail of one agent at one moment, newest first."""

    status: MailboxStatus = MailboxStatus.MISSING
    messages: tuple[Message, ...] = ()
    reason: str = ""
    """Why it is unreadable: the file and the cause."""
    left_out: int = 0
    """Open mails beyond `messages`, of an agent on another host."""
    left_out_unread: int = 0
    """Those of them that nobody has opened yet."""

    @property
    def unread(self) -> int:
        """How many messages nobody has opened yet."""
        return sum(message.unread for message in self.messages) + self.left_out_unread

    @property
    def open(self) -> int:
        """How many messages wait here, read or not."""
        return sum(message.status != "closed" for message in self.messages) + self.left_out
