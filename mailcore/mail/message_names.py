"""What a person may type for a message: its id, its sent id, its number, or a beginning that no other has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from mailcore.exceptions import MailcoreError
from mailcore.model.message import Message

T = TypeVar("T")
MIN_PREFIX = 4
"""Characters of the shortest beginning that names a message."""


def choose_named(wanted: str, candidates: Iterable[T], message_of: Callable[[T], Message]) -> T | None:
    """The candidate that `wanted` names best, the first of equals; None if it names none.

    MailcoreError (code `ambiguous`) if it is no whole name, and several names begin with it.
    """
    every = list(candidates)
    found = max(every, key=lambda one: message_of(one).rank(wanted), default=None)
    if found is None or message_of(found).rank(wanted):
        return found
    full = complete_name(wanted, (name for one in every for name in (message_of(one).id, message_of(one).sent_id)))
    return max(every, key=lambda one: message_of(one).rank(full)) if full else None


def complete_name(beginning: str, names: Iterable[str]) -> str:
    """The one name that begins so; empty if none does, or if the beginning is too short.

    MailcoreError (code `ambiguous`) if several do.
    """
    if len(beginning) < MIN_PREFIX:
        return ""
    found = sorted({name for name in names if name.startswith(beginning)})
    if len(found) > 1:
        raise MailcoreError(f"{beginning} begins {len(found)} ids: {' '.join(found[:5])}; say more of it", "ambiguous")
    return found[0] if found else ""
