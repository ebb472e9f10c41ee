"""What moves between hosts that are linked, and what one knows of another (docs/link.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class EnvelopeKind(StrEnum):
    """What an envelope carries."""

    MAIL = "mail"
    """A mail to an agent of the other host: its keys, as they stand in a mailbox."""
    RECEIPT = "receipt"
    """What became of a mail: it was stored, refused, seen, acknowledged, done."""
    ACT = "act"
    """A verb that the other host shall carry out under its own locks and rules."""
    ANSWER = "answer"
    """What became of an act."""
    TOPIC = "topic"
    """What a topic is, who subscribes to it, and what is published in it."""


class Envelope(msgspec.Struct, frozen=True):
    """One thing that one host tells another, in order, exactly once.

    The host that it is for takes the envelopes of one epoch by their numbers, each one more than the last: so what it
    has is known for ever from one number, and nothing is taken twice, however often it comes.
    """

    kind: EnvelopeKind
    id: str
    """32 hexadecimal digits; no other envelope ever has it."""
    sender: str
    """The host that wrote it."""
    to: str
    """The host that it is for."""
    epoch: str
    """16 hexadecimal digits: the life of the sender's store for that host. Another one begins if the store is lost."""
    seq: int
    """1, 2, 3, … of that epoch, in the order in which they were written."""
    first: int
    """The lowest number that the sender still holds: all before were confirmed."""
    at: float
    """When it was written, seconds since the epoch, by the sender's clock."""
    body: dict[str, Any]
    until: float = 0.0
    """After this it shall not be carried out any more, by the sender's clock; 0.0: it keeps for ever."""
    before: str = ""
    """The id of the one before it in that epoch; empty of the first. Two that follow another there are found out."""
    signature: str = ""
    """Of all else, by the sender's key; hexadecimal."""


class HostRecord(msgspec.Struct, frozen=True):
    """What is known here of another host of the link."""

    name: str
    key: str = ""
    """Its public key; empty where it is not known yet."""
    operator_key: str = ""
    """The public key of the person there; empty: none may act from there."""
    agents: tuple[str, ...] = ()
    """Their addresses as that host writes them, `@writer`."""
    seen_at: float = 0.0
    """When it was heard last, by our clock; 0.0 for never."""
    away_since: float = 0.0
    """Since when it is not heard; 0.0: it is there."""
    skew: float | None = None
    """Its clock less ours, in seconds; None: not measured."""
    revoked: bool = False
    """It belongs to the link no more."""
    version: str = ""
    """Of its PraxMonitor."""
