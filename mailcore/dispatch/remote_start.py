"""What came from another host of the link is carried out: mail into the mailboxes, and the starts that it asks for.

This host decides by its own config what is started: its programs, holds, breakers, its depth of nesting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from mailcore.config import Config
from mailcore.dispatch import control
from mailcore.dispatch.admission import nesting
from mailcore.dispatch.admission.hindrances import QUEUED_CODES, Hindrance
from mailcore.dispatch.lifecycle.after_run import begin_run, start_wake
from mailcore.dispatch.lifecycle.repeated_start import earlier_run
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.remote_task import TERMS
from mailcore.dispatch.runs import resumable_session
from mailcore.dispatch.texts import prompt
from mailcore.exceptions import MailcoreError, Refused, caveat, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time, utc_time
from mailcore.mail import failure_notices, mailbox, numbers, post, receipts, remote_arrival
from mailcore.mail.remote_arrival import Arrived
from mailcore.model.agent import Agent
from mailcore.model.link import Envelope
from mailcore.model.message import FINAL, Message, as_text
from mailcore.model.run import RUN_ID
from mailcore.system.safe_open import read_bytes
from mailcore.text.frames import quoted
from mailcore.text.masks import masked
from mailcore.workspace import audit, trust
from mailcore.workspace.find import Workspace

MAX_QUOTED = 500
"""Characters of a mail that was refused elsewhere which the word of it repeats."""
_SENT_ID = re.compile("[0-9a-f]{8}")


def carry_out_mails(workspace: Workspace, envelopes: Sequence[Envelope], repeated: bool) -> None:
    """Deliver mails of one other host, and start whom they are for where they ask for it.

    OSError, or a MailcoreError of one, where the disk does not allow it now: all of them are to come again. What else
    goes wrong is told to the senders: what is refused by a receipt, what was delivered and is not started by mail.
    """
    with _as_supervisor():
        arrived = remote_arrival.deliver_envelopes(workspace, envelopes, repeated, lambda *of: _check(workspace, *of))
        for one in arrived:
            if one.message.is_task:
                _start_task(workspace, one, repeated)
            elif _wakes(one.agent, one.message):
                _wake(workspace, one.agent, one.message)


def keep_receipts(workspace: Workspace, envelopes: Sequence[Envelope], _repeated: bool) -> None:
    """Keep what another host tells of mails from here; who sent one that was refused there gets mail that says so."""
    with _as_supervisor():
        for envelope in envelopes:
            receipts.keep(workspace, envelope, lambda agent, record: _notify_refused(workspace, agent, record))


def _check(workspace: Workspace, agent: Agent, envelope: Envelope) -> None:
    """Refused, before anything is delivered, where a task cannot be done here."""
    mail = envelope.body.get("mail")
    if not isinstance(mail, Mapping) or mail.get("auto_execute") is not True:
        return
    trust.require_trust(workspace)
    config, _ = trust.trusted_config(workspace)
    _, chosen, credentials = control.check_target(workspace, config, "", agent.address, _term(mail, "program"))
    resumable_session.check_request(config, agent, chosen, credentials, _term(mail, "model"), _term(mail, "mode"))
    if _depth(mail) >= config.dispatch.wake_depth:
        text = f"this dispatch would nest {_depth(mail) + 1} deep; [dispatch] wake_depth is the limit"
        raise Refused(text, "limit")


def _start_task(workspace: Workspace, one: Arrived, repeated: bool) -> None:
    agent, mail = one.agent, one.message
    if repeated and (
        queue.wait_reason(agent, mail.id)
        or earlier_run(workspace, agent, lambda first: first.get("message_id") == mail.id)
    ):
        return
    try:
        config, _ = trust.trusted_config(workspace)
        first = _first_record(workspace, config, agent, mail)
        started = begin_run(workspace, config, agent, first, queueing=QUEUED_CODES)
    except OSError:
        raise
    except Exception as error:  # a fault with one task must not stop all that comes after it
        _notify_not_started(workspace, agent, mail, str(error))
        return
    if isinstance(started, Hindrance) and started.code not in QUEUED_CODES:
        _notify_not_started(workspace, agent, mail, started.reason)


def _first_record(workspace: Workspace, config: Config, agent: Agent, mail: Message) -> dict[str, Any]:
    """What the run is begun with, as `control.dispatch_task` does it for a task from here."""
    raw = mail.raw
    _, chosen, credentials = control.check_target(workspace, config, "", agent.address, _term(raw, "program"))
    expect = as_text(raw, "expect")
    return {
        "sender": mail.sender,
        "subject": mail.subject,
        "message_id": mail.id,
        "sent_id": mail.sent_id,
        "prompt": prompt.task_prompt(agent, mail.id, mail.sender, mail.subject, expect, wants_data="schema" in raw),
        "text": masked(mail.body)[: control.MAX_TASK_TEXT],
        "program": chosen.name,
        "account": credentials.name,
        "task": nesting.task_mark(agent, mail.subject, mail.body),
        "priority": mail.priority if mail.priority in post.PRIORITIES else "normal",
        **{key: value for key in ("model", "mode") if (value := _term(raw, key))},
        "depth": _depth(raw),
        **({"root": raw["root"]} if RUN_ID.fullmatch(as_text(raw, "root")) else {}),
    }


def _wakes(agent: Agent, mail: Message) -> bool:
    """True of what starts an idle agent: high priority, and an answer to a task that it gave, or word of its end."""
    if mail.priority == "high":
        return True
    if not _SENT_ID.fullmatch(mail.in_reply_to) or (mail.ack is not None and mail.ack.state not in FINAL):
        return False
    for path in agent.sent_dir.glob(f"*_{mail.in_reply_to}_*.json"):
        with suppress(OSError, ValueError, RecursionError):
            raw = json_codec.loads(read_bytes(path, links=False))
            if isinstance(raw, dict) and raw.get("auto_execute") is True:
                return True
    return False


def _wake(workspace: Workspace, agent: Agent, mail: Message) -> None:
    """Start who got it, as far as nothing is in the way: it has its mail in any case."""
    if agent.is_reserved:
        return
    try:
        trust.require_trust(workspace)
        config, _ = trust.trusted_config(workspace)
        if _depth(mail.raw) >= config.dispatch.wake_depth:
            return
        if mail.in_reply_to and (mail.raw.get("run_ended") or mail.ack is not None):
            failure_notices.archive_superseded_notices(workspace, agent, mail)
        what = "sent mail of high priority" if mail.priority == "high" else "says what became of a task"
        why = f"{mail.sender} {what}, message {mail.id}: {quoted(mail.subject)}."
        names = [name for name in (mail.id, mail.sent_id, mail.in_reply_to) if name]
        facts = {"news": names, "since": utc_time(0.0)}
        start_wake(workspace, config, agent, queue.Wake(why, "", _depth(mail.raw), priority=mail.priority, facts=facts))
    except Exception as error:  # it has its mail
        with tolerated():
            audit.record(workspace, agent.address, "not_woken", id=mail.id, reason=str(error))


def _notify_not_started(workspace: Workspace, agent: Agent, mail: Message, why: str) -> None:
    text = f"{mail.subject}\n\nIt is delivered as {mail.id} (#{mail.seq}), and is not started: {why}"
    thread = {"in_reply_to": mail.sent_id, "thread_id": mail.thread_id or mail.sent_id, "run_ended": "not started"}
    subject = f"NOT STARTED: Dispatch to {agent.address}"
    try:
        post.send_mail(workspace, agent.address, [mail.sender], subject, text, extra=thread)
    except (MailcoreError, OSError) as error:
        if remote_arrival.is_transient(error):  # else nobody would ever hear of it, who neither runs nor is told
            raise
        caveat(str(error))


def _notify_refused(workspace: Workspace, agent: Agent, record: Message) -> None:
    """Mail to who wrote it, in its own thread, so that whoever waits for an answer hears that none will come."""
    host, _, reason = as_text(record.raw, "refused_reason").partition(": ")
    now = datetime.now()
    notice = {
        "timestamp": aipass_time(now),
        "from": record.recipient,
        "from_name": record.recipient[1:],
        "sender_proof": "supervisor",
        "subject": f"NOT DELIVERED: {record.subject}",
        "message": f"{host} did not take it for {record.recipient}: {reason}\n\n> " + record.body[:MAX_QUOTED].replace(
            "\n", "\n> "
        ),
        "priority": record.priority,
        "auto_execute": False,
        "status": "new",
        "sent_id": "",
        "in_reply_to": record.id,
        "thread_id": record.thread_id or record.id,
        "run_ended": "refused",
        "seq": numbers.reserve_numbers(workspace.root),
    }  # fmt: skip
    message_id = mailbox.deliver(agent, notice)
    if record.is_task:
        _wake(workspace, agent, Message.from_json({**notice, "id": message_id}, agent.address))


def _term(mail: Mapping[str, Any], name: str) -> str:
    terms = mail.get(TERMS)
    return as_text(terms, name)[:200] if isinstance(terms, Mapping) else ""


def _depth(mail: Mapping[str, Any]) -> int:
    depth = mail.get("depth")
    return min(max(depth, 0), 1000) if isinstance(depth, int) and not isinstance(depth, bool) else 0


@contextmanager
def _as_supervisor() -> Iterator[None]:
    """What is written meanwhile is written by mailcore itself."""
    token = audit.current_proof.set("supervisor")
    try:
        yield
    finally:
        audit.current_proof.reset(token)
