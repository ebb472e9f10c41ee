"""`send`, `inbox`, `read`, `reply`, `forward`, `close`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mailcore.cli.call import Call, Parser, VerbResult, body_of
from mailcore.cli.options import ID, sender_option
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.mail import post, route
from mailcore.mail.mailbox_reader import absent, read_mailbox
from mailcore.mail.outbox import Sent
from mailcore.model.agent import Agent
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.text import counted, line

if TYPE_CHECKING:
    from mailcore.dispatch.priority_wakes import WakeOutcome

LATEST_MESSAGE = "latest"
WORDS_HELP = "addresses, like @writer, then SUBJECT and BODY, one word each, so quote them; BODY - reads stdin"
"""What `send` and `dispatch` take, for `--help`."""


def arguments(verb: str, parser: Parser) -> None:
    """Positional forms, kept for good."""
    match verb:
        case "send":
            parser.add_argument("words", nargs="+", metavar="@a… SUBJECT BODY", help=f"{WORDS_HELP}; @all is everyone")
            parser.add_argument(
                "--priority", choices=post.PRIORITIES, default="normal", help="high wakes an idle agent"
            )
            parser.add_argument(
                "--file", metavar="FILE", help="take the body from a file instead of BODY; - reads stdin"
            )
            parser.add_argument(
                "--key", default="", help="rewrite your open mail of this key instead of adding another"
            )
            parser.add_argument("--reply-to", default="", metavar="ID", help="put it into that message's thread")
            parser.add_argument("--everywhere", action="store_true", help="@all is every agent of every linked host")
            parser.add_argument("--undo-for", metavar="TIME", help="let it wait so long, as 10s, and be taken back")
        case "inbox":
            parser.add_argument("address", nargs="?", metavar="@a", help="whose; without it your own")
        case "reply":
            parser.add_argument("id", metavar="ID", help=ID)
            parser.add_argument("body", metavar="BODY", help="the answer; - reads standard input")
        case "forward":
            parser.add_argument("id", metavar="ID", help=ID)
            parser.add_argument("words", nargs="+", metavar="@a… [NOTE]", help="to whom, and what to say above it")
        case "close":
            parser.add_argument("ids", nargs="*", metavar="ID", help=f"{ID}; {LATEST_MESSAGE}: the one that came last")
            parser.add_argument("--all", action="store_true", help="all your open mail, save requests to be decided")
        case _:
            what = parser.add_mutually_exclusive_group()
            what.add_argument("--data", action="store_true", help="print the data of the message, JSON, and no more")
            what.add_argument("--schema", action="store_true", help="the same of the schema that its result has to fit")
            parser.add_argument("ids", nargs="+", metavar="ID", help=f"{ID}; {LATEST_MESSAGE}: the one that came last")
    sender_option(parser)


def split(words: list[str], file: str | None = None) -> tuple[list[str], str, str]:
    """`@a @b SUBJECT BODY` → addresses, subject, body; with `file` the body is its content."""
    if file is not None:
        words = [*words, body_of("-") if file == "-" else Path(file).read_text(encoding="utf-8", errors="replace")]
    if len(words) < 3:
        raise UsageError("needs @agent… SUBJECT BODY")
    *addresses, subject, body = words
    strange = [address for address in addresses if not address.startswith("@")]
    if strange:
        raise UsageError(
            f"{strange[0]!r} is no address: addresses begin with @, and SUBJECT and BODY are one word each"
        )
    return addresses, subject, body if file is not None else body_of(body)


def send(call: Call) -> VerbResult:
    """Deliver to each; exit 4 if one could not be reached, with all results said."""
    a = call.arguments
    addresses, subject, body = split(a.words, a.file)
    route.refuse_ambiguous(call.workspace, addresses)
    if a.everywhere:
        addresses = [route.EVERYWHERE if one == route.EVERYONE else one for one in addresses]
    within = post.NO_KEYS
    if a.undo_for is not None:
        return _wait(call, addresses, subject, body)
    if a.reply_to:
        from mailcore.cli.thread import into

        within = into(call, a.reply_to)
    sent = post.send_mail(
        call.workspace, call.caller.address, addresses, subject, body, priority=a.priority, key=a.key, extra=within
    )
    return _delivered(sent, wake_for_mail(call, sent, subject) if a.priority == "high" else {})


def _wait(call: Call, addresses: Sequence[str], subject: str, body: str) -> VerbResult:
    """Put a mail into the outbox, where it can be taken back, once nothing speaks against any recipient."""
    from mailcore.cli.unsend import waits
    from mailcore.mail import outgoing
    from mailcore.text.units import seconds_in
    from mailcore.workspace import audit

    a, author = call.arguments, call.caller.agent
    seconds = seconds_in(a.undo_for)
    if seconds is None or seconds <= 0:
        raise UsageError(f"--undo-for {a.undo_for}: a length of time, like 10s or 2m")
    if a.priority == "high" or a.key or a.reply_to:
        raise UsageError("--undo-for: mail of high priority never waits, nor what has --key or --reply-to")
    to = post.check_mail(call.workspace, author, addresses, subject, body)
    proof = audit.current_proof.get()
    mail = outgoing.Outgoing(author.address, to, subject, body, priority=a.priority, proof=proof)
    return waits(outgoing.put(call.workspace, mail, seconds))


def wake_for_mail(call: Call, sent: Sequence[Sent], subject: str, what: str = "") -> dict[str, WakeOutcome]:
    """Wake for mail of high priority that was delivered; what became of it, by address. `what` the caller did."""
    from mailcore.dispatch import priority_wakes

    urgent = [one for one in sent if one.urgent]
    if not urgent:
        return {}
    by, what = call.caller, what or priority_wakes.DEFAULT_REASON
    return priority_wakes.wake_recipients(
        call.workspace, call.config, by.address, urgent, subject, by.run_id, what, call.began
    )


def sent_result(sent: Sent, text: str, woken: Mapping[str, WakeOutcome] = MappingProxyType({})) -> tuple[Any, str]:
    """What to say of one mail that was delivered: `text`, and whom it woke, or why not."""
    if (found := woken.get(sent.to)) is None:
        return sent.as_json(), text
    return sent.as_json() | found.as_json(), f"{text}; {found.text}"


def delivered_text(sent: Sent) -> str:
    """Where a mail is: in its recipient's mailbox, or here, for one on another host."""
    if not sent.elsewhere:
        return f"delivered as {sent.id} (#{sent.seq})"
    waits = f"; {sent.waits}; goes when it is there" if sent.waits else ""
    return f"stored here as {sent.id} (#{sent.seq}), for {sent.elsewhere}{waits}"


def _delivered(sent: list[Sent], woken: Mapping[str, WakeOutcome] = MappingProxyType({})) -> VerbResult:
    """What to say of mails; an error that says all of it if one was not delivered."""
    lines, rows = [], []
    for one in sent:
        row_text = delivered_text(one) if one.delivered else f"NOT delivered: {one.error}"
        row_text += ", by the call before, which was cut off" if one.again else ""
        row = one.as_json()
        if (found := woken.get(one.to)) is not None:
            row_text += f"; {found.text}"
            row |= found.as_json()
        lines.append(f"{one.to}: {row_text}")
        rows.append(row)
    if not all(one.delivered for one in sent):
        text = sent[0].error if len(sent) == 1 else "\n".join(lines)
        if any(one.delivered for one in sent):
            text += "\nsay the same again: nobody gets it twice"
        raise MailcoreError(text, "undelivered")
    return (rows if len(rows) > 1 else rows[0]), "\n".join(lines)


def inbox(call: Call) -> VerbResult:
    """Open mail of the caller, or of the agent named: high priority first, then the newest. Nothing becomes read."""
    from mailcore.mail import message_text
    from mailcore.text.terminal import screen_width

    agent = call.visible(call.arguments.address) if call.arguments.address else call.viewer
    box = _readable(agent, read_mailbox(agent.inbox, agent.boundary))
    waiting = sorted((m for m in box.messages if m.status != "closed"), key=lambda m: m.urgency)
    values = [message_text.as_json(m) for m in waiting]
    if waiting and (width := screen_width()) is not None:
        from mailcore.cli.listings import inbox_listing

        return values, inbox_listing(waiting, width)
    return values, message_text.message_list(waiting) or _nothing(agent, box)


def read(call: Call) -> VerbResult:
    """Show messages of the caller's mailbox, which become `opened`, or its own records of what it sent."""
    from mailcore.mail import message_text
    from mailcore.text.terminal import person

    ids, agent = resolve_latest(call, call.arguments.ids), call.caller.agent
    try:
        opened = post.read_messages(call.workspace, agent.address, ids)
    except MailcoreError as error:
        if error.code != "no_message":
            raise
        from mailcore.mail import sent_mail

        own = {name: found for name in ids if (found := sent_mail.find_sent(agent, name)) is not None}
        if call.arguments.data:  # a task that one gave, by the name that it has with its agent
            own = {**_given(call, set(ids) - own.keys()), **own}
        if not own:
            raise
        rest = [name for name in ids if name not in own]
        opened = [*(post.read_messages(call.workspace, agent.address, rest) if rest else []), *own.values()]
    if call.arguments.data or call.arguments.schema:
        return _values(agent, opened, "data" if call.arguments.data else "schema")
    values = [message_text.as_json(m) for m in opened]
    if width := person():
        from mailcore.cli.listings import message_listing

        return values, message_listing(opened, width)
    return values, message_text.for_models(opened)


def _given(call: Call, names: Collection[str]) -> dict[str, Message]:
    """The copies, at their recipients, of what the caller sent, by these names."""
    from mailcore.mail import lookup

    found: dict[str, Message] = {}
    for name in names:
        with suppress(MailcoreError):
            message = lookup.find_copy(call.workspace, name).message
            found |= {name: message} if message.sender == call.caller.address else {}
    return found


def _values(agent: Agent, messages: Sequence[Message], key: str) -> VerbResult:
    """The data of one message, or its schema; of several a list. Refused (code `no_data`) where one has none."""
    from mailcore.formats.json_codec import printed
    from mailcore.mail.result_data import data_of
    from mailcore.schemas.document import Data, require_depth

    found: list[tuple[Message, Data]] = []
    for one in messages:
        data = data_of(agent, one) if key == "data" else Data(one.raw[key]) if key in one.raw else None
        if data is None:
            raise Refused(f"{post.message_name(one)} carries no {key}", "no_data")
        found.append((one, data))
        require_depth(data.value, f"the {key} of {post.message_name(one)}")
    values = [data.value for _, data in found]
    text = printed(values[0] if len(values) == 1 else values).decode()
    return [{"id": one.id, "seq": one.seq, key: data.value} for one, data in found], text


def reply(call: Call) -> VerbResult:
    """Answer a message of the caller's mailbox and close it."""
    body = body_of(call.arguments.body)
    sent = post.reply_to(call.workspace, call.caller.address, call.arguments.id, body)
    if not sent.delivered:
        raise Refused(sent.error, "undelivered")
    call.answered(sent, body)
    woken = wake_for_mail(call, [sent], sent.subject, "answered you")
    return sent_result(sent, f"answered {sent.to} ({sent.id}); closed", woken)


def forward(call: Call) -> VerbResult:
    """Pass a message of the caller's mailbox on; it stays where it is."""
    *addresses, note = call.arguments.words if len(call.arguments.words) > 1 else [*call.arguments.words, ""]
    if note.startswith("@"):
        addresses, note = [*addresses, note], ""
    route.refuse_ambiguous(call.workspace, addresses)
    sent = post.forward_message(call.workspace, call.caller.address, call.arguments.id, addresses, note)
    return _delivered(sent)


def close(call: Call) -> VerbResult:
    """Archive messages of the caller's mailbox."""
    a, agent = call.arguments, call.caller.agent
    if a.all == bool(a.ids):
        raise UsageError("close ID…, or close --all")
    if not a.all:
        closed = post.close_messages(call.workspace, agent.address, resolve_latest(call, a.ids))
        return [m.id for m in closed], "\n".join(f"closed {line(m.id)}: {line(m.subject)}" for m in closed)
    from mailcore.text.frames import quoted

    _readable(agent, read_mailbox(agent.inbox, agent.boundary))
    closed, undecided = post.close_all(call.workspace, agent.address)
    lines = [f"closed {counted(len(closed), 'message')}"]
    lines += [
        f"still open, for you to approve or deny: {post.message_name(m)} {quoted(m.subject, 80)}" for m in undecided
    ]
    value = {"closed": [m.id for m in closed], "undecided": [m.id for m in undecided]}
    return value, "\n".join(lines)


def resolve_latest(call: Call, ids: list[str]) -> list[str]:
    """The names as given, `latest` as the id of the caller's open mail that came last."""
    if LATEST_MESSAGE not in ids:
        return ids
    agent = call.caller.agent
    box = _readable(agent, read_mailbox(agent.inbox, agent.boundary))
    newest = max((m for m in box.messages if m.status != "closed"), key=lambda m: (m.came_at, m.seq), default=None)
    if newest is None:
        raise MailcoreError(_nothing(agent, box), "no_message")
    return [newest.id or newest.sent_id if name == LATEST_MESSAGE else name for name in ids]


view = read
"""As AIPass calls it."""


def _readable(agent: Agent, box: Mailbox) -> Mailbox:
    """The mailbox; MailcoreError, saying why, where what is missing or broken would look like none."""
    if box.reason:
        raise MailcoreError(box.reason, "unreadable")
    if box.status is MailboxStatus.MISSING and (why := absent(agent)):
        raise MailcoreError(why, "no_mailbox")
    return box


def _nothing(agent: Agent, box: Mailbox) -> str:
    if box.status is MailboxStatus.MISSING and not agent.is_operator:
        return f"{agent.address} has no mailbox yet: {agent.inbox} is not there"
    return f"{agent.address} has no open mail"
