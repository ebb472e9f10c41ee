"""What stands in the way of a start: a hold, a person's own session, a limit, a breaker. Looked at under the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailcore.config import Config
from mailcore.dispatch import breaker, process
from mailcore.dispatch.runs import records
from mailcore.holds import hold_at
from mailcore.liveness import read_lock, sandboxed
from mailcore.model.agent import Agent
from mailcore.programs.registry import used
from mailcore.text import counted
from mailcore.workspace import Workspace

WAITS = ("busy", "held", "limit", "occupied", "sandbox")
"""What a start waits for, as `Hindrance.code`; of the others somebody has to be told."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why an agent was not started."""

    code: str
    """`busy`, `held`, `occupied`, `limit`, `breaker` or `sandbox`."""
    reason: str
    awaits: frozenset[int] = frozenset()
    """PIDs of other programs' processes whose end may end it, and nobody of ours is told; 0: one not named yet."""


def hindrance(workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any]) -> Hindrance | None:
    """What stands in the way of this start of `agent`, its own lock apart; None if nothing does."""
    if sandboxed():
        # A supervisor begun in here would end with the sandbox; the one outside starts what waits when its run is over.
        return Hindrance("sandbox", "called from within a sandbox, where no run can begin")
    if held := hold_of(workspace, agent):
        return Hindrance("held", held)
    if pids := process.occupants(agent.branch, used(config)):
        who = " ".join(map(str, pids))
        return Hindrance(
            "occupied", f"a person's own session works in {agent.branch} (PID {who}); end it first", frozenset(pids)
        )
    if found := _limit(workspace, config, str(first.get("program", ""))):
        return found
    if first.get("automatic") and (reason := breaker.tripped(agent, config.dispatch)):
        return Hindrance("breaker", f"{agent.address} is not started by itself any more: {reason}")
    return None


def hold_of(workspace: Workspace, agent: Agent) -> str:
    """Who holds the agent, itself or with all others; empty if nobody does."""
    return hold_at(agent.mail_dir, agent.address) or hold_at(workspace.state_dir, "every agent")


def _limit(workspace: Workspace, config: Config, program: str) -> Hindrance | None:
    """The limit of runs at once that one more would break."""
    fleet, own = config.dispatch.max_runs, config.program(program).max_runs
    if not fleet and not own:
        return None
    locks = ((agent, read_lock(agent.dispatch_lock)) for agent in workspace.agents)
    running = [(agent, lock) for agent, lock in locks if lock is not None and lock.runs]
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


def _program_of(agent: Agent, run_id: str) -> str:
    first = records(agent.runs_dir / run_id)[:1] if run_id else []
    return str(first[0].get("program", "")) if first else ""
