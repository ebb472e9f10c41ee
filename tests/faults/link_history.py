"""What was asked of linked hosts, what was seen of it afterwards, and in what that differs from the model.

Pure, in the manner of Jepsen: clients write down when each operation began, when it ended and how; whoever looks writes
down what lay where; `check` says what cannot be. All times are of one clock, that of the machine all hosts run on,
never a host's own, which may be wrong by minutes.

An operation that was killed on its way is UNKNOWN: it may have happened once, or not at all. One that was acknowledged
has happened, or will; one that was refused never does.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

NEVER = math.inf


class Kind(StrEnum):
    """What was asked for."""

    MAIL = "mail"
    TASK = "task"
    """A mail whose recipient is started for it: it arrives as mail, and runs."""
    ACT = "act"
    """A verb of `mailcore` that the other host carries out."""


class Outcome(StrEnum):
    """What its caller was told."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Asked:
    """One operation, as its caller saw it."""

    kind: Kind
    key: str
    """No other operation has it; it travels in what is sent."""
    sender: str
    """Who asked, as the recipient has to see it: `@writer.alpha`."""
    to: str
    """Whom it is for: `@coder.beta`."""
    text: str
    began: float
    ended: float = NEVER
    outcome: Outcome = Outcome.UNKNOWN
    until: float = NEVER
    """After this it must not be carried out any more."""


@dataclass(frozen=True)
class Mail:
    """A mail as it lies in a mailbox."""

    key: str
    sender: str
    text: str


@dataclass(frozen=True)
class Look:
    """What lay in a mailbox, in the order of delivery; nobody takes anything out."""

    mailbox: str
    at: float
    mails: tuple[Mail, ...]


@dataclass(frozen=True)
class Effect:
    """A run that began, or an act that was carried out."""

    key: str
    on: str
    """The agent, as `to` names it."""
    at: float


@dataclass(frozen=True)
class Told:
    """What a sender was told later of what became of an operation."""

    key: str
    stored: bool
    """It lies with its recipient; else it never will."""
    failed: bool = False
    """Its run came to nothing, or was not begun."""


@dataclass(frozen=True)
class History:
    """All of one round, when nothing moves any more."""

    asked: tuple[Asked, ...] = ()
    looks: tuple[Look, ...] = ()
    effects: tuple[Effect, ...] = ()
    told: tuple[Told, ...] = ()
    told_all: bool = False
    """Every sender has to have been told by now what became of what it was acknowledged."""


class FaultKind(StrEnum):
    """In what a history differs from the model."""

    LOST = "acknowledged, and lost"
    DOUBLED = "delivered more than once"
    DISORDERED = "delivered before what its sender had sent earlier"
    INVENTED = "delivered, and never sent"
    ALTERED = "delivered with another text"
    MISROUTED = "delivered to somebody else"
    FORGED = "delivered under another sender"
    REFUSED = "refused, and happened all the same"
    EARLY = "happened before it was asked for"
    VANISHED = "lay in a mailbox once, and does no more"
    NOT_RUN = "acknowledged, never run, and its sender never told"
    RUN_TWICE = "carried out more than once"
    LATE = "carried out after its time was over"
    FALSELY_TOLD = "its sender was told what is not so"
    NOT_TOLD = "its sender was never told what became of it"


@dataclass(frozen=True, order=True)
class Fault:
    """One difference."""

    kind: FaultKind
    key: str
    words: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.key}: {self.kind.value}" + (f" ({self.words})" if self.words else "")


def check(history: History) -> tuple[Fault, ...]:
    """What of this cannot be; empty where all is well."""
    asked = {one.key: one for one in history.asked}
    if len(asked) != len(history.asked):
        raise ValueError("two operations have the same key: the history says nothing of either")
    last = _last_looks(history.looks)
    found = [
        *_vanished(history.looks),
        *_arrivals(asked, history.looks),
        *_counts(asked, last, history.told),
        *_order(asked, last),
        *_effects(asked, history),
        *_told(asked, last, history),
    ]
    return tuple(sorted(set(found)))


def _last_looks(looks: tuple[Look, ...]) -> Mapping[str, Look]:
    return {look.mailbox: look for look in sorted(looks, key=lambda look: look.at)}


def _vanished(looks: tuple[Look, ...]) -> Iterator[Fault]:
    """A mailbox only grows, and only at its end."""
    before: dict[str, Look] = {}
    for look in sorted(looks, key=lambda look: look.at):
        if (earlier := before.get(look.mailbox)) is not None:
            now, had = Counter(mail.key for mail in look.mails), Counter(mail.key for mail in earlier.mails)
            yield from (Fault(FaultKind.VANISHED, key, f"from {look.mailbox}") for key in had - now)
            if not had - now and look.mails[: len(earlier.mails)] != earlier.mails:
                moved = next(a for a, b in zip(earlier.mails, look.mails, strict=False) if a != b)
                yield Fault(FaultKind.DISORDERED, moved.key, f"its place in {look.mailbox} changed")
        before[look.mailbox] = look


def _arrivals(asked: Mapping[str, Asked], looks: tuple[Look, ...]) -> Iterator[Fault]:
    """Each mail that was ever seen is one that was sent, so, by that sender, to that mailbox, by then."""
    for look in looks:
        for mail in look.mails:
            one = asked.get(mail.key)
            if one is None or one.kind is Kind.ACT:
                yield Fault(FaultKind.INVENTED, mail.key, f"in {look.mailbox}")
                continue
            if one.to != look.mailbox:
                yield Fault(FaultKind.MISROUTED, mail.key, f"for {one.to}, in {look.mailbox}")
            if one.sender != mail.sender:
                yield Fault(FaultKind.FORGED, mail.key, f"by {one.sender}, said to be by {mail.sender}")
            if one.text != mail.text:
                yield Fault(FaultKind.ALTERED, mail.key)
            if one.outcome is Outcome.REFUSED:
                yield Fault(FaultKind.REFUSED, mail.key)
            if look.at < one.began:
                yield Fault(FaultKind.EARLY, mail.key)


def _counts(asked: Mapping[str, Asked], last: Mapping[str, Look], told: tuple[Told, ...]) -> Iterator[Fault]:
    """What was acknowledged lies there once; what a sender was told is refused, need not."""
    times = Counter(mail.key for look in last.values() for mail in look.mails)
    given_back = {one.key for one in told if not one.stored}
    for one in asked.values():
        if one.kind is Kind.ACT:
            continue
        if times[one.key] > 1:
            yield Fault(FaultKind.DOUBLED, one.key, f"{times[one.key]} times")
        if not times[one.key] and one.outcome is Outcome.ACKNOWLEDGED and one.key not in given_back:
            yield Fault(FaultKind.LOST, one.key, f"{one.sender} to {one.to}")


def _order(asked: Mapping[str, Asked], last: Mapping[str, Look]) -> Iterator[Fault]:
    """Of one sender's mails in a mailbox none stands behind one that was begun after it had been acknowledged."""
    for look in last.values():
        newest: dict[str, Asked] = {}
        for mail in look.mails:
            one = asked.get(mail.key)
            if one is None:
                continue
            before = newest.get(one.sender)
            if before is not None and one.ended < before.began:
                yield Fault(FaultKind.DISORDERED, one.key, f"behind {before.key} in {look.mailbox}")
            if before is None or one.began > before.began:
                newest[one.sender] = one


def _effects(asked: Mapping[str, Asked], history: History) -> Iterator[Fault]:
    happened: dict[str, list[Effect]] = defaultdict(list)
    for effect in history.effects:
        happened[effect.key].append(effect)
    for key, effects in happened.items():
        one = asked.get(key)
        if one is None or one.kind is Kind.MAIL:
            yield Fault(FaultKind.INVENTED, key, f"carried out on {effects[0].on}")
            continue
        if len(effects) > 1:
            yield Fault(FaultKind.RUN_TWICE, key, f"{len(effects)} times")
        if one.outcome is Outcome.REFUSED:
            yield Fault(FaultKind.REFUSED, key)
        for effect in effects:
            if effect.on != one.to:
                yield Fault(FaultKind.MISROUTED, key, f"for {one.to}, on {effect.on}")
            if effect.at < one.began:
                yield Fault(FaultKind.EARLY, key)
            if effect.at > one.until:
                yield Fault(FaultKind.LATE, key, f"{effect.at - one.until:.1f} s")
    told = {one.key for one in history.told if not one.stored or one.failed}
    for one in asked.values():
        wanted = one.kind is not Kind.MAIL and one.outcome is Outcome.ACKNOWLEDGED
        if wanted and one.key not in happened and one.key not in told:
            yield Fault(FaultKind.NOT_RUN, one.key, f"{one.sender} on {one.to}")


def _told(asked: Mapping[str, Asked], last: Mapping[str, Look], history: History) -> Iterator[Fault]:
    """A receipt says what is so; and in the end each sender has one."""
    there = {mail.key for look in last.values() for mail in look.mails}
    for told in history.told:
        one = asked.get(told.key)
        if one is None:
            yield Fault(FaultKind.FALSELY_TOLD, told.key, "of what nobody asked for")
        elif one.kind is Kind.MAIL and told.stored != (told.key in there):
            yield Fault(FaultKind.FALSELY_TOLD, told.key, "it is not there" if told.stored else "it is there")
    if history.told_all:
        heard = {one.key for one in history.told}
        for one in asked.values():
            if one.outcome is Outcome.ACKNOWLEDGED and one.key not in heard:
                yield Fault(FaultKind.NOT_TOLD, one.key)
