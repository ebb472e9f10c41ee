"""Mail to an agent on another host of the link: the sender's record, and what waits in the channel to that host."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from mailcore.exceptions import MailcoreError, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import archive_time
from mailcore.hosts import channel, directory
from mailcore.hosts.names import split_address
from mailcore.mail import lookup, sent_record
from mailcore.mail.link_keys import BECAME, ID_DIGITS, LINK, carried_by
from mailcore.mail.resumable_act import Act
from mailcore.mail.sent_record import Sent
from mailcore.model.agent import Agent
from mailcore.model.link import Envelope, EnvelopeKind, HostRecord
from mailcore.model.message import Message
from mailcore.system import writing
from mailcore.text.units import date_and_time
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


def send_to_host(workspace: Workspace, author: Agent, recipient: Agent, fields: Mapping[str, Any], act: Act) -> Sent:
    """Send one mail to an agent of another host: it is on disk here before this returns, and goes when that host is
    there. As `outbox.send_one`; what an interrupted act had put into the channel is not put there again.
    """
    began = time.time()
    # Whom it wakes, that host decides.
    asks = {**sent_record.asks_of(fields, False), "elsewhere": recipient.host}
    earlier = act.recall(recipient.address)
    if (told := _told_already(author, earlier)) is not None:
        return Sent(told.id, told.sent_id, recipient.address, True, seq=told.seq, again=True, **asks)
    link = {"host": recipient.host, "envelope": secrets.token_hex(16)}
    written = sent_record.write_record(workspace, author, recipient, fields, act, durable=False, link=link)
    record = written.record
    link, number = record[LINK], int(record["seq"])
    names = {"to": recipient.address, "sent_id": record["id"]}

    def note(envelope: Envelope) -> None:
        """In the audit, before the disk is waited for: for both at once, then."""
        facts = {**names, "id": envelope.id[:ID_DIGITS], "seq": number, "subject": fields["subject"]}
        with tolerated():
            audit.record_all(workspace, author.address, "send", [facts], durable=False)

    try:
        envelope = _put(
            workspace, recipient, written.message, written.path.name, str(link["envelope"]), earlier is None, note
        )
    except (MailcoreError, OSError) as error:
        text = str(error)
        refused = {"status": "refused", "refused_reason": text, "refused_at": archive_time(written.at)}
        with tolerated(f"{written.path}: says 'sent' of a mail that was refused"):
            writing.replace(written.path, json_codec.dumps({**record, **refused}))
        with tolerated():
            audit.record(workspace, author.address, "undelivered", **names, reason=text)
        return Sent("", str(record["id"]), recipient.address, False, text, number)
    with tolerated():
        audit.flush_audit(workspace)
    return Sent(
        envelope.id[:ID_DIGITS],
        str(record["id"]),
        recipient.address,
        True,
        seq=number,
        again=envelope.at < began,
        waits=host_text(directory.read_host(workspace, recipient.host), recipient.host),
        **asks,
    )


def put_mail(workspace: Workspace, recipient: Agent, message: Mapping[str, Any]) -> str:
    """Send a mail without a record of its author's, whose directory is gone; the id that it will have there."""
    return _put(workspace, recipient, message, "").id[:ID_DIGITS]


def _put(
    workspace: Workspace,
    recipient: Agent,
    message: Mapping[str, Any],
    record: str,
    id: str = "",
    fresh: bool = True,
    meanwhile: Callable[[Envelope], None] = lambda _: None,
) -> Envelope:
    body = {
        "from": message["from"],
        "to": split_address(recipient.address)[0],
        "record": record,
        "mail": _as_json({key: value for key, value in message.items() if key != "seq"}),
    }
    return channel.put(workspace, recipient.host, EnvelopeKind.MAIL, body, id=id, fresh=fresh, meanwhile=meanwhile)


def _told_already(author: Agent, earlier: Mapping[str, Any] | None) -> Message | None:
    """The record of a mail of which the other host told already that it has it, though the act was interrupted."""
    if earlier is None:
        return None
    for _, raw in lookup.sent_records(author):
        if raw.get("id") == earlier["sent_id"] and BECAME in raw and (link := carried_by(raw)) is not None:
            names = {"id": link[1][:ID_DIGITS], "sent_id": raw["id"]}
            return Message.from_json({**raw, **names})
    return None


def host_text(record: HostRecord | None, host: str) -> str:
    """What is known of a host that mail waits for: `beta is away since 12:04`; empty if it is there."""
    if record is not None and record.revoked:
        return f"{host} belongs to the link no more"
    if record is None or not record.seen_at:
        return f"{host} was not heard of yet"
    return f"{host} is away since {date_and_time(record.away_since, never='-')}" if record.away_since else ""


def why_no_host(workspace: Workspace, recipient: Agent) -> str:
    """Why no mail can be put into the channel to a remote agent's host, in words that name it; empty if it can."""
    try:
        record = directory.read_host(workspace, recipient.host)
        waiting = channel.waiting(workspace, recipient.host).count
    except (MailcoreError, OSError) as error:
        return f"{recipient.address}: {error}"
    if record is None or record.revoked:
        return f"{recipient.address}: {host_text(record, recipient.host)}"
    if waiting >= channel.MAX_WAITING:
        return f"{recipient.address}: {waiting:,} envelopes wait for {recipient.host}: no more are taken"
    return ""


def _as_json(mail: Mapping[str, Any]) -> dict[str, Any]:
    """A mail as JSON between hosts can say it: no half of a sign, no number beyond what all can hold."""
    import json

    text = json.dumps(mail, ensure_ascii=False, default=str)
    return dict(json.loads(text.encode("utf-8", "replace"), parse_int=_number))


def _number(digits: str) -> int | float:
    number = int(digits) if len(digits) < 20 else float(digits)
    return number if isinstance(number, float) or -(1 << 63) <= number < 1 << 64 else float(number)
