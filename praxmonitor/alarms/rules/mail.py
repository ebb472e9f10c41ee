"""Alarms of mail: messages that do not move, requests for approval, what the operator leaves unread. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mailcore.config import Config
from mailcore.mail.ladder import ladder
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.model.run import Phase, Run
from mailcore.observe.state import GRACE
from mailcore.text import counted
from mailcore.text.names import safe_sender
from mailcore.text.units import date_and_time, duration
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

DELIVERY = ("stored", "woken", "submitted")
"""Rungs that the message takes by itself; on the later ones it is the agent's turn."""


def mail_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """What one agent's open mail asks for, and by when."""
    for message in facts.mailbox.messages:
        if message.status == "closed":
            continue
        if facts.agent.is_operator and message.undecided:
            yield TimedAlarm(
                _approval(facts, message), message.stored_at or message.at, until=message.expires_at or math.inf
            )
        elif message.is_task or message.urgency == 0:
            yield from _unmoved(facts, message, config.mail.rung_limit(message.priority))
    for request in facts.remote_requests:
        yield TimedAlarm(_approval(facts, request), request.came_at, until=request.expires_at or math.inf)
    if facts.agent.is_operator and config.alarms.unread:
        yield from _unread(facts, config.alarms.unread)


def _unmoved(facts: AgentFacts, message: Message, limit: float) -> Iterator[TimedAlarm]:
    run = facts.run if facts.run is not None and _is_run_of(facts.run, message) else None
    stands = ladder(message, run)
    if stands.ended or facts.held:
        return
    name = f"#{message.seq} {message.subject}" if message.seq else message.subject or "a message"
    if run is not None and run.phase.ended:
        if run.phase is not Phase.COMPLETED:
            return  # killed: nobody waits; bounced: its sender was told
        if message.is_task and not (run.replied or run.delegated):
            return  # done without a reply: information, which its state, `tasks` and `away --back` tell
    delivering = stands.rung in DELIVERY
    if not delivering and (not message.is_task or facts.lock is not None):
        return  # it was read and asks for nothing, or is being worked on
    last = max(stands.since, run.since if run is not None else 0.0) if not delivering else stands.since
    kind, word = (AlarmKind.STUCK, "stuck") if delivering else (AlarmKind.OVERDUE, "overdue")
    what = f"{word} on the rung {stands.rung!r}: {name} from {safe_sender(message.sender)}"
    expected = f"the next rung within {duration(limit)} ([mail] rung_{_priority_key(message)})"
    remedy = "wake (w) it" if delivering else "ask it by mail (m), or dispatch (d) it again"
    if facts.agent.is_operator:
        remedy = "read your inbox (i)"
    alarm = Alarm(
        kind, facts.address, last + limit, what, expected,
        f"there since {date_and_time(stands.since, seconds=False)}", remedy,
        f"{message.id or message.sent_id} {stands.rung}",
    )  # fmt: skip
    yield TimedAlarm(alarm, last, limit)


def _unread(facts: AgentFacts, limit: float) -> Iterator[TimedAlarm]:
    """One for all ordinary mail that the operator has not opened: tasks, requests and urgent mail have alarms of their
    own."""
    waiting = [
        mail for mail in facts.mailbox.messages
        if mail.unread and mail.status != "closed" and mail.urgency
        and not (mail.is_task or mail.undecided or mail.lapsed)
    ]  # fmt: skip
    if not waiting:
        return
    oldest = min(waiting, key=lambda mail: mail.came_at)
    alarm = Alarm(
        AlarmKind.UNREAD, facts.address, oldest.came_at + limit,
        f"unread: {counted(len(waiting), 'mail')} to you, the oldest from {safe_sender(oldest.sender)}: "
        f"{oldest.subject or 'no subject'}",
        f"that each is opened within {duration(limit)} ([alarms] unread)",
        f"it came {date_and_time(oldest.came_at, seconds=False)}",
        "read your inbox (i)",
    )  # fmt: skip
    yield TimedAlarm(alarm, oldest.came_at, limit)


def _is_run_of(run: Run, message: Message) -> bool:
    """Whether the run is of this task; another program's run names no message, but its subject and sender."""
    if not run.foreign:
        return run.message_id == message.id != ""
    return (run.subject, run.sender) == (message.subject, message.sender) and run.created_at > message.at - GRACE


def _priority_key(message: Message) -> str:
    return message.priority if message.priority in ("low", "high") else "normal"


def _approval(facts: AgentFacts, message: Message) -> Alarm:
    at = message.stored_at or message.at
    asks = f"asks for your approval{f' (tier {message.tier})' if message.tier > 1 else ''}"
    until = f"; it lapses {date_and_time(message.expires_at)}" if message.expires_at else ""
    elsewhere = facts.agent.is_remote
    where = "in the list of alarms" if elsewhere else "open it in your inbox (i), then"
    name = message.id if elsewhere else message.seq or message.id
    return Alarm(
        AlarmKind.APPROVAL, facts.address, at, f"{safe_sender(message.sender)} {asks}: {message.subject}",
        "your decision", f"asked {date_and_time(at, seconds=False)}{until}",
        f"{where} approve (Y) or deny (N) it, or "
        f'`mailcore approve {name} "why" --from {OPERATOR}`',
        message.id or message.sent_id,
    )  # fmt: skip
