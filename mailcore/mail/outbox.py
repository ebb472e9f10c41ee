"""One mail from one author to one recipient: the sender's record, the delivery, the record's fate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mailcore.exceptions import MailcoreError, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time, archive_time
from mailcore.mail import aipass_feed, mailbox
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.resumable_act import Act
from mailcore.mail.sent_record import Sent as Sent
from mailcore.mail.sent_record import asks_of, write_record
from mailcore.mail.sent_record import check_limits as check_limits
from mailcore.mail.sent_record import dispatch_id as dispatch_id
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.system import writing
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace, workspace_at


def send_one(workspace: Workspace, author: Agent, recipient: Agent, fields: dict[str, Any], act: Act) -> Sent:
    """Send one mail. The sender's record comes first, then the delivery: a kill in between loses no mail unseen.

    `fields` are the message's own keys, `subject` and `message` among them. `act` is what it is a step of: where that
    was interrupted once, the mail that arrived then is found, and no second is sent. Refused (code `limit`) beyond the
    limits of config; an undeliverable mail comes back as not delivered, and its record says why.
    """
    if recipient.is_remote:
        from mailcore.mail import remote_mail

        return remote_mail.send_to_host(workspace, author, recipient, fields, act)
    asks = asks_of(fields, recipient.root == workspace.root)
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
    written = write_record(workspace, author, recipient, fields, act)
    record_path, record, now = written.path, written.record, written.at
    sent_id, number = str(record["id"]), int(record["seq"])
    message = {**written.message, "reply_path": str(author.inbox)}
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
    if sent_id == record["id"]:  # not of what was rewritten: that would be a line each time
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


def across_keys(workspace: Workspace) -> dict[str, Any]:
    """The keys of a mail to another project, by which it says whence it comes, and can be answered."""
    return {"feedback": True, "project": workspace.root.name}


def answer_keys(original: Message) -> dict[str, Any]:
    """The keys that put a mail into the thread of the one it answers, be that one of another project."""
    first = original.sent_id or original.id
    across: dict[str, Any] = {"feedback": True} if original.raw.get("feedback") is True else {}
    across |= {"issue": original.raw["issue"]} if isinstance(original.raw.get("issue"), str) else {}
    return {"in_reply_to": first, "thread_id": original.thread_id or first, **across}
