from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mailcore.config import Alarms
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, State
from mailcore.model.lock import Holder, Lock
from mailcore.model.machine_status import MachineStatus
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.run import Attempt, Await, Phase, Run
from mailcore.model.session import LiveSession, Turn
from mailcore.observe.own_sessions import root_of
from mailcore.observe.silence import expectation, expected_signs, expected_work
from mailcore.observe.state import GRACE, WAIT_KEPT, state, stated

NOW = 2_000_000_000.0
POLICY = Alarms(silence=300.0, silence_tool=800.0, silence_compaction=600.0, silence_subagent=1200.0, silence_start=180)
FREE = AgentFacts(Agent("@a", "A", Path("/house/a")), mailbox=Mailbox(MailboxStatus.OK))
OURS = Lock(4711, NOW - 1000, subject="Report", run_id="r1")
FOREIGN = Lock(4712, NOW - 1000, subject="manual wake")
ATTEMPT = Attempt(2, "start", NOW - 900, pid=99, running_at=NOW - 890)


def run(phase: Phase, **changes: Any) -> Run:
    fields = {"since": NOW - 890, "attempts": (ATTEMPT,), **changes}
    return Run("r1", "@a", "@b", "Report", "m1", "claude", NOW - 1000, phase=phase, **fields)


def act(kind: Kind, at: float, text: str = "", tool: str = "") -> Activity:
    return Activity(at, "@a", kind, text, "hooks", tool)


RUNNING = replace(FREE, lock=OURS, run=run(Phase.RUNNING), last_active=NOW - 10, turn_open=True)
TOOL = act(Kind.TOOL, NOW - 20, "Bash: make", "Bash")
ASKS = act(Kind.WAITING, NOW - 400, "may I?")
TYPED = act(Kind.PROMPT, NOW - 30, "do it")
SESSION = replace(FREE, turn_open=True, last_active=NOW - 30, activities=(TYPED,))

REQUEST = Message.from_json({"id": "q1", "from": "@a", "subject": "Deploy?", "approval": {"tier": 1, "run": "r1"}})
REQUEST = dataclasses.replace(REQUEST, at=NOW - 700, stored_at=NOW - 699)
QUIET = replace(RUNNING, last_active=NOW - 700)


def waits(on: str, at: float = NOW - 600) -> Run:
    return run(Phase.RUNNING, awaits=Await(at, on, "Build it", "reply", 12, 34))


CASES = {
    "asked for approval, long ago": (
        replace(QUIET, requests=(REQUEST,)),
        (State.WAITING, "asks for your approval: Deploy?", NOW - 699),
    ),
    "another run asked": (
        replace(QUIET, requests=(dataclasses.replace(REQUEST, raw={"approval": {"run": "r0"}}),)),
        (State.SILENT, "no sign", NOW - 400),
    ),
    "asked by a run that another program started": (
        replace(FREE, lock=FOREIGN, requests=(dataclasses.replace(REQUEST, raw={"approval": {}}),)),
        (State.WAITING, "asks for your approval: Deploy?", NOW - 699),
    ),
    "asked before that run": (
        replace(
            FREE, lock=FOREIGN, requests=(dataclasses.replace(REQUEST, raw={"approval": {}}, stored_at=NOW - 2e3),)
        ),
        (State.SILENT, "no sign", NOW - 700),
    ),
    "answered a moment ago, asked long ago": (
        replace(QUIET, answered=NOW - 5),
        (State.WORKING, "Report", NOW - 890),
    ),
    "waits for the operator's reply": (
        replace(QUIET, run=waits("@operator")),
        (State.WAITING, "waits for your answer: Build it", NOW - 600),
    ),
    "waits for another agent": (
        replace(QUIET, run=waits("@builder")),
        (State.WORKING, "waits for @builder: Build it", NOW - 600),
    ),
    "waits for another agent, in the tool that does so": (
        replace(QUIET, run=waits("@builder"), open=(replace(TOOL, at=NOW - 601),)),
        (State.WORKING, "waits for @builder: Build it", NOW - 600),
    ),
    "another tool since it waits": (
        replace(RUNNING, run=waits("@builder"), open=(TOOL,)),
        (State.IN_TOOL, "Bash: make", NOW - 20),
    ),
    "unreadable before all": (
        replace(RUNNING, mailbox=Mailbox(MailboxStatus.UNREADABLE, reason="inbox.json is not JSON")),
        (State.UNREADABLE, "inbox.json is not JSON", 0.0),
    ),
    "dead holder": (
        replace(RUNNING, lock=dataclasses.replace(OURS, holder=Holder.DEAD)),
        (State.ORPHANED, "PID 4711", NOW - 10),
    ),
    "half-written lock": (
        replace(FREE, lock=Lock(0, NOW - 3, subject="half-written lock", holder=Holder.UNKNOWN)),
        (State.STARTING, "half-written lock", NOW - 3),
    ),
    "lock file that cannot be read": (
        replace(FREE, lock=Lock(0, 0.0, subject="unreadable lock: Permission denied", holder=Holder.UNKNOWN)),
        (State.UNREADABLE, "Permission denied", 0.0),
    ),
    "lock before the journal": (
        replace(FREE, lock=dataclasses.replace(OURS, at=NOW - 1)),
        (State.STARTING, "being prepared", NOW - 1),
    ),
    "queued with lock": (
        replace(RUNNING, run=run(Phase.QUEUED, attempts=(), since=NOW - 1)),
        (State.STARTING, "Report", NOW - 1),
    ),
    "starting": (
        replace(RUNNING, run=run(Phase.STARTING, since=NOW - 90)),
        (State.STARTING, "attempt 2/3", NOW - 90),
    ),
    "starting for too long": (
        replace(RUNNING, run=run(Phase.STARTING)),
        (State.SILENT, "attempt 2/3, no sign of life yet: no sign", NOW - 890 + 180),
    ),
    "retrying": (
        replace(RUNNING, run=run(Phase.WAITING, reason="exit 1", next_at=NOW + 5)),
        (State.RETRYING, "exit 1; attempt 3/3", NOW - 890),
    ),
    "limited": (
        replace(RUNNING, run=run(Phase.WAITING, reason="429", limited=True, next_at=NOW - 20)),
        (State.LIMITED, "429", NOW - 890),
    ),
    "the next attempt did not come": (
        replace(RUNNING, run=run(Phase.WAITING, reason="exit 1", next_at=NOW - 200)),
        (State.SILENT, "exit 1; attempt 3/3", NOW - 20),
    ),
    "working": (RUNNING, (State.WORKING, "Report (attempt 2/3)", NOW - 890)),
    "in tool": (replace(RUNNING, open=(TOOL,)), (State.IN_TOOL, "Bash: make", NOW - 20)),
    "waiting, however long": (
        replace(RUNNING, prompts=(ASKS,), open=(TOOL,)),
        (State.WAITING, "may I?", NOW - 400),
    ),
    "silent": (replace(RUNNING, last_active=NOW - 301), (State.SILENT, "no sign of life", NOW - 1)),
    "silent in a tool": (
        replace(
            RUNNING,
            run=run(Phase.RUNNING, since=NOW - 890),
            last_active=NOW - 850,
            open=(replace(TOOL, at=NOW - 850),),
        ),
        (State.SILENT, "last in Bash: make", NOW - 50),
    ),
    "long in a tool": (
        replace(RUNNING, last_active=NOW - 780, open=(replace(TOOL, at=NOW - 780),)),
        (State.IN_TOOL, "Bash: make", NOW - 780),
    ),
    "compacting": (
        replace(RUNNING, last_active=NOW - 500, open=(act(Kind.COMPACT, NOW - 500),)),
        (State.WORKING, "Report", NOW - 890),
    ),
    "compacting for too long": (
        replace(RUNNING, last_active=NOW - 700, open=(act(Kind.COMPACT, NOW - 700),)),
        (State.SILENT, "no sign of life", NOW - 100),
    ),
    "its subagent works within a tool": (
        replace(RUNNING, last_active=NOW - 880, open=(replace(TOOL, at=NOW - 885), act(Kind.SUBAGENT, NOW - 880))),
        (State.IN_TOOL, "Bash: make", NOW - 885),
    ),
    "an act is a sign of life": (
        replace(RUNNING, last_active=0.0, run=run(Phase.RUNNING, last_act=NOW - 5)),
        (State.WORKING, "Report", NOW - 890),
    ),
    "foreign, at work": (
        replace(FREE, lock=FOREIGN, last_active=NOW - 5),
        (State.WORKING, "started by another program (PID 4712)", NOW - 1000),
    ),
    "foreign, silent since its start": (
        replace(FREE, lock=FOREIGN, last_active=NOW - 5000),
        (State.SILENT, "PID 4712", NOW - 700),
    ),
    "foreign, in tool": (
        replace(FREE, lock=FOREIGN, last_active=NOW - 5, open=(TOOL,)),
        (State.IN_TOOL, "Bash: make", NOW - 20),
    ),
    "foreign, a tool of long before": (
        replace(FREE, lock=FOREIGN, last_active=NOW - 5, open=(replace(TOOL, at=NOW - 9000),)),
        (State.WORKING, "another program", NOW - 1000),
    ),
    "ended, its lock about to go": (
        replace(RUNNING, run=run(Phase.COMPLETED, since=NOW - 1)),
        (State.DONE, "Report", NOW - 1),
    ),
    "done": (replace(FREE, run=run(Phase.COMPLETED)), (State.DONE, "Report", NOW - 890)),
    "failed": (
        replace(FREE, run=run(Phase.BOUNCED, reason="exit 1")),
        (State.FAILED, "Report: exit 1", NOW - 890),
    ),
    "killed": (
        replace(FREE, run=run(Phase.KILLED, by="@operator")),
        (State.KILLED, "killed by @operator", NOW - 890),
    ),
    "open without a lock": (replace(FREE, run=run(Phase.RUNNING)), (State.ORPHANED, "nobody holds", NOW - 890)),
    "open without a lock, for a moment": (
        replace(FREE, run=run(Phase.STARTING, since=NOW - GRACE + 1)),
        (State.STARTING, "Report", NOW - GRACE + 1),
    ),
    "queued without a lock": (
        replace(FREE, run=run(Phase.QUEUED, attempts=())),
        (State.IDLE, "queued: Report", NOW - 890),
    ),
    "interactive": (SESSION, (State.WORKING, "interactive", NOW - 30)),
    "interactive, in tool": (replace(SESSION, open=(TOOL,)), (State.IN_TOOL, "Bash: make", NOW - 20)),
    "interactive, waiting": (replace(SESSION, prompts=(ASKS,)), (State.WAITING, "may I?", NOW - 400)),
    "interactive, asked yesterday": (
        replace(FREE, prompts=(replace(ASKS, at=NOW - WAIT_KEPT - 1),)),
        (State.IDLE, "", 0.0),
    ),
    "interactive, gone quiet": (replace(SESSION, last_active=NOW - 301), (State.IDLE, "", NOW - 301)),
    "interactive after a failed run": (
        replace(SESSION, run=run(Phase.BOUNCED)),
        (State.WORKING, "interactive", NOW - 30),
    ),
    "the failed run is old news after that session": (
        replace(SESSION, run=run(Phase.BOUNCED), turn_open=False),
        (State.IDLE, "", NOW - 30),
    ),
    "a log line after a failed run changes nothing": (
        replace(FREE, run=run(Phase.BOUNCED), activities=(act(Kind.LOG, NOW),), last_active=NOW),
        (State.FAILED, "Report", NOW - 890),
    ),
    "idle": (replace(FREE, last_active=NOW - 9), (State.IDLE, "", NOW - 9)),
    "no mailbox": (replace(FREE, mailbox=Mailbox()), (State.IDLE, "no mailbox yet", 0.0)),
}


@pytest.mark.parametrize("case", CASES)
def test_state(case: str) -> None:
    facts, (wanted, reason, since) = CASES[case]
    status = state(facts, NOW, POLICY)
    assert (status.state, status.since) == (wanted, since), status.reason
    assert reason in status.reason


LIVE = LiveSession(20, NOW - 5000)
HANGS = replace(
    SESSION, last_active=NOW - 850, open=(replace(TOOL, at=NOW - 850, session="s1"),), sessions=(LIVE,),
    turns=(Turn("s1", NOW - 860),),
)  # fmt: skip
"""A person's own session whose tool does not end."""
IDLE = MachineStatus(work={"@a": 0.0})


def test_a_tool_that_hangs_in_a_session_of_ones_own_is_silence_while_its_program_runs() -> None:
    status = state(HANGS, NOW, POLICY, IDLE)
    assert (status.state, status.since) == (State.SILENT, NOW - 50)
    assert "an interactive session" in status.reason and status.reason.endswith("last in Bash: make")
    assert state(HANGS, NOW - 51, POLICY, IDLE).state is State.IN_TOOL


GONE = {
    "its program": replace(HANGS, sessions=()),
    "its program, and another began": replace(HANGS, sessions=(LiveSession(21, NOW - 800),)),
    "its program, and another session lives": replace(HANGS, sessions=(LiveSession(21, NOW - 5000, "s2"),)),
    "its turn": replace(HANGS, turns=(Turn("s1", NOW - 860, ended=NOW - 840),)),
}


@pytest.mark.parametrize("case", GONE)
def test_where_nobody_can_end_the_tool_any_more_the_agent_is_idle(case: str) -> None:
    assert state(GONE[case], NOW, POLICY, IDLE).state is State.IDLE


def test_a_tool_that_hangs_in_one_of_two_sessions_is_silence_whatever_the_other_does() -> None:
    named = (LiveSession(20, NOW - 5000, "s1"), LiveSession(21, NOW - 900, "s2"))
    turns = (Turn("s1", NOW - 860), Turn("s2", NOW - 845, ended=NOW - 840))
    two = replace(HANGS, sessions=named, turns=turns, turn_open=False)
    assert state(two, NOW, POLICY, IDLE).state is State.SILENT
    assert root_of(two) == 20 and root_of(replace(two, sessions=named[1:])) == 0
    assert root_of(RUNNING) == OURS.pid


def test_nobody_is_called_silent_in_a_session_that_was_not_looked_at_yet() -> None:
    assert state(HANGS, NOW, POLICY, MachineStatus(work={})).state is State.IN_TOOL


def test_a_call_past_its_own_timeout_is_silent_whatever_its_processes_do() -> None:
    timed = replace(RUNNING, last_active=NOW - 151, open=(replace(TOOL, at=NOW - 151, timeout=120.0),))
    status = state(timed, NOW, POLICY, MachineStatus(work={"@a": NOW - 1}))
    assert (status.state, status.since) == (State.SILENT, NOW - 1)
    assert status.reason == "Report, attempt 2/3: past its own timeout of 2 min in Bash: make"
    assert state(timed, NOW - 2, POLICY).state is State.IN_TOOL
    back = MachineStatus(work={"@a": 0.0}, gaps=((NOW - 100, NOW - 10),))
    assert state(timed, NOW + 139, POLICY, back).state is State.IN_TOOL, "it slept"
    assert state(timed, NOW + 141, POLICY, back).state is State.SILENT


def test_silence_of_zero_means_never() -> None:
    assert state(replace(RUNNING, last_active=1.0), NOW, Alarms(silence=0.0)).state is State.WORKING


def test_what_is_expected_is_told_in_words() -> None:
    assert expected_work(RUNNING) == "Report, attempt 2/3"
    assert expected_work(replace(FREE, lock=FOREIGN)) == "manual wake"
    assert expected_work(SESSION) == "an interactive session"
    assert expected_work(FREE) == ""


SILENT = replace(RUNNING, last_active=NOW - 301)


def test_work_of_its_processes_is_a_sign_of_life() -> None:
    """A long build says nothing: its CPU does."""
    assert state(SILENT, NOW, POLICY, MachineStatus(work={"@a": NOW - 3})).state is State.WORKING
    assert state(SILENT, NOW + 290, POLICY, MachineStatus(work={"@a": NOW - 3})).state is State.WORKING
    assert state(SILENT, NOW + 298, POLICY, MachineStatus(work={"@a": NOW - 3})).state is State.SILENT
    assert state(SILENT, NOW, POLICY, MachineStatus(work={"@a": 0.0})).state is State.SILENT


def test_nobody_is_called_silent_whose_processes_were_not_looked_at_yet() -> None:
    assert state(SILENT, NOW, POLICY, MachineStatus(work={})).state is State.WORKING


def test_after_a_sleep_of_the_machine_an_agent_has_its_whole_time_again() -> None:
    slept = MachineStatus(gaps=((NOW - 200, NOW - 10),))
    assert state(SILENT, NOW, POLICY, slept).state is State.WORKING
    assert state(SILENT, NOW + 289, POLICY, slept).state is State.WORKING
    assert state(SILENT, NOW + 291, POLICY, slept).state is State.SILENT


def test_who_was_silent_before_the_sleep_is_silent_after_it() -> None:
    slept = MachineStatus(gaps=((NOW + 100, NOW + 9000),))
    assert state(SILENT, NOW + 9001, POLICY, slept).state is State.SILENT


def test_two_sleeps_count_one_after_the_other() -> None:
    slept = MachineStatus(gaps=((NOW - 200, NOW + 1000), (NOW + 1100, NOW + 5000)))
    assert state(SILENT, NOW + 5200, POLICY, slept).state is State.WORKING
    assert state(SILENT, NOW + 5301, POLICY, slept).state is State.SILENT


def test_a_clock_set_back_makes_nobody_silent_and_hides_no_silence_for_long() -> None:
    back = MachineStatus(gaps=((NOW, NOW - 3600),))
    later = NOW - 3600
    assert state(RUNNING, later + 299, POLICY, back).state is State.WORKING
    assert state(RUNNING, later + 301, POLICY, back).state is State.SILENT
    heard = replace(RUNNING, activities=(act(Kind.TOOL_DONE, later + 200), act(Kind.TOOL_DONE, NOW - 10)))
    assert state(heard, later + 301, POLICY, back).state is State.WORKING
    assert state(SILENT, later + 1, POLICY, back).state is State.SILENT


def test_an_expectation_says_which_signs_would_do() -> None:
    def said(facts: AgentFacts) -> str:
        return expected_signs(facts, stated(facts, NOW, POLICY))

    assert "end of Bash: make" in said(replace(RUNNING, open=(TOOL,)))
    assert "compaction" in said(replace(RUNNING, open=(act(Kind.COMPACT, NOW - 5),)))
    assert "subagent" in said(replace(RUNNING, open=(act(Kind.SUBAGENT, NOW - 5),)))
    assert "CPU" in said(RUNNING)
    assert "first sign" in said(replace(RUNNING, run=run(Phase.STARTING)))
    assert "next attempt" in said(replace(RUNNING, run=run(Phase.WAITING, next_at=NOW)))


def test_nothing_is_expected_of_who_is_idle_or_in_a_session_of_the_operators_own() -> None:
    for facts in (FREE, SESSION, replace(FREE, run=run(Phase.COMPLETED))):
        assert expectation(facts, stated(facts, NOW, POLICY), NOW, POLICY) is None
