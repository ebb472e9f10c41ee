"""`feedback`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.cli.call import Call, Parser, VerbResult, body_of
from mailcore.cli.options import sender_option
from mailcore.exceptions import MailcoreError
from mailcore.mail import feedback as mail
from mailcore.workspace.find import find_workspace

if TYPE_CHECKING:
    from mailcore.dispatch.priority_wakes import WakeOutcome
    from mailcore.mail.outbox import Sent


def arguments(verb: str, parser: Parser) -> None:
    """`feedback PROJECT SUBJECT BODY [--issue]`."""
    del verb
    parser.add_argument("project", type=Path, metavar="PROJECT", help="a path in the other project")
    parser.add_argument("subject", metavar="SUBJECT", help="one line; quote it")
    parser.add_argument("body", metavar="BODY", help="the text; - reads standard input")
    parser.add_argument("--issue", action="store_true", help="also run `gh issue create` there")
    sender_option(parser)


def feedback(call: Call) -> VerbResult:
    """Deliver first; an issue is an extra."""
    a = call.arguments
    body = body_of(a.body)
    sent = mail.deliver_feedback(call.caller.agent, call.workspace, a.project, a.subject, body)
    if not sent.delivered:
        raise MailcoreError(sent.error, "undelivered")
    issue = mail.open_issue(find_workspace(a.project).root, a.subject, body) if a.issue else ""
    if issue:
        mail.record_issue(call.caller.agent, a.project, sent, issue)
    woken = _wake(call, sent)
    value = sent.as_json() | ({"issue": issue} if a.issue else {}) | (woken.as_json() if woken is not None else {})
    text = f"{sent.to}: delivered as {sent.id}" + (f"; {woken.text}" if woken is not None else "")
    return value, "\n".join([text, *([issue] if issue else [])])


def _wake(call: Call, sent: Sent) -> WakeOutcome | None:
    """Start the other project's orchestrator for it, as that project's own config says; None where nobody is there.

    AIPass's @devpulse, and whom nothing starts, learns of it by its mail alone.
    """
    from mailcore.dispatch import priority_wakes

    caller = call.caller
    return priority_wakes.wake_other_project(
        call.workspace, caller.agent, caller.run_id, find_workspace(call.arguments.project), sent
    )
