"""What an agent is doing: `state(facts, now, silence)`. Pure, and the one place that decides it.

Only structured facts count: the mailbox, the lock, the journal of the run, the hook events. DESIGN's order of
precedence is the order of the functions below.
"""

from __future__ import annotations

import time

from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import MailboxStatus
from mailcore.model.run import Holder, Lock, Phase, Run
from mailcore.observe.begun import TURNS

GRACE = 5.0
"""Lock and journal are two files: for so long one of them may be there without the other."""
WAIT_KEPT = 12 * 3600.0
"""A session without a lock that asked its operator: after so long it is taken as gone."""


def state(facts: AgentFacts, now: float, silence: float) -> Status:
    """The state of one agent at `now`. `silence`: seconds without a sign of life that are too long, 0 for never."""
    if facts.mailbox.status is MailboxStatus.UNREADABLE:
        return Status(State.UNREADABLE, facts.mailbox.reason)
    if facts.lock is not None:
        return _locked(facts, facts.lock, now, silence)
    if facts.held:
        return Status(State.HELD, facts.held)
    return _unlocked(facts, now, silence)


def expected(facts: AgentFacts) -> str:
    """What the agent should be at, in words; empty where nothing says."""
    run = facts.run
    if run is not None and not run.phase.ended and (facts.lock is None or run.foreign or facts.lock.run_id):
        attempt = f", attempt {run.attempt.number}/{run.attempts_allowed}" if run.attempt is not None else ""
        return f"{run.subject or 'a task'}{attempt}"
    if facts.lock is not None:
        return facts.lock.subject or "a run of another program"
    return "an interactive session" if facts.turn_open else ""


def last_sign(facts: AgentFacts) -> float:
    """The newest sign of life of an agent at work: its own, its run's, or at least the start of its work."""
    signs = [facts.last_active]
    if facts.run is not None and not facts.run.phase.ended:
        signs.append(facts.run.last_act)
        if facts.run.attempt is not None:
            signs += (facts.run.attempt.started_at, facts.run.attempt.running_at)
    if facts.lock is not None:
        signs.append(facts.lock.at)
    return max(signs)


def _locked(facts: AgentFacts, lock: Lock, now: float, silence: float) -> Status:
    if lock.holder is Holder.DEAD:
        who = f"the supervisor (PID {lock.pid}) is gone" if lock.pid else "the lock names no process"
        return Status(
            State.ORPHANED, f"{who}, its lock stayed; retry (r) starts anew, kill cleans up", last_sign(facts)
        )
    if lock.holder is Holder.UNKNOWN:
        # read_lock gives no time where the file itself cannot be read.
        return Status(State.STARTING if lock.at else State.UNREADABLE, lock.subject, lock.at)
    run = facts.run
    if lock.run_id:
        if run is not None and run.run_id == lock.run_id:
            return _phase(facts, run, now, silence)
        if now - lock.at < GRACE:
            return Status(State.STARTING, f"{lock.subject or 'a run'} is being prepared", lock.at)
        return _at_work(facts, lock.at, f"a run without a journal (PID {lock.pid})", now, silence)
    subject = f"{run.subject}, " if run is not None and run.foreign and run.subject and not run.phase.ended else ""
    return _at_work(facts, lock.at, f"{subject}started by another program (PID {lock.pid})", now, silence)


def _phase(facts: AgentFacts, run: Run, now: float, silence: float) -> Status:
    """The state that the journal of a run tells while its supervisor lives."""
    subject = run.subject or "a task"
    number = run.attempt.number if run.attempt is not None else 0
    match run.phase:
        case Phase.QUEUED:
            return Status(State.STARTING, f"{subject}: the supervisor has begun", run.since)
        case Phase.STARTING:
            reason = f"{subject}: attempt {number}/{run.attempts_allowed}, no sign of life yet"
            return Status(State.STARTING, reason, run.since)
        case Phase.WAITING:
            at = f" at {_clock(run.next_at)}" if run.next_at else ""
            reason = f"{run.reason or 'the last attempt failed'}; attempt {number + 1}/{run.attempts_allowed}{at}"
            return Status(State.LIMITED if run.limited else State.RETRYING, reason, run.since)
        case Phase.RUNNING:
            return _at_work(facts, run.since, f"{subject} (attempt {number}/{run.attempts_allowed})", now, silence)
        case _:
            return _ended(run)


def _at_work(facts: AgentFacts, began: float, task: str, now: float, silence: float) -> Status:
    """Expected to work since `began`: is it waiting, silent, in a tool, or just working?"""
    began_second = int(began)  # locks and hooks may be stamped in whole seconds
    if facts.waiting is not None and facts.waiting.at >= began_second:
        return Status(State.WAITING, facts.waiting.text, facts.waiting.at)
    tool = facts.tool if facts.tool is not None and facts.tool.at >= began_second else None
    last = max(last_sign(facts), began)
    if silence and now - last > silence:
        where = f", last in {tool.text}" if tool is not None else ""
        reason = f"{task}: no sign of life since {_clock(last)}, more than {_span(silence)}{where}"
        return Status(State.SILENT, reason, last + silence)
    if tool is not None:
        return Status(State.IN_TOOL, tool.text or tool.tool, tool.at)
    return Status(State.WORKING, task, began)


def _unlocked(facts: AgentFacts, now: float, silence: float) -> Status:
    run = facts.run
    if run is not None and not run.phase.ended:
        if run.phase is Phase.QUEUED:
            return Status(State.IDLE, f"queued: {run.subject or 'a task'}", run.since)
        if now - run.since > GRACE:
            reason = f"{run.subject or 'a run'} is open and nobody holds its lock; retry (r) starts anew"
            return Status(State.ORPHANED, reason, run.since)
        return _phase(facts, run, now, silence)
    ended = run.since if run is not None else 0.0
    if interactive := _interactive(facts, ended, now, silence):
        return interactive
    # A session of the operator's own, after the run: the outcome is old news.
    if run is not None and not any(a.at > ended and a.kind in TURNS for a in facts.activities):
        return _ended(run)
    if facts.mailbox.status is MailboxStatus.MISSING:
        return Status(State.IDLE, "no mailbox yet", facts.last_active)
    return Status(State.IDLE, "", facts.last_active)


def _interactive(facts: AgentFacts, ended: float, now: float, silence: float) -> Status | None:
    """The state of a session that no supervisor started, None if there is none or it went quiet."""
    if facts.waiting is not None and facts.waiting.at > ended and now - facts.waiting.at < WAIT_KEPT:
        return Status(State.WAITING, facts.waiting.text, facts.waiting.at)
    if not facts.turn_open or facts.last_active <= ended or (silence and now - facts.last_active > silence):
        return None
    if facts.tool is not None:
        return Status(State.IN_TOOL, facts.tool.text or facts.tool.tool, facts.tool.at)
    turn = max((a.at for a in facts.activities if a.kind in TURNS), default=facts.last_active)
    return Status(State.WORKING, "an interactive session", turn)


def _ended(run: Run) -> Status:
    subject = run.subject or "a task"
    match run.phase:
        case Phase.KILLED:
            why = f": {run.reason}" if run.reason else ""
            return Status(State.KILLED, f"{subject}, killed by {run.by or 'unknown'}{why}", run.since)
        case Phase.BOUNCED:
            return Status(State.FAILED, f"{subject}: {run.reason or 'no reason given'}", run.since)
        case _:
            return Status(State.DONE, subject, run.since)


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
