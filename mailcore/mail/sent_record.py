"""The sender's own record of a mail: written before the mail is delivered, wherever its recipient lives."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from mailcore.config import Mail, read_mail_or_defaults
from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time, archive_time, name_time
from mailcore.mail import archive, mailbox, numbers
from mailcore.mail.resumable_act import Act
from mailcore.model.agent import Agent
from mailcore.system import safe_open, self_ignore, writing
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

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
    elsewhere: str = ""
    """The host that its recipient is on, if that is another one: it is on disk here, and goes there."""
    waits: str = ""
    """What keeps it from going at once, in words; empty if nothing is known to."""

    def as_json(self) -> dict[str, Any]:
        """The value that a script reads."""
        row = {"id": self.id, "sent_id": self.sent_id, "to": self.to, "delivered": self.delivered, "seq": self.seq}
        rest = {"error": self.error, "again": self.again, "host": self.elsewhere, "waits": self.waits}
        return row | {name: value for name, value in rest.items() if value}


class Written(NamedTuple):
    """The sender's record of a mail that is about to be delivered."""

    path: Path
    record: dict[str, Any]
    message: dict[str, Any]
    """The same as its recipient is to have it."""
    at: datetime


def write_record(
    workspace: Workspace,
    author: Agent,
    recipient: Agent,
    fields: Mapping[str, Any],
    act: Act,
    *,
    durable: bool = True,
    **keys: Any,
) -> Written:
    """Write the sender's record of a mail, with further `keys`: the one that `act` remembers, else a new one.

    Not `durable` where the disk is waited for after it. Refused (code `limit`) beyond the limits of config;
    MailcoreError, naming the file, where the disk refuses it.
    """
    check_limits(read_mail_or_defaults(workspace.config_file), author, fields, datetime.now())
    mailbox.ensure_mailbox(author)
    earlier = act.recall(recipient.address)
    if earlier is None:
        number = numbers.reserve_numbers(workspace.root)
        earlier = {"sent_id": mailbox.new_id(), "seq": number, "at": archive_time(datetime.now()), **keys}
        act.remember(recipient.address, earlier)
    sent_id, now = str(earlier["sent_id"]), datetime.fromisoformat(earlier["at"])
    head = {
        "timestamp": aipass_time(now),
        "from": author.address,
        "from_name": author.name,
        "seq": int(earlier["seq"]),
        **({"sender_proof": audit.current_proof.get()} if audit.current_proof.get() else {}),
    }
    thread = {"thread_id": sent_id} | {k: fields[k] for k in ("thread_id", "in_reply_to") if k in fields}
    run = {"dispatch_id": dispatch_id.get()} if dispatch_id.get() else {}
    noted = {key: earlier[key] for key in keys}
    record = {"id": sent_id, **head, "to": recipient.address, **fields, **thread, **run, **noted, "status": "sent"}
    path, data = author.sent_dir / archive.file_name(record, now), json_codec.dumps(record)
    try:
        try:
            writing.replace(path, data, root=author.boundary, durable=durable)
        except FileNotFoundError:  # it is the first
            safe_open.inside(author.boundary, author.sent_dir)
            writing.make_directory(author.sent_dir)
            writing.replace(path, data, root=author.boundary, durable=durable)
        self_ignore.make_ignored(author.mail_dir)
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; nothing was sent to {recipient.address}") from error
    return Written(path, record, {**head, **fields, **thread, "status": "new", "sent_id": sent_id}, now)


def asks_of(fields: Mapping[str, Any], here: bool) -> dict[str, Any]:
    """What of a mail's own keys a wake for it hangs on; from `here` nobody of another project is started."""
    return {
        "urgent": here and fields.get("priority") == "high",
        "answers": str(fields.get("in_reply_to") or ""),
        "subject": str(fields["subject"]),
    }


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
