"""What one host tells of its agents reads the same on another: names with their host, times by its own clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailcore.config import Config
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.link import HostRecord
from mailcore.model.lock import Holder, Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Ack, Mailbox, MailboxStatus, Message, parse_time
from mailcore.model.run import Attempt, Await, Phase, Run
from mailcore.model.session import LiveSession, Turn
from mailcore.model.usage import Spending, Usage
from mailcore.observe.awaiting_answer import wait_status
from mailcore.observe.fact_codec import FACT_KINDS, LeftOut, decoded_facts, encoded_line, tagged
from mailcore.observe.facts import AgentTold, Fact, MailboxRead, Roster
from mailcore.observe.fold import MAX_ACTIVITIES, apply
from mailcore.observe.telling import NEWEST_HELD, NEWEST_MAILS, OLDEST_MAILS, roster, telling, without_untold
from mailcore.observe.told import told_here
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.listing import alarm_rows
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.state.needs import needs_of
from praxmonitor.state.snapshot import EMPTY, next_snapshot

NOW = 2_000_000_000.0
WRITER = Agent("@writer", "WRITER", Path("/there/writer"), "writes")
HERE = Agent("@writer.beta", "WRITER", Path("/here/writer"), "writes", host="beta")
BOSS = Agent(OPERATOR, "OPERATOR", Path("/here/op"))


def did(at: float, text: str = "", kind: Kind = Kind.TOOL) -> Activity:
    return Activity(NOW + at, "@writer", kind, text, "hooks", tool_id=text)


def asked(number: int, sender: str = "@writer", **keys: Any) -> Message:
    raw = {"approval": {"tier": 1, "expires_at": "2033-05-18T04:00:00+00:00"}, "body": "secret", **keys}
    return Message(
        f"{number:08x}",
        "",
        NOW,
        sender,
        f"may I {number}",
        "rm " * 3000,
        "new",
        recipient=OPERATOR,
        unread=True,
        raw=raw,
    )


BUSY = AgentFacts(
    WRITER,
    Mailbox(MailboxStatus.OK, tuple(replace(asked(n, "@editor.alpha"), recipient="@writer") for n in range(40))),
    Lock(77, NOW - 60, "a task", 5, "boot", "a-nonce", "run-1"),
    Run(
        "run-1", "@writer", "@editor", "a task", "m1", "command", NOW - 60, phase=Phase.RUNNING, since=NOW - 59,
        attempts=(Attempt(1, "start", NOW - 60, 78, running_at=NOW - 59),),
        awaits=Await(NOW - 5, "@editor, @writer.alpha", "well?"), result="said " * 400,
    ),
    "held by nobody",
    (asked(1), asked(2)),
    NOW - 100,
    tuple(did(n, f"call {n}") for n in range(-20, 0)),
    (did(-1, "call -1"),),
    turn_open=True,
    turn_ended=NOW - 30,
    turns=(Turn("s1", NOW - 29, words="well"),),
    sessions=(LiveSession(99, NOW - 70),),
    last_active=NOW - 1,
    lost=3,
    spending=Spending("2033-05-18", Usage(3, 4), model="m", context=5, at=NOW - 1),
)  # fmt: skip


def sent(facts: Iterable[Fact]) -> list[Any]:
    """Facts as they come from another host."""
    return list(decoded_facts(json.loads(encoded_line(tagged(facts))), FACT_KINDS, LeftOut()))


def told(old: AgentFacts | None, new: AgentFacts, skew: float = 0.0) -> AgentTold:
    what = telling(old, new)
    assert what is not None
    (one,) = sent([what])
    return told_here(one, "beta", "alpha", skew)


def seen(*facts: AgentTold, fleet: Fleet | None = None) -> AgentFacts:
    here = apply(fleet or Fleet(Path("/here")), [Roster((BOSS, HERE)), *facts], NOW)
    found = here.find("@writer.beta")
    assert found is not None
    return found


def test_an_agent_elsewhere_is_seen_as_its_host_sees_it() -> None:
    found = seen(told(None, BUSY))
    assert found.agent is HERE and found.run is not None and BUSY.run is not None
    assert [one.text for one in found.activities] == [one.text for one in BUSY.activities]
    assert {one.agent for one in (*found.activities, *found.open)} == {"@writer.beta"}
    assert (found.run.target, found.run.sender) == ("@writer.beta", "@editor.beta")
    assert found.run.awaits == Await(NOW - 5, "@editor.beta, @writer", "well?"), "our own agent's name is its own here"
    assert len(found.run.result) == 400 and found.run.attempts == BUSY.run.attempts
    same = ("held", "answered", "turn_open", "turn_ended", "turns", "sessions", "last_active", "lost", "spending")
    assert [getattr(found, name) for name in same] == [getattr(BUSY, name) for name in same]


def test_a_lock_elsewhere_names_no_process_of_ours_and_no_nonce() -> None:
    lock = seen(told(None, BUSY)).lock
    assert lock is not None and lock.holder is Holder.ELSEWHERE and lock.runs and lock.nonce == ""
    gone = seen(told(None, msgspec.structs.replace(BUSY, lock=replace(BUSY.lock or Lock(1, 1.0), holder=Holder.DEAD))))
    assert gone.lock is not None and gone.lock.holder is Holder.DEAD, "its own host saw that it died"


def test_a_mailbox_elsewhere_is_a_count_and_a_few_heads() -> None:
    mailbox = seen(told(None, BUSY)).mailbox
    assert (mailbox.open, mailbox.unread, len(mailbox.messages)) == (40, 40, NEWEST_MAILS + OLDEST_MAILS)
    assert {one.body for one in mailbox.messages} == {""} and all("body" not in one.raw for one in mailbox.messages)
    assert {one.sender for one in mailbox.messages} == {"@editor"} and mailbox.messages[0].recipient == "@writer.beta"
    assert mailbox.messages[-1].id == BUSY.mailbox.messages[-1].id, "the oldest, which waits longest, is among them"


def test_who_only_tells_holds_no_text_of_mail_and_tells_the_same() -> None:
    plain = [
        Message(f"{n:08x}", "s", NOW - n, "@editor", f"subject {n}", "text", "new", unread=n % 2 > 0, raw={"k": "text"})
        for n in range(60)
    ]
    mailbox = Mailbox(MailboxStatus.OK, (replace(plain[0], id="closed", status="closed"), *plain, asked(99)))
    held = without_untold(mailbox)
    heads = [seen(told(None, msgspec.structs.replace(BUSY, mailbox=one))).mailbox for one in (held, mailbox)]
    assert heads[0] == heads[1] and heads[0].open == 61
    assert [one.id for one in held.messages] == [one.id for one in mailbox.messages]
    assert [one.id for one in held.messages if one.body] == [asked(99).id]
    assert [one.id for one in held.messages if one.raw] == [asked(99).id]
    assert sum(bool(one.subject) for one in held.messages) == NEWEST_HELD + OLDEST_MAILS
    assert NEWEST_HELD >= MAX_ACTIVITIES


def test_a_log_that_grows_there_is_no_file_of_ours() -> None:
    log = GrowingLog("/there/writer/logs/app.log", 9.0, NOW, NOW - 60, steady=True)
    elsewhere = msgspec.structs.replace(log, path="/var/log/writer.log")
    found = seen(told(None, msgspec.structs.replace(BUSY, log_growth=(log, elsewhere)), 300.0))
    assert [one.path for one in found.log_growth] == ["logs/app.log", "writer.log"]
    assert found.log_growth[0].since == NOW - 360


def test_only_what_changed_is_told_and_the_rest_stays() -> None:
    more = did(1, "call 1")
    new = msgspec.structs.replace(BUSY, activities=(*BUSY.activities, more), last_active=NOW + 1)
    change = telling(BUSY, new)
    assert change == AgentTold("@writer", activities=(more,), last_active=NOW + 1)
    assert telling(new, new) is None and telling(None, AgentFacts(WRITER)) == AgentTold("@writer", whole=True)
    before = seen(told(None, BUSY))
    after = seen(told(None, BUSY), told(BUSY, new))
    assert after.run == before.run and after.mailbox == before.mailbox
    assert [one.text for one in after.activities][-2:] == ["call -1", "call 1"]


def test_what_is_told_again_changes_nothing_and_is_no_news() -> None:
    fleet = apply(Fleet(Path("/here")), [Roster((BOSS, HERE)), told(None, BUSY)], NOW)
    assert len(fleet.stream) == 20
    assert apply(fleet, [told(None, BUSY)], NOW + 9) is fleet
    lost = msgspec.structs.replace(BUSY, activities=(*BUSY.activities, did(1, "lost"), did(2, "new")), held="")
    again = apply(fleet, [told(None, lost)], NOW + 9)
    assert [one.text for one in again.stream[20:]] == ["lost", "new"] and again.agents[0].held == ""


def test_whole_takes_back_what_is_not_said_any_more() -> None:
    found = seen(told(None, BUSY), told(None, AgentFacts(WRITER)))
    assert (found.run, found.lock, found.open, found.requests) == (None, None, (), ())


def test_times_are_by_our_clock() -> None:
    skew = 300.0
    found = seen(told(None, BUSY, skew))
    assert found.run is not None and found.lock is not None and found.requests
    assert (found.last_active, found.turn_ended, found.answered) == (NOW - 301, NOW - 330, NOW - 400)
    assert (found.activities[-1].at, found.run.since, found.run.attempts[0].started_at) == (
        NOW - 301,
        NOW - 359,
        NOW - 360,
    )
    assert (found.lock.at, found.turns[0].began, found.turns[0].ended) == (NOW - 360, NOW - 329, 0.0)
    assert found.requests[0].expires_at == asked(1).expires_at - skew
    assert found.run.next_at == 0.0, "what was never is no time"


@pytest.mark.parametrize("skew", [-5.0, 5.0, -9e8, 9e8])
@pytest.mark.parametrize("until", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:01+00:00", "1970-01-01T00:00:01Z"])
def test_a_time_at_an_end_of_the_calendar_is_a_time(until: str, skew: float) -> None:
    approval = asked(1, approval={"tier": 1, "expires_at": until})
    found = seen(told(None, msgspec.structs.replace(BUSY, requests=(approval,)), skew))
    assert len(found.requests) == 1 and parse_time(found.requests[0].raw["approval"]["expires_at"]) >= 0.0


@pytest.mark.parametrize("extreme", [1e308, -1e308, 253402300799.0, 1e-308, -62135596800.0, 2**63])
def test_whatever_number_a_host_tells_is_read_and_seen(extreme: float) -> None:
    what = telling(None, BUSY)
    assert what is not None

    def changed(value: Any) -> Any:
        match value:
            case bool():
                return value
            case int() | float():
                return extreme if isinstance(value, float) else int(extreme)
            case dict():
                return {name: changed(inner) for name, inner in value.items()}
            case list():
                return [changed(inner) for inner in value]
        return value

    raw = changed(json.loads(encoded_line(tagged([what]))))
    for skew in (-5.0, 5.0, 9e8):
        (one,) = decoded_facts(raw, FACT_KINDS, LeftOut())
        assert isinstance(one, AgentTold)
        fleet = apply(Fleet(Path("/here")), [Roster((BOSS, HERE)), told_here(one, "beta", "alpha", skew)], NOW)
        alarms = AlarmRules(Config()).alarms(fleet, NOW + 5)
        assert needs_of(next_snapshot(EMPTY, fleet, NOW + 5, Config().alarms), alarms) is not None


def test_what_was_told_with_other_times_is_no_news() -> None:
    fleet = apply(Fleet(Path("/here")), [Roster((BOSS, HERE)), told(None, BUSY)], NOW)
    past = msgspec.structs.replace(told(None, BUSY, 300.0), past=True)
    moved = apply(fleet, [past], NOW)
    assert moved.stream == fleet.stream
    assert [one.at for one in moved.agents[0].activities] == [one.at - 300 for one in BUSY.activities]


def test_requests_there_and_mails_to_the_operator_here_stand_together() -> None:
    mine = replace(asked(7, "@writer.beta"), at=NOW + 5, recipient=OPERATOR)
    fleet = apply(Fleet(Path("/here")), [Roster((BOSS, HERE)), told(None, BUSY)], NOW)
    both = apply(fleet, [MailboxRead(OPERATOR, Mailbox(MailboxStatus.OK, (mine,)))], NOW)
    assert [one.subject for one in both.agents[0].requests] == ["may I 1", "may I 2", "may I 7"]
    assert both.agents[0].requests[0].id == "00000001.beta", "as it is named here"
    assert [one.subject for one in both.agents[0].remote_requests] == ["may I 1", "may I 2"]
    assert both.agents[0].requests[0].undecided and len(both.agents[0].requests[0].body) == 4000
    decided = msgspec.structs.replace(BUSY, requests=(asked(2),))
    then = apply(both, [told(BUSY, decided)], NOW)
    assert [one.subject for one in then.agents[0].requests] == ["may I 2", "may I 7"]
    ended = replace(mine, ack=Ack("approved"))
    assert len(apply(then, [MailboxRead(OPERATOR, Mailbox(MailboxStatus.OK, (ended,)))], NOW).agents[0].requests) == 1


def test_what_it_asks_the_operator_there_is_asked_of_the_operator_here() -> None:
    fleet = apply(Fleet(Path("/here"), hosts=(HostRecord("beta"),)), [Roster((BOSS, HERE)), told(None, BUSY)], NOW)
    assert [one.subject for one in fleet.operator_mails] == ["may I 1", "may I 2"]
    raised = [one for one in AlarmRules(Config()).alarms(fleet, NOW + 5) if one.kind is AlarmKind.APPROVAL]
    assert [(one.address, one.id) for one in raised] == [("@writer.beta", f"0000000{n}.beta") for n in (1, 2)]
    assert 'mailcore approve 00000001.beta "why"' in raised[0].remedy
    snapshot = next_snapshot(EMPTY, fleet, NOW + 5, Config().alarms)
    needs = needs_of(snapshot, raised)
    assert [(need.address, need.message_id) for need in needs] == [("@writer.beta", "")]
    assert [need.asker for need in needs_of(snapshot, ())][:1] == ["@writer.beta"]
    assert [row.request.subject for row in alarm_rows((), fleet.operator_mails, NOW) if row.request] == [
        "may I 1", "may I 2",
    ]  # fmt: skip


def test_who_waits_there_for_its_operator_waits_for_one() -> None:
    assert BUSY.run is not None and BUSY.lock is not None
    run = replace(BUSY.run, awaits=Await(NOW - 5, OPERATOR, "well?"))
    status = wait_status(seen(told(None, msgspec.structs.replace(BUSY, run=run, open=()))))
    assert status is not None and status.state is State.WAITING


def test_the_roster_that_is_told_names_no_place_of_this_machine() -> None:
    fleet = Fleet(Path("/there"), (AgentFacts(WRITER), AgentFacts(replace(HERE, host="gamma"))), notes=("a note",) * 9)
    assert roster(fleet) == Roster((Agent("@writer", "WRITER", Path(), "writes"),), ("a note",) * 3)
    assert b"/there" not in encoded_line(tagged([roster(fleet)]))
