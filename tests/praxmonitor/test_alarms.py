from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.message import Mailbox, MailboxStatus
from mailcore.model.run import Attempt, Holder, Lock, Phase, Run
from praxmonitor.alarms import AlarmKind, alarms

NOW = 2_000_000_000.0
FREE = AgentFacts(Agent("@a", "A", Path("/house/a")), mailbox=Mailbox(MailboxStatus.OK), last_active=NOW - 420)
ATTEMPT = Attempt(1, "start", NOW - 900, pid=99, running_at=NOW - 890)
LOCK = Lock(4711, NOW - 1000, run_id="r1")


def run(phase: Phase, **changes: Any) -> Run:
    fields = {"since": NOW - 890, "attempts": (ATTEMPT,), **changes}
    return Run("r1", "@a", "@b", "Report", "m1", "claude", NOW - 1000, phase=phase, **fields)


ASKS = Activity(NOW - 60, "@a", Kind.WAITING, "may I delete x?", "hooks")
RUNNING = replace(FREE, lock=LOCK, run=run(Phase.RUNNING))
CASES = {
    AlarmKind.SILENCE: (RUNNING, NOW - 120, ("Report, attempt 1/3", "7 min ago", "kill (D)", "retry (r)")),
    AlarmKind.WAITING: (replace(RUNNING, waiting=ASKS), NOW - 60, ("may I delete x?", "1 min ago")),
    AlarmKind.FAILED: (
        replace(FREE, run=run(Phase.BOUNCED, reason="exit 1")),
        NOW - 890,
        ("Report: exit 1", "15 min ago", "retry (r)"),
    ),
    AlarmKind.ORPHANED: (
        replace(RUNNING, lock=replace(LOCK, holder=Holder.DEAD)),
        NOW - 420,
        ("Report, attempt 1/3", "PID 4711", "retry (r)"),
    ),
    AlarmKind.UNREADABLE: (
        replace(FREE, mailbox=Mailbox(MailboxStatus.UNREADABLE, reason="inbox.json is not JSON")),
        0.0,
        ("inbox.json is not JSON", "mend"),
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_alarm_says_what_was_expected_what_was_seen_and_what_helps(kind: AlarmKind) -> None:
    facts, since, words = CASES[kind]
    (alarm,) = alarms(Fleet(Path("/house"), (facts,)), NOW, 300)
    assert (alarm.kind, alarm.address, alarm.since) == (kind, "@a", since)
    for word in words:
        assert word in alarm.text


def test_a_fleet_at_work_or_at_rest_raises_none() -> None:
    busy = replace(RUNNING, last_active=NOW - 5)
    done = replace(FREE, run=run(Phase.COMPLETED))
    killed = replace(FREE, run=run(Phase.KILLED, by=OPERATOR))
    assert alarms(Fleet(Path("/house"), (busy, done, killed, FREE)), NOW, 300) == ()


def test_the_oldest_comes_first_and_the_operators_own_mailbox_counts() -> None:
    boss = replace(CASES[AlarmKind.UNREADABLE][0], agent=Agent(OPERATOR, "OPERATOR", Path("/house/op")))
    agents = tuple(CASES[kind][0] for kind in (AlarmKind.WAITING, AlarmKind.FAILED))
    raised = alarms(Fleet(Path("/house"), agents, operator=boss), NOW, 300)
    assert [alarm.kind for alarm in raised] == [AlarmKind.UNREADABLE, AlarmKind.FAILED, AlarmKind.WAITING]
    assert raised[0].address == OPERATOR
