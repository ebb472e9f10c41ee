"""Send, reply, open and close: what a person or an agent does with mail."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mailcore.exceptions import MailcoreError, Refused, UsageError, tolerated
from mailcore.formats import journal
from mailcore.mail import mailbox, outbox, resumable_act, route
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.message_names import choose_named
from mailcore.mail.outbox import Sent
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import Message
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

PRIORITIES = ("low", "normal", "high")
NO_KEYS: Mapping[str, Any] = MappingProxyType({})


def send_mail(
    workspace: Workspace,
    sender: str,
    to: Sequence[str],
    subject: str,
    body: str,
    *,
    priority: str = "normal",
    is_task: bool = False,
    key: str = "",
    extra: Mapping[str, Any] = NO_KEYS,
    facts: Mapping[str, Any] = NO_KEYS,
) -> list[Sent]:
    """Mail `to` each address, or to none: who is unknown or cannot be reached refuses all, before anything is written.

    On disk before this returns. What fails only in writing comes back as not delivered to that one; the same words said
    again then go to the others alone.

    `key` rewrites the sender's open mail of the same key, counting up, instead of piling up. `extra` are further keys
    of the message; so are `facts`, by which the same words repeated are no other mail.
    """
    author = workspace.agent(sender)
    recipients = route.resolve_addresses(workspace, author, to)
    if not subject.strip():
        raise UsageError("a mail needs a subject")
    if priority not in PRIORITIES:
        raise UsageError(f"priority {priority!r}; allowed: {', '.join(PRIORITIES)}")
    fields = {"subject": subject, "message": body, "priority": priority, "auto_execute": is_task, **extra}
    if key:
        fields["upsert_key"] = key
    sent: list[Sent] = []
    with resumable_act.begin_act(author, "send", [agent.address for agent in recipients], fields) as act:
        # One alone is refused by its own delivery, and costs no look before.
        if len(recipients) > 1 and (rest := [one for one in recipients if act.recall(one.address) is None]):
            from mailcore.mail.reachable import check_recipients

            check_recipients(workspace, author, rest, fields)
        for agent in recipients:
            own = {**fields, **facts} | ({"dispatched_to": agent.address} if is_task else {})
            if agent.root != workspace.root:
                own |= outbox.across_keys(workspace)
            try:
                sent.append(outbox.send_one(workspace, author, agent, own, act))
            except MailcoreError as error:
                if not any(one.delivered for one in sent):
                    raise
                sent.append(Sent("", "", agent.address, False, str(error)))
        if not all(one.delivered for one in sent):
            act.leave_open()
    return sent


def check_mail(workspace: Workspace, author: Agent, to: Sequence[str], subject: str, body: str) -> tuple[str, ...]:
    """The addresses of whom a mail would go to. Raises what `send_mail` would, and what its delivery would meet."""
    from mailcore.mail.reachable import check_recipients

    recipients = route.resolve_addresses(workspace, author, to)
    if not subject.strip():
        raise UsageError("a mail needs a subject")
    check_recipients(workspace, author, recipients, {"subject": subject, "message": body})
    return tuple(agent.address for agent in recipients)


def reply_to(workspace: Workspace, sender: str, message_id: str, body: str) -> Sent:
    """Answer a message in the sender's own mailbox and close it. The answer stands in the message's thread.

    Refused for a request for approval that is not decided yet: no reply decides one.
    """
    if not body.strip():
        raise UsageError("a reply needs a text")
    author = workspace.agent(sender)
    with resumable_act.begin_act(author, "reply", message_id, body) as act:
        original = find_message(author, message_id, closed=act.again)
        refuse_undecided(author, original)
        recipient = route.reply_recipient(workspace, original)
        subject = original.subject if original.subject.startswith("RE: ") else f"RE: {original.subject}"
        fields = {"subject": subject, "message": body, "priority": original.priority, "auto_execute": False}
        sent = outbox.send_one(workspace, author, recipient, fields | outbox.answer_keys(original), act)
        if sent.delivered:
            archive_answered(author, original, sent, "answer")
            from mailcore.mail import failure_notices

            failure_notices.archive_answered_notices(workspace, author.address, recipient.address, original)
            with tolerated():
                audit.record(workspace, author.address, "close", ids=[original.id])
        else:
            act.leave_open()
    return sent


def archive_answered(
    agent: Agent, answered: Message, sent: Sent, what: str, changes: Mapping[str, Any] = NO_KEYS
) -> None:
    """Archive a message, with `changes`, that was answered by `sent`, unless it is archived already.

    MailcoreError (code `unfinished`) where that fails: it says that the answer stands, and how to do the rest.
    """
    try:
        mailbox.archive_messages(agent, [answered.id], changes)
    except MailcoreError as error:
        if error.code == "no_message":
            return
        text = (
            f"the {what} is delivered to {sent.to} (#{sent.seq}), but {message_name(answered)} is still open: {error}"
        )
        rest = f"say the same again, which sends nothing twice, or `mailcore close {answered.seq or answered.id}`"
        raise MailcoreError(f"{text}; {rest}", "unfinished") from error


def message_name(message: Message) -> str:
    """`#12`, or the id of a message that has no number."""
    return f"#{message.seq}" if message.seq else message.id


def forward_message(workspace: Workspace, sender: str, message_id: str, to: Sequence[str], note: str) -> list[Sent]:
    """Send a message of the sender's mailbox on to others, quoted below `note`."""
    original = find_message(workspace.agent(sender), message_id)
    quoted = "".join(f"> {line}\n" for line in original.body.splitlines())
    body = f"{note}\n\n{original.sender} wrote:\n{quoted}".lstrip()
    extra = {"forwarded_from": original.sent_id or original.id}
    extra |= {"data": original.raw["data"]} if "data" in original.raw else {}
    return send_mail(workspace, sender, to, f"FWD: {original.subject}", body, priority=original.priority, extra=extra)


def find_message(agent: Agent, message_id: str, *, closed: bool = False) -> Message:
    """The open message of that name in an agent's mailbox; MailcoreError if there is none or it cannot be read.

    `closed`: else the closed one of its archive, for an act that was interrupted after it had closed it.
    """
    box = read_mailbox(agent.inbox)
    if box.reason:
        raise MailcoreError(box.reason, "unreadable")
    found = choose_named(message_id, box.messages, lambda message: message)
    if found is None and closed:
        from mailcore.mail import lookup

        kept = (Message.from_json(raw) for _, raw in lookup.archived_messages(agent))
        found = choose_named(message_id, kept, lambda message: message)
    if found is None:
        raise MailcoreError(f"no open message {message_id} in {agent.address}'s mailbox", "no_message")
    return found


def refuse_undecided(agent: Agent, message: Message) -> None:
    """Refused (code `approval`) if this mail asks `agent` for approval and was neither approved nor denied."""
    if message.undecided:
        how = f'{message.seq or message.id} "why"{f" --from {OPERATOR}" if agent.is_operator else ""}'
        raise Refused(
            f"{message.sender} waits for your decision: mailcore approve {how}, or mailcore deny {how}", "approval"
        )


def read_messages(workspace: Workspace, address: str, ids: Collection[str]) -> list[Message]:
    """Read messages in `address`'s own mailbox: they become `opened`, with the time, and are returned."""
    opened = mailbox.mark_as_opened(workspace.agent(address), ids, {"seen_at": journal.now(), "seen_by": address})
    with tolerated():
        audit.record(workspace, address, "read", ids=[message.id for message in opened])
    return opened


def close_messages(workspace: Workspace, address: str, ids: Collection[str]) -> list[Message]:
    """Archive messages of `address`'s own mailbox; Refused for a request for approval that is not decided yet."""
    agent = workspace.agent(address)
    _refuse_any_undecided(agent, ids)
    with resumable_act.begin_act(agent, "close", list(ids)) as act:
        # Repeated after it was interrupted: all of them went from the open mail at one stroke, or none did.
        archived = [find_message(agent, name, closed=True) for name in ids] if act.again else []
        if archived and all("archived_at" in message.raw for message in archived):
            return archived
        act.remember("close", {})
        closed = mailbox.archive_messages(agent, ids)
        with tolerated():
            audit.record(workspace, address, "close", ids=[message.id for message in closed])
    return closed


def _refuse_any_undecided(agent: Agent, ids: Collection[str]) -> None:
    box = read_mailbox(agent.inbox).messages
    for name in ids:
        if (message := choose_named(name, box, lambda message: message)) is not None:
            refuse_undecided(agent, message)


def close_all(workspace: Workspace, address: str) -> tuple[list[Message], list[Message]]:
    """Archive all open mail of `address`'s own mailbox; the second list: requests to be decided, which stay open."""
    undecided: list[Message] = []

    def may_go(message: Message) -> bool:
        undecided.extend([message] if message.undecided else [])
        return not message.undecided

    closed = mailbox.archive_matching(workspace.agent(address), may_go)
    with tolerated():
        audit.record(workspace, address, "close", ids=[message.id for message in closed])
    return closed, undecided


def restore(workspace: Workspace, address: str, message_id: str) -> Message:
    """Put a closed message of an archive back among the open mail, as read; its file goes when that is on disk."""
    from mailcore.mail import lookup

    agent = workspace.agent(address)
    with resumable_act.begin_act(agent, "restore", message_id) as act:
        found = choose_named(message_id, lookup.archived_messages(agent), lambda one: Message.from_json(one[1]))
        if found is None:
            if act.again:
                return find_message(agent, message_id)
            raise MailcoreError(f"no message {message_id} in {agent.archive_dir}", "no_message")
        act.remember("restore", {})
        path, raw = found
        raw |= {"status": "opened", "read": True}
        raw.pop("archived_at", None)
        mailbox.put_back(agent, raw)
        with tolerated():
            path.unlink(missing_ok=True)  # while both are there the mail counts as open
        with tolerated():
            audit.record(workspace, address, "restore", id=raw.get("id"))
    return Message.from_json(raw)
