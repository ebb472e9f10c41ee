"""What became of a message: acknowledged, done, blocked, declined; and the sender's accept or reopen.

The recipient's copy carries the acknowledgement; the sender hears of it by mail in the same thread. The mail goes first
and carries an upsert key: whoever is killed in between and says it again changes that mail, and doubles nothing.
"""

from __future__ import annotations

from contextlib import suppress

from mailcore import audit, journal
from mailcore.config import Mail
from mailcore.errors import MailcoreError, Refused, UsageError
from mailcore.mail import lookup, mailbox, outbox, post, route
from mailcore.mail.names import choose
from mailcore.mail.outbox import Sent
from mailcore.mail.reader import read_mailbox
from mailcore.model.agent import OPERATOR
from mailcore.model.message import FINAL, Message
from mailcore.workspace import Workspace

STATES = ("acknowledged", "done", "blocked", "declined")
CLOSING = ("done", "declined")
"""After these the message is archived; a blocked task stays open, so that it can still be done."""


def acknowledge(workspace: Workspace, by: str, message_id: str, state: str, result: str) -> Sent:
    """Say what became of a message in `by`'s own mailbox; `result` is said to the sender."""
    if state not in STATES:
        raise UsageError(f"{state!r} is no state; allowed: {', '.join(STATES)}")
    if state != "acknowledged" and not result.strip():
        raise UsageError(f'say the result: mailcore {state} ID "{"what came of it" if state == "done" else "why"}"')
    agent = workspace.agent(by)
    original = post.find(agent, message_id)
    if state != "acknowledged":
        post.refuse_undecided(agent, original)
    recipient = route.answer_to(workspace, original)
    ack = {"state": state, "result": result, "at": journal.now(), "by": by}
    fields = {
        "subject": f"{state.upper()}: {original.subject}",
        "message": result,
        "priority": original.priority,
        "auto_execute": False,
        "ack": ack,
        # One notice for each state: a `done` that rewrote an `acknowledged` might be taken for read.
        "upsert_key": f"{state}:{original.sent_id or original.id}",
        **outbox.answering(original),
    }
    sent = outbox.put(workspace, agent, recipient, fields)
    if sent.delivered:
        mailbox.update(agent, original.id, {"ack": ack})
        if state in CLOSING:
            mailbox.close(agent, [original.id])
        audit.record(workspace, by, state, id=original.id, sent_id=original.sent_id, seq=original.seq)
    return sent


def escalate(workspace: Workspace, config: Mail, by: str, message_id: str, why: str) -> Sent:
    """Hand a message up: to the orchestrator that config names, from there (or without one) to the operator."""
    agent = workspace.agent(by)
    if agent.is_operator:
        raise Refused("there is nobody above the operator", "no_recipient")
    original = post.find(agent, message_id)
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
        **outbox.answering(original),
    }
    sent = outbox.put(workspace, agent, workspace.agent(above), fields)
    if sent.delivered:
        mailbox.update(agent, original.id, {"escalated": {"to": above, "why": why, "at": journal.now()}})
        audit.record(workspace, by, "escalate", id=original.id, sent_id=original.sent_id, to=above)
    return sent


def accept(workspace: Workspace, by: str, message_id: str) -> Message:
    """The sender is content with a `done`: its notice is archived, and the audit says by whom."""
    found = notice(workspace, by, message_id)
    agent = workspace.agent(by)
    mailbox.update(agent, found.id, {"accepted": {"at": journal.now(), "by": by}})
    mailbox.close(agent, [found.id])
    audit.record(workspace, by, "accept", id=found.id, task=found.in_reply_to)
    return found


def reopened(workspace: Workspace, by: str, notice: Message) -> None:
    """Archive the notice of a `done` whose task the sender has just dispatched again."""
    mailbox.close(workspace.agent(by), [notice.id])
    audit.record(workspace, by, "reopen", id=notice.id, task=notice.in_reply_to)


def notice(workspace: Workspace, by: str, message_id: str) -> Message:
    """The open notice to `by` that a task is done, blocked or declined, by a name of its own or of the task."""
    box = read_mailbox(workspace.agent(by).inbox)
    notices = [
        # What `by` itself said of a task of its own stands in its mailbox too.
        message for message in box.messages
        if message.ack is not None and message.ack.state in FINAL and message.ack.by == message.sender != by
    ]  # fmt: skip
    named = choose(message_id, notices, lambda message: message)
    if named is not None:
        return named
    with suppress(MailcoreError):
        task = lookup.find(workspace, message_id).message
        for message in notices:
            if message.in_reply_to and message.in_reply_to in (task.id, task.sent_id):
                return message
    raise Refused(f"{message_id} is no open notice of what became of a task in {by}'s mailbox", "no_message")
