"""What an agent is doing: `state(facts, now, policy, senses)`. Pure, and the one place that decides it.

Only structured facts count: the mailbox, the lock, the journal of the run, the hook events. DESIGN's order of
precedence is the order of the functions below. Silence comes last: it is the state of an agent of which something is
expected (`expectation`) that did not come in the time that its phase allows.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from mailcore.config import Alarms
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import MailboxStatus
from mailcore.model.run import Holder, Lock, Phase, Run
from mailcore.model.senses import Senses, through
from mailcore.observe.begun import TURNS

GRACE = 5.0
"""Lock and journal are two files: for so long one of them may be there without the other."""
WAIT_KEPT = 12 * 3600.0
"""A session without a lock that asked its operator: after so long it is taken as gone."""
NOTHING = Senses()
EXPECTED = (State.STARTING, State.WORKING, State.IN_TOOL, State.RETRYING, State.LIMITED)
"""States in which a sign of life is due."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A sign of life that is due."""

    last: float
    """When the newest one came, or its work began; seconds since the epoch."""
    limit: float
    """Seconds that may pass without one; infinite for any time."""

    @property
    def silent_at(self) -> float:
        """From when on the agent is silent, if none comes."""
        return self.last + self.limit


def state(facts: AgentFacts, now: float, policy: Alarms, senses: Senses = NOTHING) -> Status:
    """The state of one agent at `now`. `policy`: how long without a sign of life is too long."""
    status = stated(facts, now, policy)
    due = expectation(facts, status, now, policy, senses)
    if due is None or now <= due.silent_at:
        return status
    if senses.work is not None and facts.address not in senses.work:
        return status  # its processes may be at work without a word: they are looked at first
    where = f", last in {facts.tool.text}" if status.state is State.IN_TOOL and facts.tool is not None else ""
    task = status.reason if status.state is not State.IN_TOOL else expected(facts)
    reason = f"{task}: no sign of life since {_clock(due.last)}, more than {_span(due.limit)}{where}"
    return Status(State.SILENT, reason, due.silent_at)


def expectation(
    facts: AgentFacts, status: Status, now: float, policy: Alarms, senses: Senses = NOTHING
) -> Expectation | None:
    """The sign of life that is due of an agent in this state; None: none, as of every session that no run started."""
    lock, run = facts.lock, facts.run
    if lock is None or lock.holder is not Holder.ALIVE or status.state not in EXPECTED:
        return None
    match status.state:
        case State.STARTING:
            last, limit = status.since, policy.silence_start
        case State.RETRYING | State.LIMITED:
            last, limit = (run.next_at if run is not None else 0.0) or status.since, policy.silence_start
        case _:
            began = status.since if status.state is State.WORKING else _began(facts, lock)
            last, limit = max(last_sign(facts), began), _limit(facts, int(began), policy)
    work = senses.work.get(facts.address, 0.0) if senses.work is not None else 0.0
    limit = limit or math.inf
    back = next((gap for gap in reversed(senses.gaps) if gap[1] < gap[0]), None)
    if last > now and back is not None:  # stamped before somebody set the clock back
        before, after = back
        fresh = last_sign(facts, now)
        last = fresh if fresh > after else after if last + limit > before else after - limit
        return Expectation(max(last, min(work, now)), limit)
    return Expectation(through(max(last, work), limit, senses.gaps), limit)


def expected(facts: AgentFacts) -> str:
    """What the agent should be at, in words; empty where nothing says."""
    run = facts.run
    if run is not None and not run.phase.ended and (facts.lock is None or run.foreign or facts.lock.run_id):
        attempt = f", attempt {run.attempt.number}/{run.attempts_allowed}" if run.attempt is not None else ""
        return f"{run.subject or 'a task'}{attempt}"
    if facts.lock is not None:
        return facts.lock.subject or "a run of another program"
    return "an interactive session" if facts.turn_open else ""


def last_sign(facts: AgentFacts, now: float = math.inf) -> float:
    """The newest sign of life of an agent at work: its own, its run's, or at least the start of its work.

    What is stamped later than `now` does not count: somebody set the clock back.
    """
    newest = facts.last_active
    if newest > now:
        newest = max((activity.at for activity in facts.activities if activity.at <= now), default=0.0)
    signs = [newest]
    if facts.run is not None and not facts.run.phase.ended:
        signs.append(facts.run.last_act)
        if facts.run.attempt is not None:
            signs += (facts.run.attempt.started_at, facts.run.attempt.running_at)
    if facts.lock is not None:
        signs.append(facts.lock.at)
    return max((at for at in signs if at <= now), default=0.0)


def _began(facts: AgentFacts, lock: Lock) -> float:
    """When the work began that the lock stands for."""
    run = facts.run
    return run.since if run is not None and lock.run_id == run.run_id else lock.at


def _limit(facts: AgentFacts, began: float, policy: Alarms) -> float:
    """Seconds without a sign that are allowed while this is open; 0.0 for any number."""
    if not facts.open:
        return policy.silence
    allowed = {
        Kind.TOOL: policy.silence_tool, Kind.SUBAGENT: policy.silence_subagent, Kind.COMPACT: policy.silence_compaction
    }  # fmt: skip
    limits = [allowed[one.kind] for one in facts.open if one.at >= began] or [policy.silence]
    return 0.0 if 0.0 in limits else max(limits)


def signs(facts: AgentFacts, status: Status) -> str:
    """Which signs of life are expected of an agent in this state (as `stated` gives it), in words."""
    if status.state is State.STARTING:
        return "the first sign of the attempt: a hook event or a line of output"
    if status.state in (State.RETRYING, State.LIMITED):
        return "the next attempt"
    end = ""
    if facts.compacting is not None:
        end = "the end of the compaction, "
    elif facts.subagents:
        end = "a word of its subagent, "
    elif facts.tool is not None:
        end = f"the end of {facts.tool.text or facts.tool.tool}, "
    return f"{end}a hook event, a line of its session or output, or CPU use of its processes"


def stated(facts: AgentFacts, now: float, policy: Alarms) -> Status:
    """The state as the files tell it, silence aside."""
    if facts.mailbox.status is MailboxStatus.UNREADABLE:
        return Status(State.UNREADABLE, facts.mailbox.reason)
    if facts.lock is not None:
        return _locked(facts, facts.lock, now)
    if facts.held:
        return Status(State.HELD, facts.held)
    return _unlocked(facts, now, policy)


def _locked(facts: AgentFacts, lock: Lock, now: float) -> Status:
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
            return _phase(facts, run)
        if now - lock.at < GRACE:
            return Status(State.STARTING, f"{lock.subject or 'a run'} is being prepared", lock.at)
        return _at_work(facts, lock.at, f"a run without a journal (PID {lock.pid})")
    subject = f"{run.subject}, " if run is not None and run.foreign and run.subject and not run.phase.ended else ""
    return _at_work(facts, lock.at, f"{subject}started by another program (PID {lock.pid})")


def _phase(facts: AgentFacts, run: Run) -> Status:
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
            return _at_work(facts, run.since, f"{subject} (attempt {number}/{run.attempts_allowed})")
        case _:
            return _ended(run)


def _at_work(facts: AgentFacts, began: float, task: str) -> Status:
    """Expected to work since `began`: is it waiting, in a tool, or just working?"""
    began_second = int(began)  # locks and hooks may be stamped in whole seconds
    if facts.waiting is not None and facts.waiting.at >= began_second:
        return Status(State.WAITING, facts.waiting.text, facts.waiting.at)
    if facts.tool is not None and facts.tool.at >= began_second:
        return Status(State.IN_TOOL, facts.tool.text or facts.tool.tool, facts.tool.at)
    return Status(State.WORKING, task, began)


def _unlocked(facts: AgentFacts, now: float, policy: Alarms) -> Status:
    run = facts.run
    if run is not None and not run.phase.ended:
        if run.phase is Phase.QUEUED:
            return Status(State.IDLE, f"queued: {run.subject or 'a task'}", run.since)
        if now - run.since > GRACE:
            reason = f"{run.subject or 'a run'} is open and nobody holds its lock; retry (r) starts anew"
            return Status(State.ORPHANED, reason, run.since)
        return _phase(facts, run)
    ended = run.since if run is not None else 0.0
    if interactive := _interactive(facts, ended, now, policy):
        return interactive
    # A session of the operator's own, after the run: the outcome is old news.
    if run is not None and not any(a.at > ended and a.kind in TURNS for a in facts.activities):
        return _ended(run)
    if facts.mailbox.status is MailboxStatus.MISSING:
        return Status(State.IDLE, "no mailbox yet", facts.last_active)
    return Status(State.IDLE, "", facts.last_active)


def _interactive(facts: AgentFacts, ended: float, now: float, policy: Alarms) -> Status | None:
    """The state of a session that no supervisor started, None if there is none or it went quiet."""
    if facts.waiting is not None and facts.waiting.at > ended and now - facts.waiting.at < WAIT_KEPT:
        return Status(State.WAITING, facts.waiting.text, facts.waiting.at)
    limit = _limit(facts, 0.0, policy)
    if not facts.turn_open or facts.last_active <= ended or (limit and now - facts.last_active > limit):
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
