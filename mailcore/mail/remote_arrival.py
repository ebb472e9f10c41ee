"""Mail that came from another host of the link: into the mailboxes, once, and word of it to its senders."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from mailcore.config import Mail, read_mail_or_defaults
from mailcore.exceptions import MailcoreError, Refused, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time, utc_time
from mailcore.hosts.directory import read_host
from mailcore.hosts.membership import member
from mailcore.hosts.names import joined, split_address
from mailcore.mail import mailbox, numbers, receipts
from mailcore.mail.link_keys import ID_DIGITS, LINK
from mailcore.mail.reachable import why_unreachable
from mailcore.model.agent import Agent
from mailcore.model.link import Envelope
from mailcore.model.message import Message
from mailcore.schemas.document import require_depth
from mailcore.system import safe_open
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import ADDRESS

PROOF = "host"
"""`sender_proof` of what came over the link: the host is proved, and says who wrote it there (`host_proof`)."""
_OURS = frozenset(
    ("id", "seq", "status", "read", "stored_at", "seen_at", "seen_by", "told_at", "told_where", "unseen", "reply_path",
     "project", "feedback", "issue", "approval", "review", "accepted", "archived_at", "escalated", "dispatched_to",
     "sender_imitates", "to", "from", LINK)
)  # fmt: skip
"""Keys that another host does not decide."""
_WAITS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM))
"""Of these a disk or a machine recovers: what it refused is tried again, and told to nobody."""


MAX_AT_ONCE = 4
"""Mailboxes that are written at the same time."""
_Rows = Sequence[tuple[Agent, Envelope, dict[str, Any]]]
"""Mails of one recipient."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what terms mail is taken."""

    here: str
    limits: Mail
    skew: float
    """Their clock less ours, in seconds."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail that is in its recipient's mailbox."""

    agent: Agent
    message: Message
    """The recipient's copy, as it was delivered."""
    envelope: Envelope


def deliver_envelopes(
    workspace: Workspace, envelopes: Sequence[Envelope], repeated: bool, check: Callable[[Agent, Envelope], None]
) -> list[Arrived]:
    """Put the mails of these envelopes, which are of one sender, into the mailboxes that they are for, in their order.

    Each gets word to its sender that it is stored, or why it is refused: nobody of that name, what `check` (called with
    the recipient) raises, a limit of this host's. OSError, and nothing of one recipient's delivered, where the disk is
    full: they are to come again. `repeated`: some may have been delivered before; those are found, and not doubled.
    """
    record = read_host(workspace, envelopes[0].sender)
    terms = _Terms(
        member(workspace).host,
        read_mail_or_defaults(workspace.config_file),
        record.skew or 0.0 if record is not None else 0.0,
    )
    wanted: list[tuple[Agent, Envelope, dict[str, Any]]] = []
    refused: list[tuple[Envelope, str]] = []
    for envelope in envelopes:
        try:
            agent = _recipient(workspace, envelope)
            check(agent, envelope)
            wanted.append((agent, envelope, _message(terms, agent, envelope)))
        except MailcoreError as error:
            if isinstance(error.__cause__, OSError):
                raise
            refused.append((envelope, str(error)))
        except OSError:
            raise
        except Exception as error:  # whatever one holds must not stop all that come after it
            refused.append((envelope, f"{type(error).__name__}: {error}"))
    first = numbers.reserve_numbers(workspace.root, len(wanted)) if wanted else 0
    for number, (_, _, raw) in enumerate(wanted, first):
        raw["seq"] = number
    arrived: list[Arrived] = []
    by_recipient = groupby(sorted(wanted, key=lambda one: one[0].address), key=lambda one: one[0].address)
    for rows, found in _delivered([list(group) for _, group in by_recipient], repeated):
        if isinstance(found, list):
            arrived += found
            continue
        if isinstance(found, MailcoreError) and is_transient(found):
            raise OSError(getattr(found.__cause__, "errno", errno.EAGAIN), str(found)) from found
        if isinstance(found, OSError):
            raise found
        why = str(found) if isinstance(found, MailcoreError) else f"{type(found).__name__}: {found}"
        refused += [(envelope, why) for _, envelope, _ in rows]
    stored = [receipts.stored(one.message) for one in arrived]
    receipts.put_words(workspace, envelopes[0].sender, stored + [_refusal(envelope, why) for envelope, why in refused])
    by_agent = {address: list(those) for address, those in groupby(arrived, key=lambda one: one.agent.address)}
    facts = [
        {"to": to, "ids": [one.message.id for one in those], "envelopes": [one.envelope.id for one in those]}
        for to, those in by_agent.items()
    ]
    reasons = [{"envelope": envelope.id, "reason": why} for envelope, why in refused]
    for verb, each in (("arrived", facts), ("refused", reasons)):
        if each:
            with tolerated():
                audit.record_all(workspace, envelopes[0].sender, verb, each)
    return arrived


def is_transient(error: Exception) -> bool:
    """Whether it is of a disk or a machine that recovers, or of a lock that somebody has: it is tried again."""
    if isinstance(error, MailcoreError) and error.code == "locked":
        return True
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in _WAITS


def _recipient(workspace: Workspace, envelope: Envelope) -> Agent:
    """Whom it is for. Refused where there is nobody of that name, or nothing can reach them."""
    address = envelope.body.get("to")
    if not isinstance(address, str) or not ADDRESS.fullmatch(address):
        raise Refused("it names no recipient", "unknown_agent")
    agent = workspace.agent(address)
    if why := why_unreachable(agent):
        raise Refused(why, "unreachable")
    return agent


def _message(terms: _Terms, agent: Agent, envelope: Envelope) -> dict[str, Any]:
    """What is to lie in the mailbox: the sender's words; who it is, and from where, this host says."""
    mail, author = envelope.body.get("mail"), envelope.body.get("from")
    if not isinstance(mail, Mapping) or not isinstance(author, str) or not ADDRESS.fullmatch(author) or "." in author:
        raise Refused("it is no mail: it lacks its text or its sender", "format")
    subject, body = mail.get("subject"), mail.get("message")
    if not isinstance(subject, str) or not isinstance(body, str):
        raise Refused("it is no mail: it lacks its subject or its text", "format")
    limits, here, size = terms.limits, terms.here, len(body.encode("utf-8", "replace"))
    if size > limits.max_body:
        raise Refused(f"the body is {size:,} bytes, and [mail] max_body of {here} is {limits.max_body:,}", "limit")
    for key in ("data", "schema"):
        if key in mail:
            require_depth(mail[key], f"the {key}")
            if (size := len(json_codec.dumps_line(mail[key]))) > limits.max_body:
                raise Refused(
                    f"the {key} is {size:,} bytes, and [mail] max_body of {here} is {limits.max_body:,}", "limit"
                )
    if len(subject) > limits.max_subject:
        raise Refused(f"the subject is longer than [mail] max_subject of {here}, {limits.max_subject}", "limit")
    at = envelope.at - terms.skew
    raw = {key: value for key, value in mail.items() if key not in _OURS}
    try:
        written = datetime.fromtimestamp(at)
    except (ValueError, OverflowError, OSError):
        raise Refused("it is no mail: the time when it was written is none", "format") from None  # no fault of our disk
    raw |= {"timestamp": aipass_time(written), "from": joined(author, envelope.sender)}
    if isinstance(answer := raw.get("reply_to"), str):
        raw["reply_to"] = _from_there(answer, envelope.sender, here)
    if isinstance(ack := raw.get("ack"), Mapping):
        raw["ack"] = {**ack, "by": _from_there(str(ack.get("by", "")), envelope.sender, here)}
    if raw.get("auto_execute") is True:
        raw["dispatched_to"] = agent.address
    return {
        "id": envelope.id[:ID_DIGITS],
        **raw,
        "status": "new",
        "sender_proof": PROOF,
        "host_proof": str(mail.get("sender_proof", "")),
        LINK: {
            "host": envelope.sender, "envelope": envelope.id, "epoch": envelope.epoch, "seq": envelope.seq,
            "at": envelope.at, "record": str(envelope.body.get("record", "")),
        },
    }  # fmt: skip


def _from_there(address: str, sender: str, here: str) -> str:
    """An address as the other host writes it, as this one does."""
    name, host = split_address(address)
    return name if host == here else address if host else joined(address, sender)


def _delivered(groups: Sequence[_Rows], repeated: bool) -> Iterator[tuple[_Rows, list[Arrived] | Exception]]:
    """Deliver the mails of each recipient, and what became of them, in order: several recipients' at once, for most of
    it is waiting for the disk."""

    def deliver(rows: _Rows) -> list[Arrived] | Exception:
        try:
            return _deliver(rows, repeated)
        except Exception as error:
            return error

    if len(groups) < 2:
        yield from ((rows, deliver(rows)) for rows in groups)
        return
    with ThreadPoolExecutor(min(MAX_AT_ONCE, len(groups)), thread_name_prefix="deliver") as workers:
        work = [workers.submit(copy_context().run, deliver, rows) for rows in groups]
        yield from ((rows, one.result()) for rows, one in zip(groups, work, strict=True))


def _deliver(rows: _Rows, repeated: bool) -> list[Arrived]:
    agent = rows[0][0]
    raws = [raw for _, _, raw in rows]
    archived = _archived(agent) if repeated else None
    ids = mailbox.deliver_all(agent, raws, archived or (lambda _: False))
    now = utc_time(datetime.now().timestamp())
    return [
        Arrived(agent, Message.from_json({"stored_at": now, **raw, "id": id}, agent.address), envelope)
        for (_, envelope, raw), id in zip(rows, ids, strict=True)
    ]


def _archived(agent: Agent) -> Callable[[str], bool]:
    """Whether a mail of an envelope was closed already: its file has the mail's id in its name."""
    names: list[str] = []

    def is_archived(envelope: str) -> bool:
        if not names:
            names.extend(os.listdir(agent.archive_dir) if agent.archive_dir.is_dir() else [""])  # noqa: PTH208
        part = f"_{envelope[:ID_DIGITS]}_"
        return any(_is_of(agent, name, envelope) for name in names if part in name)

    return is_archived


def _is_of(agent: Agent, name: str, envelope: str) -> bool:
    try:
        raw = json_codec.loads(safe_open.read_bytes(agent.archive_dir / name, links=False))
    except (OSError, ValueError, RecursionError):
        return False
    link = raw.get(LINK) if isinstance(raw, Mapping) else None
    return isinstance(link, Mapping) and link.get("envelope") == envelope


def _refusal(envelope: Envelope, why: str) -> dict[str, Any]:
    body = envelope.body
    return {
        "mail": envelope.id, "state": receipts.REFUSED, "text": why, "from": str(body.get("from", "")),
        "record": str(body.get("record", "")),
    }  # fmt: skip
