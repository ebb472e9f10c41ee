"""Which sign of life is due of an agent, and until when: by its phase, what is open, and how the clock went. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mailcore.config import Alarms
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.lock import Lock
from mailcore.model.machine_status import MachineStatus, counted_from
from mailcore.model.run import Run
from mailcore.observe.awaiting_answer import current_wait
from mailcore.observe.own_sessions import session_at_work

NO_MACHINE_STATUS = MachineStatus()
TIMEOUT_GRACE = 30.0
"""Seconds past a call's own timeout in which its program ends it and says so."""
WORKS_STILL = 60.0
"""Seconds since its processes were last seen to work in which they count as being at it still."""
EXPECTED_STATES = (State.STARTING, State.WORKING, State.IN_TOOL, State.RETRYING, State.LIMITED)
"""States in which a sign of life is due."""
AT_WORK = (State.WORKING, State.IN_TOOL)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A sign of life that is due."""

    last: float
    """When the newest one came, or its work began; seconds since the epoch."""
    limit: float
    """Seconds that may pass without one; infinite for any time."""
    timeout: float = 0.0
    """The tool's own timeout, in seconds, if that is what ends the time; else 0.0."""

    @property
    def silent_at(self) -> float:
        """From when on the agent is silent, if none comes."""
        return self.last + self.limit


def expectation(
    facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus = NO_MACHINE_STATUS
) -> Expectation | None:
    """The sign of life that is due of an agent in this state.

    None: none, as of an agent that waits for another, and of a session that a person began while nothing in it is
    open, or whose program is gone.
    """
    lock, run = facts.lock, facts.run
    if status.state not in EXPECTED_STATES or (lock is not None and not lock.runs):
        return None
    if lock is None and (status.state not in AT_WORK or _is_open(run) or session_at_work(facts) is None):
        return None
    if status.state is State.WORKING and current_wait(facts) is not None:
        return None
    own = 0.0
    match status.state:
        case State.STARTING:
            last, limit = status.since, policy.silence_start
        case State.RETRYING | State.LIMITED:
            last, limit = (run.next_at if run is not None else 0.0) or status.since, policy.silence_start
        case _:
            began = status.since if status.state is State.WORKING and lock is not None else _began(facts, lock)
            # Whoever was given a decision has its whole time from there.
            last, limit = max(last_sign(facts), began, facts.answered), silence_limit(facts, int(began), policy)
            own = own_timeout(facts, int(began)) if limit else 0.0
    work = machine_status.work.get(facts.address, 0.0) if machine_status.work is not None else 0.0
    due = _due(facts, last, limit or math.inf, work, now, machine_status)
    if own:  # no CPU use of a call's processes is a reason to be still at it: its program was to end it
        past = _due(facts, last, own + TIMEOUT_GRACE, 0.0, now, machine_status)
        if past.silent_at < due.silent_at:
            return replace(past, timeout=own)
    return due


def _is_open(run: Run | None) -> bool:
    return run is not None and not run.phase.ended


def spins_at(
    facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus = NO_MACHINE_STATUS
) -> float:
    """From when on an agent at work that gives no sign spins, if its processes use the CPU then; infinite for never."""
    if status.state not in AT_WORK or not (limit := spin_limit(facts, policy)):
        return math.inf
    due = expectation(facts, status, now, policy, NO_MACHINE_STATUS)
    if due is None:
        return math.inf
    return counted_from(due.last, limit, machine_status.gaps) + limit


def spin_limit(facts: AgentFacts, policy: Alarms) -> float:
    """Seconds for which its processes may use the CPU without a sign of it; what an open call gives itself, it has.

    0.0: for any time.
    """
    own = own_timeout(facts, int(_began(facts, facts.lock)))
    if own and policy.spin:
        return max(policy.spin, own + TIMEOUT_GRACE)
    return policy.spin_tool if facts.tool is not None else policy.spin


def spins(facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus) -> float:
    """From when on the processes of an agent used the CPU for longer than they may without any sign of it, in seconds
    since the epoch; 0.0: they do not."""
    work = (machine_status.work or {}).get(facts.address, 0.0)
    if now - work > max(WORKS_STILL, 3 * policy.look):
        return 0.0
    since = spins_at(facts, status, now, policy, machine_status)
    return since if since <= now else 0.0


def _due(
    facts: AgentFacts, last: float, limit: float, work: float, now: float, machine_status: MachineStatus
) -> Expectation:
    """What is due `limit` seconds after the last sign or the last work, whichever came later; gaps do not count."""
    back = next((gap for gap in reversed(machine_status.gaps) if gap[1] < gap[0]), None)
    if last > now and back is not None:  # stamped before somebody set the clock back
        before, after = back
        fresh = last_sign(facts, now)
        last = fresh if fresh > after else after if last + limit > before else after - limit
        return Expectation(max(last, min(work, now)), limit)
    return Expectation(counted_from(max(last, work), limit, machine_status.gaps), limit)


def expected_work(facts: AgentFacts) -> str:
    """What the agent should be at, in words; empty where nothing says."""
    run = facts.run
    if run is not None and not run.phase.ended and (facts.lock is None or run.foreign or facts.lock.run_id):
        attempt = f", attempt {run.place(run.attempt)}/{run.attempts_allowed}" if run.attempt is not None else ""
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


def _began(facts: AgentFacts, lock: Lock | None) -> float:
    """When the work began that the lock stands for; 0.0 of a person's own session."""
    run = facts.run
    if lock is None:
        return 0.0
    return run.since if run is not None and lock.run_id == run.run_id else lock.at


def silence_limit(facts: AgentFacts, began: float, policy: Alarms) -> float:
    """Seconds without a sign that are allowed while this is open; 0.0 for any number."""
    if not facts.open:
        return policy.silence
    allowed = {
        Kind.TOOL: policy.silence_tool, Kind.SUBAGENT: policy.silence_subagent, Kind.COMPACT: policy.silence_compaction
    }  # fmt: skip
    limits = [allowed[one.kind] for one in facts.open if one.at >= began] or [policy.silence]
    return 0.0 if 0.0 in limits else max(limits)


def own_timeout(facts: AgentFacts, began: float) -> float:
    """The longest time that the open calls give themselves, in seconds; 0.0 if one of what is open does not say."""
    timeouts = [one.timeout for one in facts.open if one.at >= began]
    return max(timeouts, default=0.0) if all(timeouts) else 0.0


def expected_signs(facts: AgentFacts, status: Status) -> str:
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
