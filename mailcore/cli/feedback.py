"""`feedback`."""

from __future__ import annotations

from pathlib import Path

from mailcore.cli.call import Call, Parser, Result, body_of, sender_option
from mailcore.errors import MailcoreError
from mailcore.mail import feedback as mail
from mailcore.workspace import find


def arguments(verb: str, parser: Parser) -> None:
    """`feedback PROJECT SUBJECT BODY [--issue]`."""
    del verb
    parser.add_argument("project", type=Path, metavar="PROJECT", help="a path in the other project")
    parser.add_argument("subject", metavar="SUBJECT", help="one line; quote it")
    parser.add_argument("body", metavar="BODY", help="the text; - reads standard input")
    parser.add_argument("--issue", action="store_true", help="also run `gh issue create` there")
    sender_option(parser)


def feedback(call: Call) -> Result:
    """Deliver first; an issue is an extra."""
    a = call.arguments
    body = body_of(a.body)
    sent = mail.give(call.caller.agent, call.workspace, a.project, a.subject, body)
    if not sent.delivered:
        raise MailcoreError(sent.error, "undelivered")
    issue = mail.open_issue(find(a.project).root, a.subject, body) if a.issue else ""
    value = sent.as_json() | ({"issue": issue} if a.issue else {})
    return value, "\n".join([f"{sent.to}: delivered as {sent.id}", *([issue] if issue else [])])
