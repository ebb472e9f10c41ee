"""What stands in an agent's files and falls due with time. Pure.

Mail that does not move, tasks without an answer, requests for approval, a storm of errors, a wake that did not come.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.config import Config
from mailcore.mail.ladder import ladder
from mailcore.model.activity import Kind
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.model.run import Phase, Run
from mailcore.observe.state import GRACE
from mailcore.text.names import safe_sender
from mailcore.text.units import date_and_time, duration, end_of
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.daily_caps import of_agent

STORM = 60.0
"""Seconds in which so many errors are a storm, and for which it lasts past its last error."""
MOST_ERRORS = 20
"""More errors than that are not asked of a storm: an agent's newest 30 activities are kept."""
LATE = 60.0
"""Seconds that a timer's wake may be late; a tenth of its period if that is longer."""
DELIVERY = ("stored", "woken", "submitted")
"""Rungs that the message takes by itself; on the later ones it is the agent's turn."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An alarm that stands from `limit` seconds after `last` on, unless the files change; times as in time.time()."""

    alarm: Alarm
    last: float
    limit: float = 0.0
    until: float = math.inf


def pending(facts: AgentFacts, config: Config) -> Iterator[Pending]:
    """All of one agent."""
    run = facts.run
    if run is not None and run.phase.ended and run.undelivered:
        yield Pending(_undelivered(facts, run), run.since)
    if facts.mailbox.messages:
        yield from _mail(facts, config)
    if config.alarms.storm and facts.activities:
        yield from _storm(facts, config.alarms.storm)
    if facts.activities and facts.activities[-1].kind is Kind.LIMIT and facts.lock is not None:
        yield _limited(facts)
    if facts.spending.day:
        day = facts.spending.day
        for alarm in of_agent(facts, config.usage):
            yield Pending(alarm, 0.0, until=end_of(day))
    every = config.agent(facts.address).wake_every
    if every and run is not None and facts.lock is None and not facts.held:
        late = max(LATE, every / 10)
        alarm = Alarm(
            AlarmKind.SILENCE, facts.address, run.created_at + every + late, "silent: its timer did not wake it",
            f"a run every {duration(every)} (wake_every in config.toml)",
            f"last run {date_and_time(run.created_at, seconds=False)}", "see to the timer; wake (w) it",
            f"wake {run.run_id}",
        )  # fmt: skip
        yield Pending(alarm, run.created_at + every, late)


def _undelivered(facts: AgentFacts, run: Run) -> Alarm:
    return Alarm(
        AlarmKind.UNDELIVERED, facts.address, run.since,
        f"{run.phase}, and {run.sender or 'its sender'} has not heard of it: {run.undelivered}",
        f"that it hears of {run.subject or 'a task'}", f"ended {date_and_time(run.since, seconds=False)}",
        "tell it by mail (m), or retry (r) the run; then acknowledge (A)", run.run_id,
    )  # fmt: skip


def _mail(facts: AgentFacts, config: Config) -> Iterator[Pending]:
    for message in facts.mailbox.messages:
        if message.status == "closed":
            continue
        if facts.agent.is_operator and message.undecided:
            yield Pending(_approval(facts, message), message.stored_at or message.at)
        elif message.is_task or message.urgency == 0:
            yield from _rung(facts, message, config.mail.rung_limit(message.priority))


def _rung(facts: AgentFacts, message: Message, limit: float) -> Iterator[Pending]:
    run = facts.run if facts.run is not None and _is_of(facts.run, message) else None
    stands = ladder(message, run)
    if stands.ended or facts.held:
        return
    name = f"#{message.seq} {message.subject}" if message.seq else message.subject or "a message"
    if run is not None and run.phase.ended:
        if run.phase is not Phase.COMPLETED:
            return  # killed: nobody waits; bounced: told already
        if message.is_task and not (run.replied or run.delegated):
            alarm = Alarm(
                AlarmKind.UNANSWERED, facts.address, run.since, f"done without a reply: {name}",
                f"an answer to {safe_sender(message.sender)}",
                f"its run ended {date_and_time(run.since, seconds=False)}",
                "read its story (y); ask it (m), or retry (r)", f"{run.run_id} {message.id}",
            )  # fmt: skip
            yield Pending(alarm, run.since, GRACE)
            return
    delivering = stands.rung in DELIVERY
    if not delivering and (not message.is_task or facts.lock is not None):
        return  # it was read and asks for nothing, or is being worked on
    last = max(stands.since, run.since if run is not None else 0.0) if not delivering else stands.since
    kind, word = (AlarmKind.STUCK, "stuck") if delivering else (AlarmKind.OVERDUE, "overdue")
    what = f"{word} on the rung {stands.rung!r}: {name} from {safe_sender(message.sender)}"
    expected = f"the next rung within {duration(limit)} ([mail] rung_{_priority(message)})"
    remedy = "wake (w) it" if delivering else "ask it (m), or dispatch (d) it again"
    if facts.agent.is_operator:
        remedy = "read your mail (i)"
    alarm = Alarm(
        kind, facts.address, last + limit, what, expected,
        f"{stands.rung} since {date_and_time(stands.since, seconds=False)}", remedy,
        f"{message.id or message.sent_id} {stands.rung}",
    )  # fmt: skip
    yield Pending(alarm, last, limit)


def _is_of(run: Run, message: Message) -> bool:
    """Whether the run is of this task; another program's run names no message, but its subject and sender."""
    if not run.foreign:
        return run.message_id == message.id != ""
    return (run.subject, run.sender) == (message.subject, message.sender) and run.created_at > message.at - GRACE


def _priority(message: Message) -> str:
    return message.priority if message.priority in ("low", "high") else "normal"


def _approval(facts: AgentFacts, message: Message) -> Alarm:
    at = message.stored_at or message.at
    asks = f"asks for your approval{f' (tier {message.tier})' if message.tier > 1 else ''}"
    until = f", tier {message.tier}" + (
        f"; it lapses {date_and_time(message.expires_at)}" if message.expires_at else ""
    )
    return Alarm(
        AlarmKind.APPROVAL, facts.address, at, f"{safe_sender(message.sender)} {asks}: {message.subject}",
        "your decision", f"asked {date_and_time(at, seconds=False)}{until}",
        f"approve (Y) or deny (N) it in your mail (i), or "
        f'`mailcore approve {message.seq or message.id} "why" --from {OPERATOR}`',
        message.id or message.sent_id,
    )  # fmt: skip


def _storm(facts: AgentFacts, number: int) -> Iterator[Pending]:
    errors = [activity for activity in facts.activities if activity.kind is Kind.ERROR]
    number = min(number, MOST_ERRORS)
    for first, last in zip(errors, errors[number - 1 :], strict=False):
        if last.at - first.at <= STORM:
            alarm = Alarm(
                AlarmKind.STORM, facts.address, last.at, f"error storm: {errors[-1].text}",
                f"fewer than {number} errors in a minute ([alarms] storm)",
                f"{len(errors)} errors since {date_and_time(first.at, seconds=False)}",
                "open (Enter) its log; kill (D) or hold (H) it",
            )  # fmt: skip
            yield Pending(alarm, last.at - 0.001, until=errors[-1].at + STORM)
            return


def _limited(facts: AgentFacts) -> Pending:
    activity, run = facts.activities[-1], facts.run
    alarm = Alarm(
        AlarmKind.LIMIT, facts.address, activity.at, f"limited: {activity.text}", "the service's next answer",
        f"refused {date_and_time(activity.at, seconds=False)}",
        "its program tries again by itself; kill (D) it if it is not to",
        run.run_id if run is not None and not run.phase.ended else "",
    )  # fmt: skip
    return Pending(alarm, activity.at - 0.001)
