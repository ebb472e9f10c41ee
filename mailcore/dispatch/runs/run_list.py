"""Which runs there were: of our journals, and of AIPass's register. Reads only."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailcore.dispatch.aipass import register
from mailcore.exceptions import Refused
from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.run import RUN_ID, Phase, Run, from_records
from mailcore.observe.aipass_runs import runs_by_id
from mailcore.system.processes import alive, hidden
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import normal_address


def run_ids(agent: Agent) -> list[str]:
    """The ids of an agent's runs of ours, oldest first."""
    try:
        return sorted(filter(RUN_ID.fullmatch, os.listdir(agent.runs_dir)))  # noqa: PTH208 (names only)
    except (FileNotFoundError, NotADirectoryError):
        return []


def journal_records(run_dir: Path) -> list[dict[str, Any]]:
    """What the journal of a run says; nothing where it was removed, or cannot be read: others' runs go on."""
    try:
        return journal.read_records(run_dir / RUN_JOURNAL)
    except OSError:
        return []


def first_record_of_run(run_dir: Path) -> dict[str, Any]:
    """The first record of a run's journal, who asked for what; empty where `journal_records` is."""
    try:
        return journal.first_record(run_dir / RUN_JOURNAL)
    except OSError:
        return {}


def last_run(agent: Agent) -> Run | None:
    """The newest run of ours of an agent; run ids sort by time."""
    for run_id in reversed(run_ids(agent)):
        run = read_run(agent.runs_dir / run_id)
        if run is not None:
            return run
    return None


def _last_as(agent: Agent, address: str) -> Run | None:
    """The newest run in an agent's directory that was of an agent of that address."""
    for run_id in reversed(run_ids(agent)):
        run = read_run(agent.runs_dir / run_id)
        if run is not None and run.target == address:
            return run
    return None


def read_run(run_dir: Path) -> Run | None:
    """The run whose journal lies in `run_dir`."""
    return from_records(journal_records(run_dir))


def as_monitored(run: Run) -> Run:
    """A run of AIPass's as it stands: one whose monitor is gone has failed, since none will close it."""
    pid = run.supervisor_pid
    if run.phase.ended or not pid or alive(pid) or hidden(pid):
        return run
    return replace(run, phase=Phase.BOUNCED, reason=f"its monitor (PID {pid}) is gone")


def aipass_runs(workspace: Workspace, agent: Agent) -> list[Run]:
    """The agent's runs that AIPass started, oldest first. One whose monitor is gone has failed: none will close it."""
    found = []
    for run in runs_by_id(register.register_rows(workspace)).values():
        if run.target != agent.address or (agent.runs_dir / run.run_id).exists():
            continue
        found.append(as_monitored(run))
    return sorted(found, key=lambda run: run.created_at)


def _recorded(workspace: Workspace, run_id: str) -> Run | None:
    """A run of AIPass's that its register does not tell of any more, as our audit does."""
    from mailcore.dispatch.aipass import recorder

    rows = [row for row in recorder.recorded_runs(workspace) if row["dispatch_id"] == run_id]
    run = runs_by_id(rows).get(run_id)
    result = next((row["result"] for row in reversed(rows) if row["result"]), "")
    return None if run is None else replace(run, result=str(result))


def find_run(workspace: Workspace, target: str) -> tuple[Agent, Run | None]:
    """`@a` → the agent and its newest run; a run id → its agent and that run. Ours or AIPass's.

    Of agents that were removed or renamed too: there the agent is the one in whose directory the run lies.
    """
    everyone = (*workspace.agents, *workspace.former_agents())
    if not target.startswith("@"):
        for agent in everyone:
            if "/" not in target and (agent.runs_dir / target / RUN_JOURNAL).is_file():
                return agent, read_run(agent.runs_dir / target)
        for agent in everyone:
            named = next((run for run in aipass_runs(workspace, agent) if run.run_id == target), None)
            if named is not None:
                return agent, named
        if (trimmed := _recorded(workspace, target)) is not None:
            known = (agent for agent in everyone if agent.address == trimmed.target)
            return next(known, everyone[0] if everyone else workspace.operator), trimmed
    try:
        agent = workspace.agent(target)
    except Refused:
        own = [(one, run) for one in everyone if (run := _last_as(one, normal_address(target))) is not None]
        if not own:
            raise
        return max(own, key=lambda found: found[1].created_at)
    newest = [run for run in (last_run(agent), *aipass_runs(workspace, agent)[-1:]) if run is not None]
    return agent, max(newest, key=lambda run: run.created_at, default=None)
