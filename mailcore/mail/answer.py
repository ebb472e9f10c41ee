"""What became of a message: acknowledged, done, blocked, declined; and the sender's accept or reopen.

The recipient's copy carries the acknowledgement; the sender hears of it by mail in the same thread. The mail goes
first: whoever is killed in between and says it again finds it (`intent`), and doubles nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mailcore.config.mail import Mail
from mailcore.exceptions import MailcoreError, Refused, UsageError, tolerated
from mailcore.formats import journal
from mailcore.mail import failure_notices, lookup, mailbox, outbox, post, resumable_act, route
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.message_names import choose_named
from mailcore.mail.outbox import Sent
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import FINAL, Message
from mailcore.schemas.document import Data
from mailcore.text.clusters import cut
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

STATES = ("acknowledged", "done", "blocked", "declined")
MAX_DATA_TEXT = 4000
"""Characters of data that stand in the text of a result where nothing else is said."""
MAX_AUDIT_RESULT = 2000
"""Characters of a result that the audit keeps."""
CLOSING = ("done", "declined")
"""After these the message is archived; a blocked task stays open, so that it can still be done."""


def acknowledge(
    workspace: Workspace, by: str, message_id: str, state: str, result: str, data: Data | None = None
) -> Sent:
    """Say what became of a message in `by`'s own mailbox; `result` is said to the sender, with `data`.

    Refused (code `schema`) where the task wants its result as data, and none is given or it does not fit.
    """
    if data is not None and not result.strip():
        result = cut(data.as_text(), MAX_DATA_TEXT)
    if state not in STATES:
        raise UsageError(f"{state!r} is no state; allowed: {', '.join(STATES)}")
    if state != "acknowledged" and not result.strip():
        raise UsageError(f'say the result: mailcore {state} ID "{"what came of it" if state == "done" else "why"}"')
    agent = workspace.agent(by)
    words = (message_id, result, *(() if data is None else (data.value,)))
    with resumable_act.begin_act(agent, state, *words) as act:
        original = post.find_message(agent, message_id, closed=act.again)
        if state != "acknowledged":
            post.refuse_undecided(agent, original)
        if state == "done":
            _require_result(original, data)
        recipient = route.reply_recipient(workspace, original)
        beside = {} if data is None else {"data": data.value}
        ack = {"state": state, "result": result, "at": journal.now(), "by": by}
        fields = {
            "subject": f"{state.upper()}: {original.subject}",
            "message": result,
            "priority": original.priority,
            "auto_execute": False,
            "ack": ack,
            # One notice for each state: a `done` that rewrote an `acknowledged` might be taken for read.
            "upsert_key": f"{state}:{original.sent_id or original.id}",
            **outbox.answer_keys(original),
            **({"review": original.raw["review"]} if "review" in original.raw else {}),
            **beside,
        }
        sent = outbox.send_one(workspace, agent, recipient, fields, act)
        if sent.delivered:
            if state in CLOSING:
                post.archive_answered(agent, original, sent, f"word that it is {state}", {"ack": {**ack, **beside}})
                failure_notices.archive_answered_notices(workspace, by, recipient.address, original)
            else:
                _note(agent, original, sent, f"word that it is {state}", {"ack": ack})
            with tolerated():
                from mailcore.text.masks import masked

                facts = {"result": masked(result)[:MAX_AUDIT_RESULT]} if result else {}
                audit.record(workspace, by, state, id=original.id, sent_id=original.sent_id, seq=original.seq, **facts)
        else:
            act.leave_open()
    return sent


def _require_result(original: Message, data: Data | None) -> None:
    """Refused where the task wants data of a schema, and this is none of it."""
    schema = original.raw.get("schema")
    if schema is None:
        return
    name = original.seq or original.id
    if data is None:
        raise Refused(
            f"task {name} wants its result as data: mailcore done {name} --data FILE, JSON that fits the schema that "
            f"`mailcore read {name} --schema` prints; or say that it is blocked or declined",
            "schema",
        )
    from mailcore.schemas import check

    check.require_fit(schema, data.value, "the data", f"task {name}")


def _note(agent: Agent, original: Message, sent: Sent, what: str, changes: dict[str, Any]) -> None:
    """Write into the agent's own copy what was said of it by `sent`; code `unfinished` where the disk refuses."""
    try:
        mailbox.update(agent, original.id, changes)
    except MailcoreError as error:
        name = post.message_name(original)
        text = f"the {what} is delivered to {sent.to} (#{sent.seq}), but {name} does not say so: {error}"
        raise MailcoreError(f"{text}; say the same again, which sends nothing twice", "unfinished") from error


def escalate_message(workspace: Workspace, config: Mail, by: str, message_id: str, why: str) -> Sent:
    """Hand a message up: to the orchestrator that config names, from there (or without one) to the operator."""
    agent = workspace.agent(by)
    if agent.is_operator:
        raise Refused("there is nobody above the operator", "no_recipient")
    original = post.find_message(agent, message_id)
    above = workspace.agent(config.orchestrator or OPERATOR).address
    if above in (by, original.sender):
        above = OPERATOR
    quoted = "".join(f"> {line}\n" for line in original.body.splitlines())
    body = f"{why}\n\n{original.sender} wrote: {original.subject}\n{quoted}"
    fields = {
        "subject": f"ESCALATED: {original.subject}",
        "message": body,
        "priority": "high",
        "auto_execute": False,
        "upsert_key": f"escalate:{original.sent_id or original.id}",
        **outbox.answer_keys(original),
    }
    with resumable_act.begin_act(agent, "escalate", message_id, why) as act:
        sent = outbox.send_one(workspace, agent, workspace.agent(above), fields, act)
        if sent.delivered:
            changes = {"escalated": {"to": above, "why": why, "at": journal.now()}}
            _note(agent, original, sent, "escalation", changes)
            with tolerated():
                audit.record(workspace, by, "escalate", id=original.id, sent_id=original.sent_id, to=above)
        else:
            act.leave_open()
    return sent


def accept_done(workspace: Workspace, by: str, message_id: str) -> Message:
    """The sender is content with a `done`: its notice is archived, and the audit says by whom."""
    agent = workspace.agent(by)
    with resumable_act.begin_act(agent, "accept", message_id) as act:
        found = outcome_notice(workspace, by, message_id, closed=act.again)
        if "accepted" not in found.raw:
            act.remember("accept", {})
            mailbox.archive_messages(agent, [found.id], {"accepted": {"at": journal.now(), "by": by}})
        with tolerated():
            audit.record(workspace, by, "accept", id=found.id, task=found.in_reply_to)
    return found


@dataclass(frozen=True, slots=True)
class Reopening:
    """To whom a task goes again, and with what."""

    to: str
    subject: str
    body: str
    thread: dict[str, Any]
    settles: tuple[Message, ...]
    """The notices that are thereby answered."""


def reopening(workspace: Workspace, by: str, notice: Message, why: str) -> Reopening:
    """What `reopen` of a notice hands on: `why` to who sent it; of a review its findings too, to whose work it was."""
    thread = {"thread_id": notice.thread_id or notice.in_reply_to, "in_reply_to": notice.sent_id or notice.id}
    review = notice.raw.get("review")
    if not isinstance(review, dict) or not isinstance(review.get("agent"), str):
        subject = (notice.subject.partition(": ")[2] or notice.subject).removeprefix("REOPENED: ")
        return Reopening(notice.sender, subject, why, thread, (notice,))
    findings = "".join(f"> {one}\n" for one in notice.body.splitlines())
    body = f"{why}\n\n{notice.sender} reviewed your run {review.get('run', '')}, and found:\n\n{findings}"
    task = review.get("task")
    settled = [notice]
    if isinstance(task, str) and task:
        open_mail = read_mailbox(workspace.agent(by).inbox).messages
        settled += [m for m in open_mail if m.in_reply_to == task and m.ack is not None and m.sender == review["agent"]]
        thread = {"thread_id": next((m.thread_id for m in settled[1:] if m.thread_id), task), "in_reply_to": task}
    subject = str(review.get("subject") or "your last run").removeprefix("REOPENED: ")
    return Reopening(review["agent"], subject, body, thread, tuple(settled))


def close_reopened_notice(workspace: Workspace, by: str, notice: Message) -> None:
    """Archive the notice of a `done` whose task the sender has just dispatched again."""
    try:
        mailbox.archive_messages(workspace.agent(by), [notice.id])
    except MailcoreError as error:
        if error.code != "no_message":
            text = f"the task is dispatched again, but {post.message_name(notice)} is still open: {error}"
            raise MailcoreError(f"{text}; say the same again, or close it", "unfinished") from error
    with tolerated():
        audit.record(workspace, by, "reopen", id=notice.id, task=notice.in_reply_to)


def outcome_notice(
    workspace: Workspace, by: str, message_id: str, *, closed: bool = False, accepted: bool = False
) -> Message:
    """The open notice to `by` that a task is done, blocked or declined, by a name of its own or of the task.

    `closed`: or the closed one, for an act that was interrupted after it had closed it; `accepted`: or one that `by`
    was content with, and is no more.
    """
    agent = workspace.agent(by)
    archived = (raw for _, raw in lookup.archived_messages(agent)) if closed or accepted else ()
    kept = [Message.from_json(raw) for raw in archived if closed or "accepted" in raw]
    found = [
        # What `by` itself said of a task of its own stands in its mailbox too.
        message for message in (*read_mailbox(agent.inbox).messages, *kept)
        if message.ack is not None and message.ack.state in FINAL and message.ack.by == message.sender != by
    ]  # fmt: skip
    named = choose_named(message_id, found, lambda message: message)
    if named is not None:
        return named
    with suppress(MailcoreError):
        task = lookup.find_copy(workspace, message_id).message
        for message in found:
            if message.in_reply_to and message.in_reply_to in (task.id, task.sent_id):
                return message
    raise Refused(f"{message_id} is no open notice of what became of a task in {by}'s mailbox", "no_message")
