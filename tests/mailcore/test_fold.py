from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Lock
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.run import Run, from_records
from mailcore.observe.facts import Fact, LockRead, MailboxRead, Roster, RunRead, Seen
from mailcore.observe.fold import MAX_ACTIVITIES, MAX_STREAM, apply, run_events

ROOT = Path("/house")
A, B = Agent("@a", "A", ROOT / "a"), Agent("@b", "B", ROOT / "b")
BOSS = Agent(OPERATOR, "OPERATOR", ROOT / "op")
NOW = 2_000_000_000.0
Step = tuple[float, dict[str, Any]]


def house() -> Fleet:
    return apply(Fleet(ROOT), [Roster((A, B, BOSS))], NOW)


def the(fleet: Fleet, address: str = "@a") -> AgentFacts:
    facts = fleet.find(address)
    assert facts is not None
    return facts


def act(kind: Kind, at: float, text: str = "", tool: str = "", tool_id: str = "", source: str = "hooks") -> Activity:
    return Activity(at, "@a", kind, text, source, tool, tool_id)


def test_open_requests_stand_at_who_asked_and_nobody_else_changes() -> None:
    asked = replace(mail(1, approval={"tier": 1, "run": "r1"}), sender="@a")
    first = replace(mail(2, NOW - 90, approval={"tier": 1}), sender="@a")
    told = replace(mail(3), sender="@a")
    fleet = house()
    now = apply(fleet, [MailboxRead(OPERATOR, Mailbox(MailboxStatus.OK, (told, asked, first)))], NOW)
    assert the(now).requests == (first, asked) and the(now, "@b") is the(fleet, "@b")
    again = apply(now, [MailboxRead(OPERATOR, Mailbox(MailboxStatus.OK, (mail(4), asked, first)))], NOW)
    assert the(again) is the(now)
    came = apply(now, [Roster((A, B, Agent("@c", "C", ROOT / "c"), BOSS))], NOW)
    assert the(came).requests == (first, asked)
    lapsed = Message.from_json({**asked.raw, "ack": {"state": "lapsed", "result": "over"}})
    assert lapsed.lapsed == "over" and not lapsed.undecided
    over = apply(again, [MailboxRead(OPERATOR, Mailbox(MailboxStatus.OK, (lapsed,)))], NOW)
    assert the(over).requests == ()


def test_a_decision_in_its_mailbox_is_when_it_was_answered() -> None:
    decided = mail(1, NOW - 7, upsert_key="approval:s1")
    fleet = apply(house(), [inbox(decided, mail(2, NOW))], NOW)
    assert the(fleet).answered == NOW - 7
    assert the(apply(fleet, [inbox()], NOW)).answered == NOW - 7


def test_whom_a_run_waits_for_is_told_once() -> None:
    begun: Step = (NOW - 9, {"event": "attempt", "n": 1})
    run = journal((NOW - 10, {}), begun, (NOW - 5, {"event": "awaits", "on": "@b", "subject": "Build\x1b[1m it"}))
    fleet = apply(house(), [RunRead("@a", run)], NOW)
    fleet = apply(fleet, [RunRead("@a", replace(run, last_act=NOW))], NOW)
    assert [one.text for one in the(fleet).activities if one.kind is Kind.LOG] == ["waits for @b: Build it"]


def seen(fleet: Fleet, *activities: Activity) -> Fleet:
    return apply(fleet, [Seen("@a", activities)], NOW)


def mail(number: int, at: float = NOW - 60, **fields: object) -> Message:
    raw = {"id": f"{number:08x}", "from": "@b", "subject": f"mail {number}", "status": "new", **fields}
    return replace(Message.from_json(raw), at=at)


def inbox(*messages: Message) -> MailboxRead:
    return MailboxRead("@a", Mailbox(MailboxStatus.OK, messages))


def journal(*events: Step) -> Run:
    first: dict[str, Any] = {
        "event": "queued",
        "run_id": "r1",
        "target": "@a",
        "sender": "@b",
        "subject": "Report",
        "attempts": 3,
    }
    records = [{"at": datetime.fromtimestamp(at, UTC).isoformat(), **record} for at, record in events]
    run = from_records([{**first, **records[0]}, *records[1:]])
    assert run is not None
    return run


QUEUED: Step = (NOW - 100, {"event": "queued"})
FIRST: Step = (NOW - 99, {"event": "attempt", "n": 1, "pid": 7})
RUNNING: Step = (NOW - 98, {"event": "running"})
FAILED: Step = (NOW - 50, {"event": "attempt_ended", "exit": 1, "cause": "exit 1"})
WAITING: Step = (NOW - 50, {"event": "waiting", "why": "exit 1"})
SECOND: Step = (NOW - 45, {"event": "attempt", "n": 2, "pid": 8})
COMPLETED: Step = (NOW - 10, {"event": "ended", "outcome": "completed"})
KILLED: Step = (NOW - 10, {"event": "ended", "outcome": "killed", "by": "@operator"})


def test_the_roster_sets_who_is_there_and_in_what_order() -> None:
    fleet = house()
    assert [f.address for f in fleet.agents] == ["@a", "@b"]
    assert the(fleet, OPERATOR) is fleet.operator
    later = apply(seen(fleet, act(Kind.LOG, NOW)), [Roster((B, A), ("a note",))], NOW)
    assert [f.address for f in later.agents] == ["@b", "@a"]
    assert the(later).last_active == NOW, "who stays keeps what is known"
    assert (later.notes, later.operator) == (("a note",), None)


def test_nothing_new_is_the_same_fleet_and_untouched_agents_keep_their_identity() -> None:
    fleet = apply(house(), [inbox(mail(1)), LockRead("@a", Lock(5, NOW)), RunRead("@a", journal(QUEUED))], NOW)
    same: list[Fact] = [
        Roster((A, B, BOSS)),
        inbox(mail(1)),
        LockRead("@a", Lock(5, NOW)),
        RunRead("@a", journal(QUEUED)),
    ]
    assert apply(fleet, same, NOW + 1) is fleet
    assert apply(fleet, [Seen("@gone", (act(Kind.LOG, NOW),))], NOW + 1) is fleet
    changed = apply(fleet, [LockRead("@a", None)], NOW + 1)
    assert the(changed, "@b") is the(fleet, "@b")
    assert the(changed) is not the(fleet)
    assert changed.at == NOW + 1


def test_a_new_message_is_told_once_and_is_no_sign_of_life_of_who_gets_it() -> None:
    fleet = apply(house(), [inbox(mail(1))], NOW)
    fleet = apply(fleet, [inbox(mail(3), mail(2), mail(1))], NOW + 5)
    told = [(a.kind, a.text, a.at) for a in fleet.stream]
    assert told == [
        (Kind.MAIL, "@b: mail 1", NOW - 60),
        (Kind.MAIL, "@b: mail 2", NOW + 5),
        (Kind.MAIL, "@b: mail 3", NOW + 5),
    ]
    assert the(fleet).activities == fleet.stream
    assert the(fleet).last_active == 0.0
    assert apply(fleet, [inbox(mail(3), mail(1))], NOW + 6).stream == fleet.stream, "a closed mail is no news"


def test_of_a_mailbox_seen_first_only_the_newest_few_are_told() -> None:
    fleet = apply(house(), [inbox(*(mail(n, NOW - n) for n in range(20)))], NOW)
    assert [a.text for a in fleet.stream] == [f"@b: mail {n}" for n in (4, 3, 2, 1, 0)]


def test_a_mailbox_that_was_unreadable_for_a_while_tells_nothing_twice() -> None:
    fleet = apply(house(), [inbox(mail(1))], NOW)
    broken = apply(fleet, [MailboxRead("@a", Mailbox(MailboxStatus.UNREADABLE, reason="torn"))], NOW)
    assert the(broken).mailbox.status is MailboxStatus.UNREADABLE
    assert the(broken).mailbox.reason == "torn"
    mended = apply(broken, [inbox(mail(2), mail(1))], NOW)
    assert [a.text for a in mended.stream] == ["@b: mail 1", "@b: mail 2"]


def test_a_change_of_a_key_that_only_raw_holds_is_a_change() -> None:
    fleet = apply(house(), [inbox(mail(1))], NOW)
    labelled = apply(fleet, [inbox(mail(1, label="urgent"))], NOW)
    assert the(labelled).mailbox.messages[0].raw["label"] == "urgent"
    assert labelled.stream == fleet.stream


def test_a_tool_is_open_until_its_end_or_the_turns() -> None:
    fleet = seen(house(), act(Kind.PROMPT, NOW), act(Kind.TOOL, NOW + 1, "Bash: ls", "Bash", "t1"))
    tool = the(fleet).tool
    assert tool is not None
    assert (tool.tool, the(fleet).turn_open) == ("Bash", True)
    assert the(seen(fleet, act(Kind.TOOL_DONE, NOW + 2, "", "Bash", "t0"))).tool is not None, "another call's end"
    assert the(seen(fleet, act(Kind.TOOL_DONE, NOW + 2, "", "Bash", "t1"))).tool is None
    assert the(seen(fleet, act(Kind.TOOL_FAILED, NOW + 2, "", "Bash"))).tool is None, "lacking ids the name counts"
    assert the(seen(fleet, act(Kind.LOG, NOW + 2, source="log"))).tool is not None
    over = the(seen(fleet, act(Kind.TURN_END, NOW + 2)))
    assert (over.tool, over.turn_open) == (None, False)


def test_waiting_lasts_until_the_agent_itself_goes_on() -> None:
    fleet = seen(house(), act(Kind.WAITING, NOW, "may I?"), act(Kind.WAITING, NOW + 1, "Claude needs your permission"))
    waiting = the(fleet).waiting
    assert waiting is not None
    assert waiting.text == "may I?", "two events ask one question"
    fleet = apply(fleet, [inbox(mail(1)), Seen("@a", (act(Kind.LOG, NOW + 2, source="log"),))], NOW + 2)
    assert the(fleet).waiting is not None, "mail and a log line are no answer"
    for kind in (Kind.PROMPT, Kind.TOOL, Kind.TOOL_DONE, Kind.TURN_END):
        assert the(seen(fleet, act(kind, NOW + 3))).waiting is None


def test_what_is_told_late_of_before_a_turns_end_opens_nothing() -> None:
    """A session file is written a moment after the hooks ran: its lines come after the hook's `Stop`, and are older."""
    ended = seen(house(), act(Kind.PROMPT, NOW), act(Kind.TURN_END, NOW + 5.5))
    for kind in (Kind.THINKING, Kind.TOOL):
        late = the(seen(ended, act(kind, NOW + 5.2, "x", "Bash", "t1", source="transcript")))
        assert not late.turn_open and not late.open
    again = seen(ended, act(Kind.PROMPT, NOW + 5, "stamped in whole seconds"))
    assert the(again).turn_open
    assert the(seen(again, act(Kind.TURN_END, NOW + 5.1, source="transcript"))).turn_open, "the former turn's end"
    assert not the(seen(again, act(Kind.TURN_END, NOW + 9))).turn_open


def test_the_beginning_of_a_session_that_is_told_late_ends_nothing_that_came_after_it() -> None:
    """Gemini CLI's output tells of a call at once, its session file of its session's beginning a second later."""
    calls = seen(house(), act(Kind.TOOL, NOW, "x", "Bash", "t1"))
    for kind in (Kind.SESSION, Kind.PROMPT):
        assert the(seen(calls, act(kind, NOW - 0.8, source="transcript"))).tool is not None
        assert the(seen(calls, act(kind, NOW + 0.8, source="transcript"))).tool is None


def test_what_is_told_late_of_before_a_question_answers_it_not() -> None:
    asks = seen(house(), act(Kind.PROMPT, NOW), act(Kind.WAITING, NOW + 5, "may I?"))
    assert the(seen(asks, act(Kind.MESSAGE, NOW + 4.9, "I ask", source="transcript"))).waiting is not None
    assert the(seen(asks, act(Kind.TOOL_DONE, NOW + 7))).waiting is None


def test_a_run_tells_each_of_its_steps_once_with_the_journals_time() -> None:
    steps = [QUEUED, FIRST, RUNNING, FAILED, WAITING, SECOND, COMPLETED]
    fleet = house()
    for n in range(1, len(steps) + 1):
        fleet = apply(fleet, [RunRead("@a", journal(*steps[:n]))], NOW)
    assert [(a.kind, a.text, round(a.at - NOW)) for a in fleet.stream] == [
        (Kind.STARTED, "Report (attempt 1/3)", -99),
        (Kind.RETRYING, "Report (attempt 1/3): exit 1", -50),
        (Kind.STARTED, "Report (attempt 2/3)", -45),
        (Kind.DONE, "Report", -10),
    ]
    at_once = apply(house(), [RunRead("@a", journal(*steps))], NOW)
    assert at_once.stream == fleet.stream, "however few looks saw it"
    assert the(fleet).last_active == 0.0, "the supervisor's doing is not the agent's"


def test_a_killed_and_a_bounced_run_say_by_whom_and_why() -> None:
    assert run_events(journal(QUEUED, FIRST, KILLED))[-1].text == "Report, by @operator"
    bounced = journal(QUEUED, FIRST, (NOW, {"event": "ended", "outcome": "bounced", "reason": "3 attempts\x1b[2J"}))
    assert (run_events(bounced)[-1].kind, run_events(bounced)[-1].text) == (
        Kind.FAILED,
        "Report (attempt 1/3): 3 attempts",
    )


def test_an_act_in_the_journal_is_a_sign_of_life() -> None:
    run = journal(QUEUED, FIRST, RUNNING, (NOW - 60, {"event": "act", "verb": "reply"}))
    assert round(the(apply(house(), [RunRead("@a", run)], NOW)).last_active) == NOW - 60


def test_what_an_attempt_left_open_does_not_outlive_it() -> None:
    fleet = apply(house(), [RunRead("@a", journal(QUEUED, FIRST, RUNNING))], NOW)
    fleet = seen(fleet, act(Kind.TOOL, NOW - 60, "Bash: make", "Bash"), act(Kind.WAITING, NOW - 59, "may I?"))
    assert the(fleet).tool is not None
    endings: list[list[Step]] = [[FAILED, WAITING, SECOND], [KILLED]]
    for ending in endings:
        after = the(apply(fleet, [RunRead("@a", journal(QUEUED, FIRST, RUNNING, *ending))], NOW))
        assert (after.tool, after.waiting, after.turn_open) == (None, None, False)
    still = the(apply(fleet, [RunRead("@a", journal(QUEUED, FIRST, RUNNING, (NOW, {"event": "act"})))], NOW))
    assert still.tool is not None


def test_the_order_in_which_hooks_and_the_journal_are_read_does_not_matter() -> None:
    killed = RunRead("@a", journal(QUEUED, FIRST, RUNNING, KILLED))
    before, after = act(Kind.TOOL, NOW - 60, "", "Bash"), act(Kind.PROMPT, NOW - 5, "mine")
    then: list[Fact] = [Seen("@a", (before,)), killed]
    for facts in permutations(then):
        left = the(apply(house(), facts, NOW))
        assert (left.tool, left.turn_open) == (None, False)
    since: list[Fact] = [Seen("@a", (before, after)), killed]
    for facts in permutations(since):
        assert the(apply(house(), facts, NOW)).turn_open, "a session after the run is another matter"


def test_a_hook_stamped_in_whole_seconds_counts_in_its_attempts_first_second() -> None:
    started: Step = (NOW - 99 + 0.9, {"event": "attempt", "n": 1, "pid": 7})
    fleet = apply(house(), [RunRead("@a", journal(QUEUED, started))], NOW)
    assert the(seen(fleet, act(Kind.TOOL, NOW - 99, "", "Bash"))).tool is not None


def test_activities_are_bounded_and_in_order_of_time() -> None:
    fleet = house()
    for n in range(MAX_STREAM + 50):
        fleet = seen(fleet, act(Kind.LOG, NOW + n, str(n)))
    assert len(fleet.stream) == MAX_STREAM
    assert len(the(fleet).activities) == MAX_ACTIVITIES
    late = seen(fleet, act(Kind.LOG, NOW + MAX_STREAM + 48.5, "late"))
    assert [a.text for a in late.stream[-2:]] == ["late", str(MAX_STREAM + 49)]
