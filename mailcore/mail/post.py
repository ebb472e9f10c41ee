"""Send, reply, open and close: what a person or an agent does with mail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore import audit, journal
from mailcore.errors import MailcoreError, UsageError
from mailcore.mail import archive, mailbox, route, store
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.workspace import Workspace

PRIORITIES = ("low", "normal", "high")


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one mail to one recipient."""

    id: str
    """The recipient's id; empty where it was not delivered."""
    sent_id: str
    to: str
    delivered: bool
    error: str = ""


def send(
    workspace: Workspace,
    sender: str,
    to: Sequence[str],
    subject: str,
    body: str,
    *,
    priority: str = "normal",
    is_task: bool = False,
) -> list[Sent]:
    """Mail `to` each address. An unknown one refuses all, before anything is written; on disk before this returns."""
    recipients = route.resolve(workspace, to)
    author = workspace.agent(sender)
    if not subject.strip():
        raise UsageError("a mail needs a subject")
    if priority not in PRIORITIES:
        raise UsageError(f"priority {priority!r}; allowed: {', '.join(PRIORITIES)}")
    fields: dict[str, Any] = {"subject": subject, "message": body, "priority": priority, "auto_execute": is_task}
    return [
        _post(workspace, author, agent, fields | ({"dispatched_to": agent.address} if is_task else {}))
        for agent in recipients
    ]


def reply(workspace: Workspace, sender: str, message_id: str, body: str) -> Sent:
    """Answer a message in the sender's own mailbox and close it. The answer stands in the message's thread."""
    author = workspace.agent(sender)
    original = find(author, message_id)
    recipient = route.answer_to(workspace, original)
    subject = original.subject if original.subject.startswith("RE: ") else f"RE: {original.subject}"
    sent = _post(
        workspace,
        author,
        recipient,
        {
            "subject": subject,
            "message": body,
            "priority": original.priority,
            "auto_execute": False,
            "in_reply_to": original.sent_id or original.id,
            "thread_id": original.thread_id or original.sent_id or original.id,
        },
    )
    if sent.delivered:
        mailbox.close(author, [original.id])
    return sent


def find(agent: Agent, message_id: str) -> Message:
    """The open message of either id in an agent's mailbox; MailcoreError if there is none or it cannot be read."""
    box = mailbox.read_mailbox(agent.inbox)
    if box.reason:
        raise MailcoreError(box.reason, "unreadable")
    found = [m for m in box.messages if m.id == message_id] or [m for m in box.messages if m.answers_to(message_id)]
    if not found:
        raise MailcoreError(f"no open message {message_id} in {agent.address}'s mailbox", "no_message")
    return found[0]


def mark_opened(workspace: Workspace, address: str, ids: Collection[str]) -> list[Message]:
    """Read messages in `address`'s own mailbox: they become `opened`, with the time, and are returned."""
    opened = mailbox.mark_opened(workspace.agent(address), ids, {"seen_at": journal.now(), "seen_by": address})
    audit.record(workspace, address, "read", ids=[message.id for message in opened])
    return opened


def close(workspace: Workspace, address: str, ids: Collection[str]) -> list[Message]:
    """Archive messages of `address`'s own mailbox."""
    closed = mailbox.close(workspace.agent(address), ids)
    audit.record(workspace, address, "close", ids=[message.id for message in closed])
    return closed


def _post(workspace: Workspace, author: Agent, recipient: Agent, fields: dict[str, Any]) -> Sent:
    """The sender's record first, then the delivery, then the record's fate: a kill in between loses no mail unseen."""
    now = datetime.now()
    sent_id = mailbox.new_id()
    head = {
        "timestamp": f"{now:%Y-%m-%d %H:%M:%S}",
        "from": author.address,
        "from_name": author.name,
    }
    thread = {"thread_id": sent_id} | {k: fields[k] for k in ("thread_id", "in_reply_to") if k in fields}
    record = {"id": sent_id, **head, "to": recipient.address, **fields, **thread, "status": "sent"}
    record_path = author.sent_dir / archive.file_name(record, now)
    try:
        author.sent_dir.mkdir(parents=True, exist_ok=True)
        store.replace(record_path, store.dumps(record))
    except OSError as error:
        raise MailcoreError(f"{record_path}: {error.strerror}; nothing was sent") from error
    message = {**head, **fields, **thread, "status": "new", "sent_id": sent_id, "reply_path": str(author.inbox)}
    try:
        message_id = mailbox.deliver(recipient, message)
    except MailcoreError as error:
        refused = {"status": "refused", "refused_reason": str(error), "refused_at": now.isoformat()}
        _restamp(record_path, {**record, **refused})
        return Sent("", sent_id, recipient.address, False, str(error))
    audit.record(
        workspace,
        author.address,
        "send",
        to=recipient.address,
        id=message_id,
        sent_id=sent_id,
        subject=fields["subject"],
    )
    return Sent(message_id, sent_id, recipient.address, True)


def _restamp(path: Path, record: dict[str, Any]) -> None:
    try:
        store.replace(path, store.dumps(record))
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; the mail was refused and its record says 'sent'") from error
