"""One mail from one author to one recipient: the sender's record, the delivery, the record's fate."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from mailcore.config import Mail, read_mail_or_defaults
from mailcore.exceptions import MailcoreError, Refused, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time, archive_time, name_time
from mailcore.mail import aipass_feed, archive, mailbox, numbers
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.resumable_act import Act
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.system import safe_open, self_ignore, writing
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace, workspace_at

dispatch_id: ContextVar[str] = ContextVar("dispatch_id", default="")
"""The run that writes now, ours or AIPass's: its records of sent mail are stamped with it, as AIPass stamps its own."""


class Sent(NamedTuple):
    """What became of one mail to one recipient."""

    id: str
    """The recipient's id; empty where it was not delivered."""
    sent_id: str
    to: str
    delivered: bool
    error: str = ""
    seq: int = 0
    """The number that a person can say."""
    again: bool = False
    """An earlier call of the same words, which was interrupted, had delivered it."""
    urgent: bool = False
    """It is of high priority: its recipient may be woken for it."""
    answers: str = ""
    """The message that it answers, by its sent id; empty if none."""
    subject: str = ""

    def as_json(self) -> dict[str, Any]:
        """The value that a script reads."""
        row = {"id": self.id, "sent_id": self.sent_id, "to": self.to, "delivered": self.delivered, "seq": self.seq}
        return row | {name: value for name, value in (("error", self.error), ("again", self.again)) if value}


def send_one(workspace: Workspace, author: Agent, recipient: Agent, fields: dict[str, Any], act: Act) -> Sent:
    """Send one mail. The sender's record comes first, then the delivery: a kill in between loses no mail unseen.

    `fields` are the message's own keys, `subject` and `message` among them. `act` is what it is a step of: where that
    was interrupted once, the mail that arrived then is found, and no second is sent. Refused (code `limit`) beyond the
    limits of config; an undeliverable mail comes back as not delivered, and its record says why.
    """
    asks = _asks(fields, recipient.root == workspace.root)
    earlier = act.recall(recipient.address)
    if earlier is not None and (found := _arrived(recipient, fields, earlier)) is not None:
        return Sent(
            found.id,
            str(earlier["sent_id"]),
            recipient.address,
            True,
            seq=int(earlier["seq"]),
            again=True,
            **asks,
        )
    check_limits(read_mail_or_defaults(workspace.config_file), author, fields, datetime.now())
    mailbox.ensure_mailbox(author)
    if earlier is None:
        number = numbers.reserve_numbers(workspace.root)
        earlier = {"sent_id": mailbox.new_id(), "seq": number, "at": archive_time(datetime.now())}
        act.remember(recipient.address, earlier)
    sent_id, number, now = str(earlier["sent_id"]), int(earlier["seq"]), datetime.fromisoformat(earlier["at"])
    head = {
        "timestamp": aipass_time(now),
        "from": author.address,
        "from_name": author.name,
        "seq": number,
        **({"sender_proof": audit.current_proof.get()} if audit.current_proof.get() else {}),
    }
    thread = {"thread_id": sent_id} | {k: fields[k] for k in ("thread_id", "in_reply_to") if k in fields}
    run = {"dispatch_id": dispatch_id.get()} if dispatch_id.get() else {}
    record = {"id": sent_id, **head, "to": recipient.address, **fields, **thread, **run, "status": "sent"}
    safe_open.inside(author.root, author.sent_dir)
    record_path = author.sent_dir / archive.file_name(record, now)
    try:
        self_ignore.make_ignored(author.mail_dir)
        writing.make_directory(author.sent_dir)
        writing.replace(record_path, json_codec.dumps(record))
    except OSError as error:
        raise MailcoreError(f"{record_path}: {error.strerror}; nothing was sent to {recipient.address}") from error
    message = {**head, **fields, **thread, "status": "new", "sent_id": sent_id, "reply_path": str(author.inbox)}
    if recipient.root != workspace.root:
        del message["seq"]  # another project counts for itself
        message["project"] = workspace.root.name
    try:
        # Path.is_dir raises where a name is too long.
        if not (recipient.is_reserved or os.path.isdir(recipient.branch)):  # noqa: PTH112
            text = f"{recipient.address}'s branch {recipient.branch} is gone; restore it, or mend the registry"
            raise MailcoreError(text, "no_branch")
        message_id = mailbox.deliver(recipient, message)
    except MailcoreError as error:
        refused = {"status": "refused", "refused_reason": str(error), "refused_at": archive_time(now)}
        with tolerated(f"{record_path}: says 'sent' of a mail that was refused"):
            writing.replace(record_path, json_codec.dumps({**record, **refused}))
        failure = {"to": recipient.address, "sent_id": sent_id, "reason": str(error)}
        with tolerated():
            audit.record(workspace, author.address, "undelivered", **failure)
        return Sent("", sent_id, recipient.address, False, str(error), number)
    if "upsert_key" in fields:  # a rewritten message keeps its names
        box = read_mailbox(recipient.inbox).messages
        sent_id, number = next(((m.sent_id, m.seq) for m in box if m.id == message_id), (sent_id, number))
    if sent_id == earlier["sent_id"]:  # not of what was rewritten: that would be a line each time
        aipass_feed.announce_mail(author, recipient, message_id, str(fields["subject"]), str(fields["message"]))
    facts = {"to": recipient.address, "id": message_id, "sent_id": sent_id, "seq": number}
    # It is delivered: a disk that is full by now must not make it "not sent". The record in sent/ says the same.
    with tolerated():
        audit.record(workspace, author.address, "send", **facts, subject=fields["subject"])
    if recipient.root != workspace.root:
        with tolerated():
            facts |= {"seq": 0, "project": workspace.root.name}
            audit.record(workspace_at(recipient.root), author.address, "feedback", **facts, subject=fields["subject"])
    return Sent(message_id, sent_id, recipient.address, True, seq=number, **asks)


def _asks(fields: Mapping[str, Any], here: bool) -> dict[str, Any]:
    """What of a mail's own keys a wake for it hangs on; from `here` nobody of another project is started."""
    return {
        "urgent": here and fields.get("priority") == "high",
        "answers": str(fields.get("in_reply_to") or ""),
        "subject": str(fields["subject"]),
    }


def _arrived(recipient: Agent, fields: Mapping[str, Any], earlier: Mapping[str, Any]) -> Message | None:
    """The recipient's copy of a mail that may have been delivered, open or closed by now; None if it was not.

    MailcoreError where the mailbox cannot be read: then nobody knows.
    """
    box = read_mailbox(recipient.inbox)
    if box.reason:
        raise MailcoreError(f"{box.reason}; whether the mail arrived is known when `mailcore repair` has mended it")
    key, at = fields.get("upsert_key"), aipass_time(datetime.fromisoformat(earlier["at"]))
    for message in box.messages:
        rewritten = key and message.raw.get("upsert_key") == key and message.raw.get("last_updated") == at
        if message.sent_id == earlier["sent_id"] or (rewritten and message.body == fields["message"]):
            return message
    # Open mail first: who closes it archives it before it goes from there.
    from mailcore.mail import lookup

    closed = (Message.from_json(raw) for _, raw in lookup.archived_messages(recipient))
    return next((message for message in closed if message.sent_id == earlier["sent_id"]), None)


def answer_keys(original: Message) -> dict[str, Any]:
    """The keys that put a mail into the thread of the one it answers, be that one of another project."""
    first = original.sent_id or original.id
    across: dict[str, Any] = {"feedback": True} if original.raw.get("feedback") is True else {}
    across |= {"issue": original.raw["issue"]} if isinstance(original.raw.get("issue"), str) else {}
    return {"in_reply_to": first, "thread_id": original.thread_id or first, **across}


def check_limits(limits: Mail, author: Agent, fields: Mapping[str, Any], now: datetime, count: int = 1) -> None:
    """Refused (code `limit`) where `count` mails of these fields are beyond the limits of config."""
    size = len(str(fields["message"]).encode("utf-8", "replace"))
    if size > limits.max_body:
        raise Refused(
            f"the body is {size:,} bytes, and [mail] max_body is {limits.max_body:,}: "
            "put it into a file of the project and send its path",
            "limit",
        )
    for key in ("data", "schema"):
        if key in fields and (size := len(json_codec.dumps_line(fields[key]))) > limits.max_body:
            raise Refused(f"the {key} is {size:,} bytes, and [mail] max_body is {limits.max_body:,}", "limit")
    if len(str(fields["subject"])) > limits.max_subject:
        raise Refused(f"the subject is longer than [mail] max_subject, {limits.max_subject} characters", "limit")
    if limits.per_minute:
        # A record's name begins with its time, so a listing tells the rate.
        since = name_time(now - timedelta(minutes=1))
        names: list[str] = []
        with contextlib.suppress(FileNotFoundError):
            names = os.listdir(author.sent_dir)  # noqa: PTH208 (a Path for each of thousands)
        recent = sum(name >= since and name.endswith(".json") for name in names)
        if recent + count > limits.per_minute:
            more = f", and these are {count} more" if count > 1 else ""
            text = f"{author.address} sent {recent} mails in a minute{more}; [mail] per_minute is {limits.per_minute}"
            raise Refused(text, "limit")
