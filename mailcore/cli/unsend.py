"""`unsend`: take back what waits in one's outbox."""

from __future__ import annotations

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.mail import outgoing
from mailcore.mail.outgoing import Outgoing
from mailcore.text import line
from mailcore.text.units import clock_time, iso


def arguments(verb: str, parser: Parser) -> None:
    """`unsend [ID] [--list]`."""
    del verb
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="as `send --undo-for` said it; else the last")
    parser.add_argument("--list", action="store_true", help="only say what waits")
    sender_option(parser)


def unsend(call: Call) -> VerbResult:
    """Take the caller's last mail out of its outbox, or that of an id, and print it, so that no word is lost."""
    sender = call.caller.address
    if call.arguments.list:
        found = outgoing.waiting(call.workspace, sender)
        return [_row(mail) for mail in found], "\n".join(map(_words, found)) or "nothing waits"
    mail = outgoing.take_back(call.workspace, sender, call.arguments.id)
    has_it = f"\n{' '.join(mail.has_it)} has it already" if mail.has_it else ""
    return _row(mail), f"taken back: to {' '.join(mail.to)}: {line(mail.subject)}{has_it}\n\n{mail.body}"


def waits(mail: Outgoing) -> VerbResult:
    """What to say of a mail that was put into the outbox just now."""
    text = f"waits until {clock_time(mail.due)}, then goes with the next command or screen"
    return _row(mail) | {"delivered": False}, f"{text}; mailcore unsend {mail.id} takes it back"


def _words(mail: Outgoing) -> str:
    trouble = f"  [{line(mail.failed, 80)}]" if mail.failed else ""
    return f"{mail.id}  {clock_time(mail.due)}  {line(' '.join(mail.to), 40)}  {line(mail.subject, 50)}{trouble}"


def _row(mail: Outgoing) -> dict[str, object]:
    row: dict[str, object] = {"id": mail.id, "to": list(mail.to), "subject": mail.subject, "body": mail.body}
    row |= {"kind": mail.kind, "priority": mail.priority, "due": iso(mail.due)}
    return row | ({"failed": mail.failed, "has_it": list(mail.has_it)} if mail.failed else {})
