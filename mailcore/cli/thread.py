"""`thread`, `sent`: the mails that answer each other, with their texts; one's own, with what became of each."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import ID, sender_option
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.mail import lookup, message_text, post, sent_mail, thread_lookup
from mailcore.mail.lookup import Copy
from mailcore.mail.message_names import choose_named
from mailcore.mail.outbox import answer_keys
from mailcore.mail.threads import group_threads
from mailcore.model.message import Message
from mailcore.text import line, names
from mailcore.text.frames import quoted
from mailcore.text.terminal import person, screen_width
from mailcore.text.units import date_and_time

MAX_SENT = 50
"""Mails that `sent` shows to one who does not say how many."""


def arguments(verb: str, parser: Parser) -> None:
    """`thread ID`; `sent [--limit N]`."""
    if verb == "thread":
        parser.add_argument("id", metavar="ID", help=f"of any message in it: {ID}")
    else:
        parser.add_argument(
            "--limit", type=int, default=MAX_SENT, metavar="N", help=f"how many, the newest; else {MAX_SENT}"
        )
    sender_option(parser)


def thread(call: Call) -> VerbResult:
    """All mails of a thread that the caller may see, oldest first, with their texts.

    Those in its own mailbox become `opened`; those in another's stay as they are.
    """
    records = list(sent_mail.own_records(call.viewer))
    every = thread_lookup.thread_copies(call.workspace, call.arguments.id, records)
    copies = [copy for copy in every if call.sees(copy.message.sender, copy.agent.address)]
    mails = [copy.message for copy in copies]
    known = {mail.sent_id for mail in mails if mail.sent_id}
    # What has no copy here: it went to another project, was refused, or its recipient removed it.
    mails += [record for record in records if record.id not in known]
    wanted = _named(call, call.arguments.id, mails, every)
    found = next(one for one in group_threads(mails) if any(mail is wanted for mail in one.messages))
    _opened(call, copies, found.messages)
    rows = [message_text.as_json(mail) | {"to": mail.recipient} for mail in found.messages]
    value = {"thread": found.key, "subject": found.subject, "messages": rows}
    if width := person():
        from mailcore.cli.listings import thread_listing

        return value, thread_listing(found, width)
    return value, message_text.for_models(found.messages)


def _named(call: Call, wanted: str, mails: list[Message], every: list[Copy]) -> Message:
    found = choose_named(wanted, mails, lambda mail: mail)
    if found is None:
        hidden = thread_lookup.find_among(call.workspace, wanted, every)  # which says so where there is none at all
        raise Refused(f"{call.viewer.address} sees its own mail; {hidden.message.id} is between others", "visibility")
    return found


def _opened(call: Call, copies: list[Copy], read: tuple[Message, ...]) -> None:
    """What the caller read in its own mailbox is read; where nobody is the caller, nothing is."""
    mine = [
        copy.message.id
        for copy in copies
        if copy.archived is None and copy.message.unread and copy.agent.address == call.viewer.address
        if any(copy.message is mail for mail in read)
    ]
    if mine:
        with suppress(MailcoreError):
            if call.caller.address == call.viewer.address:
                post.read_messages(call.workspace, call.viewer.address, mine)


def into(call: Call, message_id: str) -> dict[str, Any]:
    """The keys that put a mail into the thread of a message that the caller got or sent."""
    me = call.caller.agent
    mails = [copy.message for copy in lookup.copies_of([me])]
    record = sent_mail.find_sent(me, message_id) if choose_named(message_id, mails, lambda mail: mail) is None else None
    return answer_keys(record if record is not None else post.find_message(me, message_id, closed=True))


def sent(call: Call) -> VerbResult:
    """The caller's own sent mail, newest first, and what became of each."""
    if call.arguments.limit < 1:
        raise UsageError(f"--limit {call.arguments.limit}: 1 or more")
    agent = call.viewer
    found = sent_mail.sent_mails(call.workspace, agent, call.arguments.limit)
    rows, lines = [], []
    for one in found:
        message = one.message
        rows.append(
            {
                "id": one.copy.message.id if one.copy is not None else "",
                "sent_id": message.id,
                "seq": message.seq,
                "to": message.recipient,
                "timestamp": message.raw.get("timestamp"),
                "subject": message.subject,
                "task": message.is_task,
                "became": one.became,
                "result": one.result,
                "answer": one.answer,
            }
        )
        lines.append(
            f"{line(message.id, 40):<8}  #{message.seq:<5} {date_and_time(message.at, never='-')}  "
            f"{names.safe_sender(message.recipient, 20):<20}  {one.became:<12} {quoted(message.subject, 60)}"
            + (f"  {quoted(one.result, 80)}" if one.result else "")
            + (f"  answer: {line(one.answer, 40)}" if one.answer else "")
        )
    if found and (width := screen_width()) is not None:
        from mailcore.cli.listings import sent_listing

        return rows, sent_listing(found, width)
    return rows, "\n".join(lines) or f"{agent.address} has sent nothing"
