"""`ack`, `done`, `blocked`, `declined`, `escalate`, `accept`, `reopen`, `ask`, `approve`, `deny`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mailcore.cli import mail
from mailcore.cli.call import Call, Parser, VerbResult, body_of
from mailcore.cli.land import land, land_options, lands
from mailcore.cli.options import ID, data_options, proof_option, sender_option
from mailcore.exceptions import MailcoreError, UsageError, caveat
from mailcore.mail import answer, approvals, resumable_act
from mailcore.mail.outbox import Sent
from mailcore.text import line

if TYPE_CHECKING:
    from mailcore.schemas.document import Data


def arguments(verb: str, parser: Parser) -> None:
    """`VERB ID "text"`; `ask @approver SUBJECT BODY --tier N`."""
    if verb == "ask":
        parser.add_argument(
            "to", metavar="@approver", help="who decides that tier, as config.toml says; else @operator"
        )
        parser.add_argument("subject", metavar="SUBJECT", help="one line; quote it")
        parser.add_argument("body", metavar="BODY", help="what it is about; - reads standard input")
        parser.add_argument(
            "--tier", type=int, default=1, help="how grave it is: 1 to 3, or what [approval.tiers.N] names"
        )
    elif verb == "escalate":
        parser.add_argument("id", metavar="ID", help=ID)
        parser.add_argument(
            "rest", nargs="+", metavar="OTHER… TEXT", help="tasks that conflict with it, if any; then why, one word"
        )
    else:
        parser.add_argument("id", metavar="ID", help=ID)
        if verb == "done":
            parser.add_argument("text", nargs="?", metavar="TEXT", help="the result; - reads standard input")
            data_options(parser, "of the result; it has to fit the schema of the task, if that has one")
        elif verb not in ("ack", "accept"):
            parser.add_argument("text", metavar="TEXT", help="the result, or why; - reads standard input")
    if verb == "approve":
        parser.add_argument(
            "--choose", action="append", default=[], metavar="TASK", help="of tasks that conflict: this one starts"
        )
    if verb == "accept":
        land_options(parser)
    if verb in ("approve", "deny"):
        proof_option(parser)
    sender_option(parser)


def ack(call: Call) -> VerbResult:
    """Say that a message is taken on, before it is done."""
    sent = answer.acknowledge(call.workspace, call.caller.address, call.arguments.id, "acknowledged", "")
    return _sent(call, sent._replace(urgent=False))


def done(call: Call) -> VerbResult:
    """Say that a task is done, and the result, as text, as data or both; it is archived."""
    from mailcore.schemas.document import read_data

    a = call.arguments
    if a.text == "-" and a.data == "-":
        raise UsageError("TEXT - and --data - both read standard input: one of them alone can")
    data = read_data(a.data, a.data_text)
    if a.text is None and data is None:
        raise UsageError('say the result: mailcore done ID "what came of it", or --data FILE')
    return _acknowledge(call, "done", data)


def blocked(call: Call) -> VerbResult:
    """Say what a task waits for; it stays open."""
    return _acknowledge(call, "blocked")


def declined(call: Call) -> VerbResult:
    """Say why a task will not be done; it is archived."""
    return _acknowledge(call, "declined")


def _acknowledge(call: Call, state: str, data: Data | None = None) -> VerbResult:
    text = body_of(call.arguments.text or "")
    sent = answer.acknowledge(call.workspace, call.caller.address, call.arguments.id, state, text, data)
    if sent.delivered:
        call.answered(sent, text or (data.as_text() if data is not None else ""))
    return _sent(call, sent, f"says what became of it: {state}")


def escalate(call: Call) -> VerbResult:
    """Hand a message up, to the orchestrator, then to the operator; or tasks that conflict, to the approver."""
    *others, text = call.arguments.rest
    why = body_of(text)
    if others:
        return _conflict(call, [call.arguments.id, *others], why)
    sent = answer.escalate_message(call.workspace, call.config.mail, call.caller.address, call.arguments.id, why)
    return _sent(call, sent, "handed a message up to you")


def _conflict(call: Call, names: list[str], why: str) -> VerbResult:
    """None of these tasks starts until the approver chooses; every sender is notified."""
    from mailcore.mail import conflicts

    by, tier = call.caller, min(call.config.tiers)
    approver = call.workspace.agent(call.config.approver(tier)).address
    sent, notified = conflicts.escalate_conflict(call.workspace, by.address, approver, names, why, tier)
    value, text = _sent(call, sent, "says that tasks conflict")
    lines = [text, *(f"told {one.to}" if one.delivered else f"NOT told {one.to}: {one.error}" for one in notified)]
    return {**value, "told": [one.as_json() for one in notified]}, "\n".join(lines)


def accept(call: Call) -> VerbResult:
    """Be content with what was done; and commit it, merge it, or put it into a pull request."""
    a, by = call.arguments, call.caller.address
    said: list[str] = []
    if lands(a):
        notice = answer.outcome_notice(call.workspace, by, a.id, accepted=True)
        said = land(call, notice)
        if a.checks or "accepted" in notice.raw:
            return {"id": notice.id, "task": notice.in_reply_to, "work": said}, "\n".join(said)
    notice = answer.accept_done(call.workspace, by, a.id)
    value = {"id": notice.id, "task": notice.in_reply_to, **({"work": said} if said else {})}
    return value, "\n".join([*said, f"accepted: {line(notice.subject)}"])


def reopen(call: Call) -> VerbResult:
    """Not be content: dispatch the task again, in its thread; with what a review found, to whose work it was of."""
    from mailcore.dispatch import control

    why, by = body_of(call.arguments.text), call.caller.address
    with resumable_act.begin_act(call.caller.agent, "reopen", call.arguments.id, why) as act:
        notice = answer.outcome_notice(call.workspace, by, call.arguments.id, closed=act.again, accepted=True)
        act.remember("reopen", {})
        again = answer.reopening(call.workspace, by, notice, why)
        sent = control.dispatch_task(
            call.workspace, call.config, by, again.to, f"REOPENED: {again.subject}", again.body,
            parent_run=call.caller.run_id, thread=again.thread,
        )  # fmt: skip
        call.note(call.caller, to=sent.to)
        for one in again.settles:
            answer.close_reopened_notice(call.workspace, by, one)
    text = f"{sent.to}: message {sent.message_id}, " + (
        f"not woken: {sent.busy}" if sent.busy else f"run {sent.run_id}"
    )
    return asdict(sent) | {"exit": 3 if sent.code == "busy" else 0}, text


def ask(call: Call) -> VerbResult:
    """Ask the approver that config names for the tier, with what the tier needs."""
    from mailcore.dispatch import lapsed_approvals

    a, by = call.arguments, call.caller
    body = body_of(a.body)
    lapsed_approvals.lapse_due_approvals(call.workspace, call.config)
    tier = approvals.check_tier_request(call.config, a.tier, body)
    approver = call.workspace.agent(call.config.approver(a.tier)).address
    sent = approvals.request_approval(
        call.workspace, by.address, approver, a.to, a.subject, body, a.tier, by.run_id, tier.expires
    )
    return _sent(call, sent, "asks for your approval")


def approve(call: Call) -> VerbResult:
    """Grant a request: for its approver alone."""
    return _decide(call, "approved")


def deny(call: Call) -> VerbResult:
    """Refuse a request: for its approver alone."""
    return _decide(call, "denied")


def _decide(call: Call, decision: str) -> VerbResult:
    from mailcore.dispatch import conflict_choice, lapsed_approvals

    request = approvals.find_request(call.workspace, call.config, call.arguments.id)
    number = request.tier if request is not None else 0
    entitled = call.workspace.agent(call.config.approver(number)).address
    tier = call.config.tiers.get(number)
    caller = call.require(entitled, proof=tier.proof if tier is not None else "none")
    lapsed_approvals.lapse_due_approvals(call.workspace, call.config)
    why = body_of(call.arguments.text)
    names = getattr(call.arguments, "choose", [])
    sent, became = conflict_choice.decide_request(
        call.workspace, call.config, caller.address, request, call.arguments.id, decision, why, names
    )
    if not sent.delivered:  # the decision stands all the same
        caveat(f"{decision}, but {sent.to} was not told: {sent.error}; say the same again to tell it")
        return sent.as_json(), decision
    value, text = _sent(call, sent, f"{decision} what you asked for")
    if not became:
        return value, text
    return {**value, "tasks": became}, "\n".join([text, *(f"{task}: {what}" for task, what in became.items())])


def _sent(call: Call, sent: Sent, what: str = "") -> tuple[Any, str]:
    if not sent.delivered:
        raise MailcoreError(sent.error, "undelivered")
    return mail.sent_result(
        sent, f"said to {sent.to} (#{sent.seq})", mail.wake_for_mail(call, [sent], sent.subject, what)
    )
