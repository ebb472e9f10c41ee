"""What an agent is doing: `state(facts, now, policy, machine_status)`. Pure, and the one place that decides it.

Only structured facts count: the mailbox, the lock, the journal of the run, the hook events. DESIGN's order of
precedence is the order of the functions below. Silence comes last: it is the state of an agent of which something is
expected (`silence`) that did not come in the time that its phase allows.
"""

from __future__ import annotations

import math

from mailcore.config import Alarms
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.lock import Holder, Lock
from mailcore.model.machine_status import MachineStatus
from mailcore.model.message import MailboxStatus
from mailcore.model.run import Phase, Run
from mailcore.observe.awaiting_answer import request_status, wait_status
from mailcore.observe.open_work import TURNS
from mailcore.observe.own_sessions import session_at_work
from mailcore.observe.permission_requests import asked_of_operator
from mailcore.observe.silence import NO_MACHINE_STATUS, expectation, expected_work, last_sign, silence_limit, spins_at
from mailcore.observe.your_move import MAX_WORDS, open_moves
from mailcore.text import line
from mailcore.text.masks import masked
from mailcore.text.questions import question_in
from mailcore.text.units import clock_time, duration, soon

GRACE = 5.0
"""Lock and journal are two files: for so long one of them may be there without the other."""
WAIT_KEPT = 12 * 3600.0
"""A session without a lock that asked its operator: after so long it is taken as gone."""


def state(facts: AgentFacts, now: float, policy: Alarms, machine_status: MachineStatus = NO_MACHINE_STATUS) -> Status:
    """The state of one agent at `now`. `policy`: how long without a sign of life is too long."""
    status = stated(facts, now, policy)
    due = expectation(facts, status, now, policy, machine_status)
    if due is None or now <= due.silent_at:
        return status
    if machine_status.work is not None and facts.address not in machine_status.work:
        return status  # its processes may be at work without a word: they are looked at first
    tool = facts.tool.text if status.state is State.IN_TOOL and facts.tool is not None else ""
    task = status.reason if status.state is not State.IN_TOOL else expected_work(facts)
    if due.timeout:
        return Status(State.SILENT, f"{task}: past its own timeout of {duration(due.timeout)} in {tool}", due.silent_at)
    where = f", last in {tool}" if tool else ""
    reason = f"{task}: no sign of life since {clock_time(due.last)}, more than {duration(due.limit)}{where}"
    return Status(State.SILENT, reason, due.silent_at)


def next_due(facts: AgentFacts, now: float, policy: Alarms, machine_status: MachineStatus = NO_MACHINE_STATUS) -> float:
    """From when on the agent is silent, or spins if its processes use the CPU; infinite where nothing is due of it.

    Of what its processes did nothing counts: so it is known whose are to be looked at.
    """
    status = stated(facts, now, policy)
    due = expectation(facts, status, now, policy, machine_status)
    return min(due.silent_at, spins_at(facts, status, now, policy)) if due is not None else math.inf


def stated(facts: AgentFacts, now: float, policy: Alarms) -> Status:
    """The state as the files report it, silence aside."""
    if facts.mailbox.status is MailboxStatus.UNREADABLE:
        return Status(State.UNREADABLE, facts.mailbox.reason)
    if facts.lock is not None:
        return _locked(facts, facts.lock, now)
    if facts.permissions:
        return _asking(facts)
    if facts.held:
        return Status(State.HELD, facts.held)
    return _unlocked(facts, now, policy)


def _locked(facts: AgentFacts, lock: Lock, now: float) -> Status:
    if lock.holder is Holder.DEAD:
        who = f"the supervisor (PID {lock.pid}) is gone" if lock.pid else "the lock names no process"
        return Status(
            State.ORPHANED, f"{who}, its lock stayed; a retry starts anew, a kill cleans up", last_sign(facts)
        )
    if lock.holder is Holder.UNKNOWN:
        # read_lock gives no time where the file itself cannot be read.
        return Status(State.STARTING if lock.at else State.UNREADABLE, lock.subject, lock.at)
    if facts.permissions:
        return _asking(facts)
    run = facts.run
    if lock.run_id:
        if run is not None and run.run_id == lock.run_id:
            return _phase(facts, run)
        if now - lock.at < GRACE:
            return Status(State.STARTING, f"{lock.subject or 'a run'} is being prepared", lock.at)
        return _at_work(facts, lock.at, f"a run without a journal (PID {lock.pid})")
    subject = f"{run.subject}, " if run is not None and run.foreign and run.subject and not run.phase.ended else ""
    return _at_work(facts, lock.at, f"{subject}started by another program (PID {lock.pid})")


def _phase(facts: AgentFacts, run: Run) -> Status:
    """The state that the journal of a run reports while its supervisor lives."""
    subject = run.subject or "a task"
    number = run.place(run.attempt) if run.attempt is not None else 0
    match run.phase:
        case Phase.QUEUED:
            return Status(State.STARTING, f"{subject}: the supervisor has begun", run.since)
        case Phase.STARTING:
            reason = f"{subject}: attempt {number}/{run.attempts_allowed}, no sign of life yet"
            return Status(State.STARTING, reason, run.since)
        case Phase.WAITING if run.limited:
            when = f"until {soon(run.resets_at)}" if run.resets_at else f"no reset known, next try {soon(run.next_at)}"
            return Status(State.LIMITED, f"{when}: {run.reason or 'a limit'}", run.since)
        case Phase.WAITING:
            at = f" at {clock_time(run.next_at)}" if run.next_at else ""
            reason = f"{run.reason or 'the last attempt failed'}; attempt {number + 1}/{run.attempts_allowed}{at}"
            return Status(State.RETRYING, reason, run.since)
        case Phase.RUNNING:
            return _at_work(facts, run.since, f"{subject} (attempt {number}/{run.attempts_allowed})")
        case _:
            return _ended(run)


def _at_work(facts: AgentFacts, began: float, task: str) -> Status:
    """Expected to work since `began`: is it waiting, in a tool, or just working?"""
    began_second = int(began)  # locks and hooks may be stamped in whole seconds
    if facts.waiting is not None and facts.waiting.at >= began_second:
        return _asking(facts)
    if (for_an_answer := request_status(facts) or wait_status(facts)) is not None:
        return for_an_answer
    if facts.tool is not None and facts.tool.at >= began_second:
        return Status(State.IN_TOOL, facts.tool.text or facts.tool.tool, facts.tool.at)
    return Status(State.WORKING, task, began)


def _asking(facts: AgentFacts) -> Status:
    oldest, *more = asked_of_operator(facts)
    return Status(State.WAITING, f"{oldest.words} (and {len(more)} more)" if more else oldest.words, oldest.at)


def _unlocked(facts: AgentFacts, now: float, policy: Alarms) -> Status:
    run = facts.run
    if run is not None and not run.phase.ended:
        if run.phase is Phase.QUEUED:
            return Status(State.IDLE, f"queued: {run.subject or 'a task'}", run.since)
        if now - run.since > GRACE:
            reason = f"{run.subject or 'a run'} is open and nobody holds its lock; a retry starts anew"
            return Status(State.ORPHANED, reason, run.since)
        return _phase(facts, run)
    ended = run.since if run is not None else 0.0
    if interactive := _interactive(facts, ended, now, policy):
        return interactive
    # A session of the operator's own, after the run: the outcome is old news.
    if run is not None and not any(a.at > ended and a.kind in TURNS for a in facts.activities):
        return _ended(run)
    if moves := open_moves(facts):
        return Status(State.IDLE, f"your move: {moves[-1].words}", moves[-1].turn.ended)
    if facts.mailbox.status is MailboxStatus.MISSING and not facts.agent.is_session:
        return Status(State.IDLE, "no mailbox yet", facts.last_active)
    return Status(State.IDLE, "", facts.last_active)


def _interactive(facts: AgentFacts, ended: float, now: float, policy: Alarms) -> Status | None:
    """The state of a session that no supervisor started, None if there is none, or nobody is in it."""
    if facts.waiting is not None and facts.waiting.at > ended and now - facts.waiting.at < WAIT_KEPT:
        return _asking(facts)
    if facts.last_active <= ended:
        return None
    if session_at_work(facts) is None and (not facts.turn_open or now > idle_at(facts, policy)):
        return None
    if facts.tool is not None:
        return Status(State.IN_TOOL, facts.tool.text or facts.tool.tool, facts.tool.at)
    turn = max((a.at for a in facts.activities if a.kind in TURNS), default=facts.last_active)
    return Status(State.WORKING, "an interactive session", turn)


def idle_at(facts: AgentFacts, policy: Alarms) -> float:
    """From when on nobody is taken to be in a session that a person began and whose program is not known, if it shows
    no life: the program is gone, or its person ended the turn, of which not every program says a word."""
    return facts.last_active + (silence_limit(facts, 0.0, policy) or math.inf)


def _ended(run: Run) -> Status:
    subject = run.subject or "a task"
    match run.phase:
        case Phase.KILLED:
            why = f": {run.reason}" if run.reason else ""
            return Status(State.KILLED, f"{subject}, killed by {run.by or 'unknown'}{why}", run.since)
        case Phase.BOUNCED:
            return Status(State.FAILED, f"{subject}: {run.reason or 'no reason given'}", run.since)
        case _:
            question = line(masked(question_in(run.result)), MAX_WORDS)
            unanswered = bool(run.message_id) and not (run.foreign or run.replied or run.delegated)
            words = (subject, "without a reply" if unanswered else "", f"asks: {question}" if question else "")
            return Status(State.DONE, ", ".join(filter(None, words)), run.since)
