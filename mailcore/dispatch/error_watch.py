"""The error watcher: reads what came to all logs, and asks the right agent about what repeats.

Nothing polls. It is run when a run has ended, when a screen or guard on duty saw an error, and by a command; run twice
at once, one does the work of both. It is no agent's run: it never starts anything but what config lets it dispatch, and
whatever kills it, the next one goes on.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from mailcore.accounts.account import require_account
from mailcore.accounts.limit_store import read_limits, standing_limit
from mailcore.config import Config
from mailcore.dispatch.error_answers import take_answers
from mailcore.dispatch.inquiries import send_inquiries
from mailcore.dispatch.process.environment import search_path
from mailcore.dispatch.runs.last_changes import last_changes
from mailcore.dispatch.texts.error_mails import breaker_mail, inquiry_mail
from mailcore.errors import groups
from mailcore.errors.error_causes import LIMIT, WORDS
from mailcore.errors.escalation import BREAKER, Escalation, asked_of_late, escalation
from mailcore.errors.log_news import SETTLED_AFTER
from mailcore.errors.owner import Branches, error_owner
from mailcore.errors.scan import scan_errors
from mailcore.errors.store import ErrorBook, Inquiry, changing_errors, read_errors
from mailcore.exceptions import MailcoreError, tolerated
from mailcore.model.agent import OPERATOR, WATCHER
from mailcore.model.error_group import ErrorGroup
from mailcore.programs.choose import select
from mailcore.system import self_ignore, writing
from mailcore.system.locks import try_lock
from mailcore.workspace import audit, trust
from mailcore.workspace.find import Workspace, workspace_at
from mailcore.workspace.worktree import counterpart

MAX_LOOKS = 20
"""Scans of one call: what is behind after that is read by the next."""
DUE, AT_WORK = "due", ".at-work"
"""In the watcher's directory: somebody wants it to look; its lock while it does."""


class Watched(NamedTuple):
    """What one call came to."""

    events: int = 0
    asked: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    quiet: str = ""
    """Why nobody was asked, in words."""
    failed: tuple[str, ...] = ()
    behind: bool = False


def watch_errors(workspace: Workspace, config: Config) -> Watched:
    """Count what came, note what was answered, ask whom it concerns. MailcoreError where the book cannot be kept."""
    proof = audit.current_proof.set("supervisor")
    try:
        events, behind = _read(workspace, config)
        resolved = take_answers(workspace)
        if why := trust.why_state_untrusted(workspace):
            return Watched(events, resolved=tuple(resolved), quiet=why, behind=behind)
        found = _decide(workspace, config)
        asked, failed = send_inquiries(workspace, config)
        return Watched(events, tuple(asked), tuple(resolved), found.quiet, tuple(failed), behind)
    finally:
        audit.current_proof.reset(proof)


def _read(workspace: Workspace, config: Config) -> tuple[int, bool]:
    events, behind = 0, False
    for look in range(MAX_LOOKS):
        if look:  # what stands at an end may be half written
            time.sleep(SETTLED_AFTER / 3)
        found = scan_errors(workspace, config.errors)
        events, behind = events + found.events, found.behind
        if not behind:
            break
    return events, behind


def _decide(workspace: Workspace, config: Config) -> Escalation:
    """Fix in the book what is to be sent now."""
    now = time.time()

    def why_quiet(owner: str) -> str:
        return why_not_now(workspace, config, owner, now)

    # Git is asked before the lock is taken, which others wait for.
    foreseen = escalation(read_errors(workspace), config.errors, now, why_quiet).due
    changes = {group.fingerprint: changes_of(workspace, config, group) for group in foreseen}
    with changing_errors(workspace) as at_hand:
        book = at_hand.book
        for group in book.groups.values():
            if (lapsed := groups.mute_lapsed(group, now)) is not group:
                book = book.with_group(lapsed)
        found = escalation(book, config.errors, now, why_quiet)
        for group in found.due:
            book = with_inquiry(book, config, group, now, changes.get(group.fingerprint, ()))
        at_hand.book = _with_breaker(book, config, found, now)
    return found


def with_inquiry(
    book: ErrorBook,
    config: Config,
    group: ErrorGroup,
    now: float,
    changes: Sequence[str],
    *,
    dispatch: bool | None = None,
) -> ErrorBook:
    """The book with the mail that asks a group's owner, ready to be sent. `dispatch`: other than config says."""
    subject, body = inquiry_mail(group, changes, now, config.errors.window)
    thread = {"thread_id": group.message_id, "in_reply_to": group.message_id} if group.message_id else {}
    one = Inquiry(
        group.fingerprint, group.asks + 1, group.owner, subject, body, now,
        config.errors.dispatch if dispatch is None else dispatch, thread,
    )  # fmt: skip
    return replace(book, inquiries={**book.inquiries, one.name: one}, asked_at=(*book.asked_at, now))


def changes_of(workspace: Workspace, config: Config, group: ErrorGroup) -> list[str]:
    """The last change of each file that a group's traceback names in its owner's branch. It may take seconds."""
    if group.sample is None:
        return []
    branches = Branches(workspace.root, workspace.agents, mirrored=counterpart)
    return last_changes(workspace.root, error_owner(group.sample, branches, config.errors.owners).files)


def _with_breaker(book: ErrorBook, config: Config, found: Escalation, now: float) -> ErrorBook:
    """The book after the breaker was looked at: opened it tells the operator, once, until it is closed again."""
    most = config.errors.breaker
    if not book.breaker_at and found.held_back:
        subject, body = breaker_mail(found.held_back, most)
        one = Inquiry(BREAKER, int(now), OPERATOR, subject, body, now)
        book = replace(book, breaker_at=now, inquiries={**book.inquiries, one.name: one})
        for group in found.held_back:
            book = book.with_group(groups.entered(group, now, f"not mailed: {most} were within the hour"))
    elif book.breaker_at and not found.held_back and (not most or asked_of_late(book, now) < most):
        book = replace(book, breaker_at=0.0)
    return book


def why_not_now(workspace: Workspace, config: Config, owner: str, now: float) -> str:
    """Why an agent is not asked now: a limit of its account stands; empty if it may be."""
    with suppress(MailcoreError, OSError):
        agent = workspace.agent(owner)
        program = select(agent, config, search_path())
        account = require_account(config, agent.address, program.name, None)
        if standing_limit(read_limits(account), now, config.agent(agent.address).model) is not None:
            return f"{WORDS[LIMIT]} of {account.label} stands"
    return ""


def watch_once(root: Path) -> None:
    """Look, for all who want it at this moment: whoever comes while another looks leaves it a word, and goes."""
    workspace = workspace_at(root)
    place = workspace.watcher.branch
    self_ignore.make_ignored(workspace.state_dir)
    writing.make_directory(place, parents=True)
    writing.replace(place / DUE, b"", durable=False)
    while (place / DUE).exists():
        descriptor = try_lock(place / AT_WORK, own=True)
        if descriptor is None:
            return
        try:
            writing.remove_file(place / DUE, workspace.root)
            config, _ = trust.trusted_config(workspace)
            watch_errors(workspace, config)
        finally:
            os.close(descriptor)


def main() -> int:
    """`python -m mailcore.dispatch.error_watch ROOT`: 0 if it could look."""
    try:
        watch_once(Path(sys.argv[1]))
    except (MailcoreError, OSError) as error:
        with suppress(MailcoreError, OSError), tolerated():
            audit.record(workspace_at(Path(sys.argv[1])), WATCHER, "errors", failed=str(error)[:300])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
