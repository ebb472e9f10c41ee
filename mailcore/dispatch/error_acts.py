"""What a person or an agent does about a group of errors. Each is in the group's history, and in the audit.

Each returns the group as it is then. UsageError where no group, or several, are of that name.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mailcore.config import Config
from mailcore.dispatch.error_watch import changes_of, with_inquiry
from mailcore.dispatch.inquiries import send_inquiries
from mailcore.errors import groups
from mailcore.errors.escalation import groups_named
from mailcore.errors.store import ErrorBook, changing_errors, read_errors
from mailcore.exceptions import MailcoreError, UsageError, tolerated
from mailcore.model.error_group import ErrorGroup
from mailcore.text.masks import masked
from mailcore.workspace import audit, trust
from mailcore.workspace.find import Workspace


def find_error(book: ErrorBook, name: str) -> ErrorGroup:
    """The group of that fingerprint, or the only one that begins so."""
    if book.reason:
        raise MailcoreError(book.reason, "unreadable")
    found = list(groups_named(book, name))
    if len(found) != 1:
        which = f"{len(found)} errors begin so" if found else "no such error is known: `mailcore errors` lists them"
        raise UsageError(f"{name}: {which}", "no_error")
    return found[0]


def resolve_error(workspace: Workspace, by: str, name: str, how: str) -> ErrorGroup:
    """It is over; `how` says what was done. When it comes again, its thread goes on."""
    if not how.strip():
        raise UsageError('say what was done: mailcore errors resolve ID "what was done"')
    return _change(workspace, by, name, "resolved", lambda group, at: groups.resolved(group, at, by, masked(how)))


def reopen_error(workspace: Workspace, by: str, name: str) -> ErrorGroup:
    """It is not over after all."""
    return _change(workspace, by, name, "reopened", lambda group, at: groups.reopened(group, at, by))


def mute_error(workspace: Workspace, by: str, name: str, minutes: float = 0.0) -> ErrorGroup:
    """Nobody is asked about it, for so many minutes; 0: until it is unmuted. It is counted on."""
    if minutes < 0:
        raise UsageError(f"{minutes:g} minutes; it is muted for some, or 0: until it is unmuted")
    return _change(workspace, by, name, "muted", lambda group, at: groups.muted(group, at, by, minutes))


def unmute_error(workspace: Workspace, by: str, name: str) -> ErrorGroup:
    """It stands as it would, had it not been muted."""
    return _change(workspace, by, name, "unmuted", lambda group, at: groups.unmuted(group, at, by))


def investigate_error(workspace: Workspace, config: Config, by: str, name: str, *, dispatch: bool = True) -> ErrorGroup:
    """Ask its owner now, whatever backoff and breaker say: dispatched, or by mail alone."""
    if dispatch:
        trust.require_trust(workspace)
    group = find_error(read_errors(workspace), name)
    changes = changes_of(workspace, config, group)
    with changing_errors(workspace) as at_hand:
        now = time.time()
        group = groups.entered(find_error(at_hand.book, group.fingerprint), now, "asks that it be looked at", by)
        book = at_hand.book.with_group(group)
        if not any(one.key == group.fingerprint for one in book.inquiries.values()):
            book = with_inquiry(book, config, group, now, changes, dispatch=dispatch)
        at_hand.book = book
    _audit(workspace, by, group, "investigate")
    _, failed = send_inquiries(workspace, config)
    group = find_error(read_errors(workspace), group.fingerprint)
    mine = [why for why in failed if why.startswith(f"{group.owner}:")]
    if mine and any(one.key == group.fingerprint for one in read_errors(workspace).inquiries.values()):
        raise MailcoreError(f"{mine[0]}; it is tried again by the next look", "unfinished")
    return group


def _change(
    workspace: Workspace, by: str, name: str, what: str, change: Callable[[ErrorGroup, float], ErrorGroup]
) -> ErrorGroup:
    with changing_errors(workspace) as at_hand:
        group = change(find_error(at_hand.book, name), time.time())
        at_hand.book = at_hand.book.with_group(group)
    _audit(workspace, by, group, what)
    return group


def _audit(workspace: Workspace, by: str, group: ErrorGroup, what: str) -> None:
    with tolerated():
        audit.record(workspace, by, "errors", act=what, group=group.fingerprint, title=masked(group.title)[:200])
