"""One mail from one author to one recipient: the sender's record, the delivery, the record's fate."""

from __future__ import annotations

import contextlib
import os.path
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailcore import audit, codec
from mailcore.config import Mail, read_mail_or_defaults
from mailcore.errors import MailcoreError, Refused
from mailcore.mail import archive, mailbox, sequence
from mailcore.mail.reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.system import files, ignored, writing
from mailcore.timestamps import aipass_time, kept_time, name_time
from mailcore.workspace import Workspace, at


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one mail to one recipient."""

    id: str
    """The recipient's id; empty where it was not delivered."""
    sent_id: str
    to: str
    delivered: bool
    error: str = ""
    seq: int = 0
    """The number that a person can say."""


def put(workspace: Workspace, author: Agent, recipient: Agent, fields: dict[str, Any]) -> Sent:
    """Send one mail. The sender's record comes first, then the delivery: a kill in between loses no mail unseen.

    `fields` are the message's own keys, `subject` and `message` among them. Refused (code `limit`) beyond the limits
    of config; an undeliverable mail comes back as not delivered, and its record says why.
    """
    now = datetime.now()
    _within(read_mail_or_defaults(workspace.config_file), author, fields, now)
    mailbox.provide(author)
    sent_id = mailbox.new_id()
    number = sequence.take(workspace.root)
    head = {
        "timestamp": aipass_time(now),
        "from": author.address,
        "from_name": author.name,
        "seq": number,
    }
    thread = {"thread_id": sent_id} | {k: fields[k] for k in ("thread_id", "in_reply_to") if k in fields}
    record = {"id": sent_id, **head, "to": recipient.address, **fields, **thread, "status": "sent"}
    files.inside(author.root, author.sent_dir)
    record_path = author.sent_dir / archive.file_name(record, now)
    try:
        ignored.make(author.mail_dir)
        writing.make_directory(author.sent_dir)
        writing.replace(record_path, codec.dumps(record))
    except OSError as error:
        raise MailcoreError(f"{record_path}: {error.strerror}; nothing was sent") from error
    message = {**head, **fields, **thread, "status": "new", "sent_id": sent_id, "reply_path": str(author.inbox)}
    if recipient.root != workspace.root:
        del message["seq"]  # another project counts for itself
    try:
        # Path.is_dir raises where a name is too long.
        if not (recipient.is_operator or os.path.isdir(recipient.branch)):  # noqa: PTH112
            gone = f"{recipient.address}'s branch {recipient.branch} is gone; restore it, or mend the registry"
            raise MailcoreError(gone, "no_branch")
        message_id = mailbox.deliver(recipient, message)
    except MailcoreError as error:
        refused = {"status": "refused", "refused_reason": str(error), "refused_at": kept_time(now)}
        _restamp(record_path, {**record, **refused})
        audit.record(workspace, author.address, "undelivered", to=recipient.address, sent_id=sent_id, reason=str(error))
        return Sent("", sent_id, recipient.address, False, str(error), number)
    if "upsert_key" in fields:  # a rewritten message keeps its names
        box = read_mailbox(recipient.inbox).messages
        sent_id, number = next(((m.sent_id, m.seq) for m in box if m.id == message_id), (sent_id, number))
    facts = {"to": recipient.address, "id": message_id, "sent_id": sent_id, "seq": number}
    # It is delivered: a disk that is full by now must not make it "not sent". The record in sent/ says the same.
    with contextlib.suppress(MailcoreError):
        audit.record(workspace, author.address, "send", **facts, subject=fields["subject"])
        if recipient.root != workspace.root:
            facts |= {"seq": 0, "project": workspace.root.name}
            audit.record(at(recipient.root), author.address, "feedback", **facts, subject=fields["subject"])
    return Sent(message_id, sent_id, recipient.address, True, seq=number)


def answering(original: Message) -> dict[str, Any]:
    """The keys that put a mail into the thread of the one it answers, be that one of another project."""
    first = original.sent_id or original.id
    across = {"feedback": True} if original.raw.get("feedback") is True else {}
    return {"in_reply_to": first, "thread_id": original.thread_id or first, **across}


def _within(limits: Mail, author: Agent, fields: dict[str, Any], now: datetime) -> None:
    size = len(str(fields["message"]).encode("utf-8", "replace"))
    if size > limits.max_body:
        raise Refused(
            f"the body is {size:,} bytes, and [mail] max_body is {limits.max_body:,}: "
            "put it into a file of the project and send its path",
            "limit",
        )
    if len(str(fields["subject"])) > limits.max_subject:
        raise Refused(f"the subject is longer than [mail] max_subject, {limits.max_subject} characters", "limit")
    if limits.per_minute:
        # A record's name begins with its time, so a listing tells the rate.
        since = name_time(now - timedelta(minutes=1))
        recent = sum(path.name >= since for path in author.sent_dir.glob("*.json"))
        if recent >= limits.per_minute:
            raise Refused(
                f"{author.address} sent {recent} mails in a minute; [mail] per_minute is {limits.per_minute}", "limit"
            )


def _restamp(path: Path, record: dict[str, Any]) -> None:
    try:
        writing.replace(path, codec.dumps(record))
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; the mail was refused and its record says 'sent'") from error
