"""Notices that a task failed (a bounce, a kill, a lost run): they are archived when the task is answered after all."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from mailcore.exceptions import MailcoreError
from mailcore.mail import mailbox
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


def archive_failure_notices(workspace: Workspace, by: str, recipient: str, names: Collection[str]) -> None:
    """Archive the notices in `recipient`'s mailbox that are about the task of these names; none if that is impossible.

    `by` did what ended it: the audit says so.
    """
    known = set(names) - {""}

    def of_it(mail: Message) -> bool:
        return bool(mail.raw.get("run_ended")) and mail.in_reply_to in known

    _archive(workspace, by, recipient, of_it)


def archive_superseded_notices(workspace: Workspace, agent: Agent, mail: Message) -> None:
    """Archive the notices in an agent's mailbox that this mail of the same sender's, about the same task, replaces."""

    def of_it(one: Message) -> bool:
        same = (one.in_reply_to, one.sender) == (mail.in_reply_to, mail.sender)
        return same and bool(one.raw.get("run_ended")) and one.id != mail.id

    _archive(workspace, mail.sender, agent.address, of_it)


def archive_answered_notices(workspace: Workspace, by: str, recipient: str, original: Message) -> None:
    """The same when a task, or a mail that was handed up, is answered: who it was handed up to need not answer it."""
    if original.is_task:
        archive_failure_notices(workspace, by, recipient, (original.id, original.sent_id))
    handed = original.raw.get("escalated")
    if isinstance(handed, dict) and isinstance(handed.get("to"), str):
        key = f"escalate:{original.sent_id or original.id}"
        _archive(workspace, by, handed["to"], lambda mail: mail.sender == by and mail.raw.get("upsert_key") == key)


def _archive(workspace: Workspace, by: str, whose: str, which: mailbox.Picks) -> None:
    with suppress(MailcoreError, OSError):  # it stays open, which is no harm; or it is in another project
        agent = workspace.agent(whose)
        if any(map(which, read_mailbox(agent.inbox).messages)):
            closed = mailbox.archive_matching(agent, which)
            audit.record(workspace, by, "over", to=agent.address, ids=[mail.id for mail in closed])
