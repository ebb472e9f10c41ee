"""What must not be decided by an agent: asked by mail, granted by one explicit act of the approver that config names.

No reply's wording, no other mail and no other agent counts as yes: only the acknowledgement `approved` or `denied` that
`decide` writes into the approver's own copy of the request.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from mailcore.config import Config, Tier
from mailcore.exceptions import MailcoreError, Refused, UsageError, caveat, tolerated
from mailcore.formats import journal
from mailcore.formats.timestamps import utc_time
from mailcore.mail import approval_expiry, lookup, mailbox, outbox, post, resumable_act, route
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.message_names import choose_named
from mailcore.mail.outbox import Sent
from mailcore.model.agent import Agent
from mailcore.model.message import DECISIONS, LAPSED, Message, parse_time
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import normal_address


def request_approval(
    workspace: Workspace,
    by: str,
    approver: str,
    to: str,
    subject: str,
    body: str,
    tier: int,
    run_id: str = "",
    expires: float = 0.0,
) -> Sent:
    """Ask for approval. `approver` is the one that config names; a request to anybody else is refused.

    `run_id`: the run that asks; with it the request lapses. So it does when nobody has decided in `expires` seconds,
    if that is not 0.
    """
    if workspace.agent(to).address != approver:
        raise Refused(f"{to} cannot approve this; its approver is {approver}", "approver")
    request: dict[str, Any] = {"tier": tier, "by": by, **({"run": run_id} if run_id else {})}
    # The moment is no part of the words by which the same act is known again.
    at = time.time() + expires
    timed = {"approval": {**request, "expires_at": utc_time(at)}} if expires else {}
    sent = post.send_mail(
        workspace, by, [approver], subject, body, priority="high", extra={"approval": request}, facts=timed
    )[0]
    if expires and sent.delivered and not sent.again:
        with tolerated("it lapses, but nobody will be told"):
            approval_expiry.record_expiry(workspace, approver, sent.sent_id, at)
    return sent


def check_tier_request(config: Config, tier: int, body: str) -> Tier:
    """What a tier needs; Refused (code `tier`) if there is none of that number, or if the request has not got it."""
    found = config.tiers.get(tier)
    if found is None:
        known = ", ".join(map(str, config.tiers))
        raise Refused(f"there is no tier {tier}; there are {known} ([approval.tiers.N] of config.toml)", "tier")
    if found.proposal and not body.strip():
        raise Refused(f"tier {tier} needs a proposal: say in BODY what is to be done", "proposal")
    return found


def approvers(workspace: Workspace, config: Config) -> list[Agent]:
    """Everybody who decides requests of some tier; who is no agent of the workspace is passed over."""
    found = []
    for name in config.approvers:
        with suppress(MailcoreError):
            found.append(workspace.agent(normal_address(name)))
    return list(dict.fromkeys(found))


def approver_of(config: Config, request: Message) -> str:
    """The address of the only one whose decision on a request counts."""
    return normal_address(config.approver(request.tier))


def find_request(workspace: Workspace, config: Config, message_id: str) -> Message | None:
    """The request of that name, in whichever approver's mailbox it lies, open or closed; None if there is none."""
    everyone = approvers(workspace, config)
    for agent in everyone:
        box = [message for message in read_mailbox(agent.inbox).messages if "approval" in message.raw]
        with suppress(MailcoreError):
            if (found := choose_named(message_id, box, lambda one: one)) is not None:
                return found
    for agent in everyone:
        with suppress(MailcoreError):
            closed = [Message.from_json(raw) for _, raw in lookup.archived_messages(agent) if "approval" in raw]
            if (found := choose_named(message_id, closed, lambda one: one)) is not None:
                return found
    return None


def decide(workspace: Workspace, by: str, message_id: str, decision: str, why: str) -> Sent:
    """Grant or refuse a request in `by`'s mailbox; the caller has proved to be the approver. The asker is notified.

    Once it is written into the request the decision stands: an asker that could not be notified comes back as `Sent`
    that is not delivered, and a request that could not be archived is a `caveat`. Repeated, the rest is done.
    """
    if decision not in DECISIONS:
        raise UsageError(f"{decision!r} is no decision")
    agent = workspace.agent(by)
    with resumable_act.begin_act(agent, decision, message_id, why) as act:
        request = post.find_message(agent, message_id, closed=act.again)
        if "approval" not in request.raw:
            raise Refused(f"{message_id} asks for no approval", "no_request")
        if request.lapsed:
            lapsed = f"{post.message_name(request)} has lapsed: {request.lapsed}"
            raise Refused(
                f"{lapsed}. Nothing is decided; `mailcore close {request.seq or request.id}` archives it", LAPSED
            )
        if request.undecided and 0.0 < request.expires_at <= time.time():
            raise Refused(f"{post.message_name(request)} is past its time, and nothing is decided any more", LAPSED)
        asker = route.reply_recipient(workspace, request)
        if decision_of(request, by) != decision or not act.again:
            act.remember(decision, {})
            ack = {"state": decision, "result": why, "at": journal.now(), "by": by}
            # The decision first: it is what counts. The mail only reports it.
            mailbox.update(agent, request.id, {"ack": ack})
            facts = {"id": request.id, "sent_id": request.sent_id, "asked_by": request.sender, "why": why}
            with tolerated(f"{decision}, but the audit does not say so"):
                audit.record(workspace, by, decision, **facts)
        fields = {
            "subject": f"{decision.upper()}: {request.subject}",
            "message": why,
            "priority": "high",
            "auto_execute": False,
            "upsert_key": f"approval:{request.sent_id}",
            **outbox.answer_keys(request),
        }
        try:
            sent = outbox.send_one(workspace, agent, asker, fields, act)
        except MailcoreError as error:
            sent = Sent("", "", asker.address, False, str(error))
        if not sent.delivered:
            act.leave_open()
        if sent.delivered:
            try:
                post.archive_answered(agent, request, sent, "decision")
            except MailcoreError as error:
                act.leave_open()
                caveat(str(error))
    return sent


def lapse_requests(approver: Agent, run_id: str, why: str) -> list[str]:
    """Mark what a run that is over asked `approver` for, and was not answered: nobody waits for it. The messages' ids.

    MailcoreError if the approver's mailbox cannot be written.
    """
    if not approver.inbox.exists():
        return []
    ack = {"state": LAPSED, "result": why, "at": journal.now()}
    lapsed = mailbox.amend(approver, lambda message: message.undecided and message.run_id == run_id, {"ack": ack})
    return [message.id for message in lapsed]


def seconds_undecided(everyone: Iterable[Agent], run_id: str, since: float) -> float:
    """Seconds after `since` (the epoch's) up to now in which some request of a run was undecided at an approver."""
    spans: list[tuple[float, float]] = []
    for message in (message for approver in everyone for message in _requests(approver, run_id, since)):
        until = time.time() if message.undecided or message.ack is None else message.ack.at
        spans.append((max(since, message.came_at), until))
    total, reached = 0.0, since
    for start, until in sorted(spans):
        total += max(0.0, until - max(start, reached))
        reached = max(reached, until)
    return total


def _requests(approver: Agent, run_id: str, since: float) -> Iterator[Message]:
    """What a run asked `approver` for: what is open, and what was archived after `since`."""
    for message in read_mailbox(approver.inbox).messages:
        if "approval" in message.raw and message.run_id == run_id:
            yield message
    for _, raw in lookup.archived_messages(approver):
        if 0.0 < parse_time(raw.get("archived_at")) < since - 1:
            return  # the newest come first
        message = Message.from_json(raw)
        if "approval" in raw and message.run_id == run_id:
            yield message


def decision_of(request: Message, approver: str) -> str:
    """`approved` or `denied` if the approver's copy says so by the approver's own act; else empty."""
    ack = request.ack
    return ack.state if ack is not None and ack.state in DECISIONS and ack.by == approver else ""
