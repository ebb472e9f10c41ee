"""What agents answer to the watcher: an answer closes its group with what was done, and is archived."""

from __future__ import annotations

from contextlib import suppress

from mailcore.errors import groups
from mailcore.errors.store import ErrorBook, changing_errors, read_errors
from mailcore.exceptions import MailcoreError, tolerated
from mailcore.mail import mailbox
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import WATCHER
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.model.message import Message
from mailcore.model.run import Phase
from mailcore.text import plain
from mailcore.text.masks import masked
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

KEPT_OPEN = ("acknowledged", "blocked", "declined")
"""What an agent may say of it that does not close it."""


def take_answers(workspace: Workspace) -> list[str]:
    """Note all that was answered; the fingerprints of the groups that were resolved by it."""
    watcher = workspace.watcher
    if not watcher.inbox.exists():
        return []
    mails = sorted(read_mailbox(watcher.inbox).messages, key=lambda mail: mail.came_at)
    if not mails:
        return []
    resolved: list[str] = []
    with changing_errors(workspace) as at_hand:
        for mail in mails:
            before = at_hand.book
            at_hand.book = _noted(before, mail)
            resolved += [
                group.fingerprint
                for group in at_hand.book.groups.values()
                if group.resolved_at and group is not before.groups.get(group.fingerprint)
                and group.resolved_at == mail.came_at
            ]  # fmt: skip
    book = read_errors(workspace)
    for fingerprint in resolved:
        group = book.groups[fingerprint]
        with tolerated():
            audit.record(workspace, WATCHER, "errors", resolved=fingerprint, how=masked(group.resolution)[:300])
    # It stands in the book: an archive that fails is made up for by the next look, which notes nothing twice.
    with suppress(MailcoreError, OSError):
        mailbox.archive_messages(watcher, [mail.id for mail in mails])
    return resolved


def _noted(book: ErrorBook, mail: Message) -> ErrorBook:
    group = _group_of(book, mail)
    if group is None or any((entry.at, entry.by) == (mail.came_at, mail.sender) for entry in group.history):
        return book
    said = plain(masked(mail.body)).strip()
    ended = str(mail.raw.get("run_ended") or "")
    if ended and ended != Phase.COMPLETED:
        note = f"its run was {ended}: {said}"
        return book.with_group(groups.entered(group, mail.came_at, note[: groups.MAX_WORDS], mail.sender))
    if mail.ack is not None and mail.ack.state in KEPT_OPEN:
        return book.with_group(groups.entered(group, mail.came_at, f"{mail.ack.state}: {said}", mail.sender))
    if group.state is GroupState.RESOLVED:  # a run that has answered ends, too
        return book if ended else book.with_group(groups.entered(group, mail.came_at, f"added: {said}", mail.sender))
    return book.with_group(groups.resolved(group, mail.came_at, mail.sender, said))


def _group_of(book: ErrorBook, mail: Message) -> ErrorGroup | None:
    names = {name for name in (mail.thread_id, mail.in_reply_to) if name}
    return next((group for group in book.groups.values() if group.message_id and group.message_id in names), None)
