"""What prevents a start: a hold, a person's own session, a limit, a breaker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.admission import breakers, daily_cap_holds
from mailcore.dispatch.aipass import switches
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.runs import branch_lock
from mailcore.dispatch.runs.run_list import first_record_of_run, read_run
from mailcore.mail import conflicts
from mailcore.model.agent import Agent
from mailcore.model.lock import Holder, Lock
from mailcore.programs.registry import used_programs
from mailcore.text import counted
from mailcore.workspace.find import Workspace
from mailcore.workspace.holds import hold_text
from mailcore.workspace.lock_reader import read_lock, sandboxed

QUEUED_CODES = ("busy", "held", "limit", "occupied", "sandbox", "conflict")
"""What a start waits for, as `Hindrance.code`; of the others somebody has to be notified."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why an agent was not started."""

    code: str
    """`busy`, `held`, `occupied`, `limit`, `breaker`, `sandbox`, `conflict`, `manager`, `no_branch`.

    `unseen` only under the gate.
    """
    reason: str
    awaits: frozenset[int] = frozenset()
    """PIDs of other programs' processes whose end may end it, and nobody of ours is notified; 0: one not named yet."""


@dataclass(frozen=True, slots=True)
class Precheck:
    """What speaks against a start and takes long to see: looked at before the gate, weighed under it."""

    refusal: str = ""
    """Why a breaker refuses a start by itself."""
    delay: float = 0.0
    """Seconds that a start by itself has to wait, after failed runs."""
    occupied: Hindrance | None = None
    occupants_checked: bool = False
    """Whether `occupied` was looked for: not at an agent that is at work anyhow."""


def precheck(workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any]) -> Precheck:
    """Look for it; an agent that used what it may in a day is held by that. Call it before the gate is taken."""
    daily_cap_holds.enforce_daily_caps(workspace, config, agent)
    tripped, delay = "", 0.0
    if first.get("automatic"):
        tripped, delay = breakers.why_tripped(agent, config.dispatch), breakers.backoff_delay(agent, config.dispatch)
    if busy_hindrance(agent) is not None:
        return Precheck(tripped, delay)
    pids = run_processes.occupants(agent.branch, used_programs(config))
    if not pids:
        return Precheck(tripped, delay, occupants_checked=True)
    who = " ".join(map(str, pids))
    reason = f"a person's own session works in {agent.branch} (PID {who}); end it first"
    return Precheck(tripped, delay, Hindrance("occupied", reason, frozenset(pids)), occupants_checked=True)


def find_hindrance(workspace: Workspace, agent: Agent, first: Mapping[str, Any], seen: Precheck) -> Hindrance | None:
    """What stands in the way of this start of `agent`, limits apart; None if nothing does. Call it under its gate.

    `unseen`: a run ended there meanwhile, or died; it has to be cleared away, and looked again who else is there.
    """
    if not agent.branch.is_dir():
        return Hindrance("no_branch", f"{agent.address}'s directory {agent.branch} is gone")
    if sandboxed():
        # A supervisor begun in here would end with the sandbox; the one outside starts what waits when its run is over.
        return Hindrance("sandbox", "called from within a sandbox, where no run can begin")
    if taken := switches.why_never_started(workspace, agent):
        return Hindrance("manager", taken)
    if first.get("automatic") and (paused := switches.why_paused(workspace)):
        return Hindrance("held", paused)
    if reason := hold_reason(workspace, agent):
        return Hindrance("held", reason)
    if (task := first.get("message_id")) and (why := conflicts.barred_tasks(agent).get(str(task))):
        return Hindrance("conflict", why)
    if first.get("automatic") and seen.refusal:
        return Hindrance("breaker", f"{agent.address} is not started by itself any more: {seen.refusal}")
    if found := busy_hindrance(agent) or seen.occupied:
        return found
    if branch_lock.current_lock(agent) is not None or not seen.occupants_checked:
        return Hindrance("unseen", f"what has ended at {agent.address} is being cleared away", frozenset({0}))
    return None


def busy_hindrance(agent: Agent) -> Hindrance | None:
    """The run that an agent is at work on; None if it is idle."""
    lock = branch_lock.current_lock(agent)
    if lock is None or lock.holder is Holder.DEAD:
        return None
    work = f"on {lock.subject!r} " if lock.subject else ""
    awaits = frozenset() if lock.run_id else frozenset({lock.pid})
    return Hindrance("busy", f"{agent.address} is busy {work}(PID {lock.pid or '?'})", awaits)


def hold_reason(workspace: Workspace, agent: Agent) -> str:
    """Who holds the agent, itself or with all others; empty if nobody does."""
    return hold_text(agent.mail_dir, agent.address) or hold_text(workspace.state_dir, "every agent")


def is_limited(config: Config, program: str) -> bool:
    """True where the number of runs at once has a limit."""
    return bool(config.dispatch.max_runs or config.program(program).max_runs)


def limit_hindrance(workspace: Workspace, config: Config, program: str) -> Hindrance | None:
    """The limit of runs at once that one more would break. Call it under `branch_gate.places_lock`."""
    fleet, own = config.dispatch.max_runs, config.program(program).max_runs
    locks = ((agent, read_lock(agent.dispatch_lock)) for agent in workspace.agents)
    running = [(agent, lock) for agent, lock in locks if lock is not None and lock.runs and not _is_parked(agent, lock)]
    if fleet and len(running) >= fleet:
        foreign = frozenset(lock.pid for _, lock in running if not lock.run_id)
        return Hindrance(
            "limit", f"{counted(len(running), 'run')} at once, and [dispatch] max_runs is {fleet}", foreign
        )
    same = sum(_program_of(agent, lock.run_id) == program for agent, lock in running) if own else 0
    if own and same >= own:
        return Hindrance(
            "limit", f"{counted(same, program + ' run')} at once, and [programs.{program}] max_runs is {own}"
        )
    return None


def _is_parked(agent: Agent, lock: Lock) -> bool:
    """True of a run that waits for a limit of its account: it takes no place, and goes on whoever has taken its own."""
    run = read_run(agent.runs_dir / lock.run_id) if lock.run_id else None
    return run is not None and run.parked


def _program_of(agent: Agent, run_id: str) -> str:
    return str(first_record_of_run(agent.runs_dir / run_id).get("program", "")) if run_id else ""
