"""Which groups of errors call for a mail now, and which wait, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mailcore.config.errors import Errors
from mailcore.errors.error_causes import standing_cause
from mailcore.errors.groups import in_window, is_open
from mailcore.errors.store import ErrorBook
from mailcore.model.error_group import ErrorGroup, GroupState, Severity

BREAKER_WINDOW = 3600.0
BREAKER = "breaker"
"""What the mail to the operator about the breaker is of."""


class Escalation(NamedTuple):
    """What is to be done now."""

    due: tuple[ErrorGroup, ...] = ()
    """Their owners are asked."""
    held_back: tuple[ErrorGroup, ...] = ()
    """They would be, and the breaker is open."""
    quiet: str = ""
    """Why nobody is asked, in words; empty if somebody may be."""


def escalation(book: ErrorBook, errors: Errors, now: float, why_quiet: Callable[[str], str]) -> Escalation:
    """What is to be done about the groups of a book. `why_quiet`: why that agent is not to be asked now."""
    if not errors.mail and not errors.dispatch:
        return Escalation(quiet="config says so")
    if cause := standing_cause(book.causes, now):
        return Escalation(quiet=f"{cause} stands")
    pending = {inquiry.key for inquiry in book.inquiries.values()}
    due = [
        group
        for group in sorted(book.groups.values(), key=_urgency)
        if group.fingerprint not in pending and calls_for_mail(group, errors, now) and not why_quiet(group.owner)
    ]
    free = errors.breaker - asked_of_late(book, now) if errors.breaker else len(due)
    free = max(0, free)
    return Escalation(tuple(due[:free]), tuple(due[free:]))


def calls_for_mail(group: ErrorGroup, errors: Errors, now: float) -> bool:
    """Whether a group calls for a mail: it repeats, nothing mutes it, and its owner was not asked of late."""
    if not is_open(group) or not group.owner or any(word in group.title for word in errors.mute if word):
        return False
    if errors.severity == "fatal" and group.severity is not Severity.FATAL:
        return False
    if group.asks and now < next_ask(group, errors.backoff):
        return False
    if group.state is GroupState.INVESTIGATING:
        return sum(1 for at in group.recent if at > group.asked_at and now - errors.window <= at) >= errors.count
    return in_window(group, now, errors.window) >= (1 if group.state is GroupState.BACK else errors.count)


def next_ask(group: ErrorGroup, backoff: float) -> float:
    """From when on its owner may be asked again, seconds since the epoch."""
    return group.asked_at + backoff * 2.0 ** (min(group.asks, 20) - 1)


def asked_of_late(book: ErrorBook, now: float) -> int:
    """How many were asked within the hour."""
    return sum(1 for at in book.asked_at if now - BREAKER_WINDOW < at <= now)


def groups_named(book: ErrorBook, name: str) -> Iterator[ErrorGroup]:
    """The groups whose fingerprint is, or begins with, that name."""
    if name in book.groups:
        yield book.groups[name]
    elif len(name) >= 4:
        yield from (group for fingerprint, group in book.groups.items() if fingerprint.startswith(name.lower()))


def _urgency(group: ErrorGroup) -> tuple[bool, bool, int, str]:
    return (
        group.state is not GroupState.BACK, group.severity is not Severity.FATAL, -len(group.recent), group.fingerprint
    )  # fmt: skip
