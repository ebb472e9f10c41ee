"""Which sign of life is due of an agent, and until when: by its phase, what is open, and how the clock went. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mailcore.config import Alarms
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.lock import Lock
from mailcore.model.machine_status import MachineStatus, counted_from
from mailcore.observe.awaiting_answer import current_wait

NO_MACHINE_STATUS = MachineStatus()
EXPECTED_STATES = (State.STARTING, State.WORKING, State.IN_TOOL, State.RETRYING, State.LIMITED)
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


def expectation(
    facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus = NO_MACHINE_STATUS
) -> Expectation | None:
    """The sign of life that is due of an agent in this state.

    None: none, as of every session that no run started, and of an agent that waits for another.
    """
    lock, run = facts.lock, facts.run
    if lock is None or not lock.runs or status.state not in EXPECTED_STATES:
        return None
    if status.state is State.WORKING and current_wait(facts) is not None:
        return None
    match status.state:
        case State.STARTING:
            last, limit = status.since, policy.silence_start
        case State.RETRYING | State.LIMITED:
            last, limit = (run.next_at if run is not None else 0.0) or status.since, policy.silence_start
        case _:
            began = status.since if status.state is State.WORKING else _began(facts, lock)
            # Whoever was given a decision has its whole time from there.
            last, limit = max(last_sign(facts), began, facts.answered), silence_limit(facts, int(began), policy)
    work = machine_status.work.get(facts.address, 0.0) if machine_status.work is not None else 0.0
    limit = limit or math.inf
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


def _began(facts: AgentFacts, lock: Lock) -> float:
    """When the work began that the lock stands for."""
    run = facts.run
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
