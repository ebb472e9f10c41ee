"""What ended while the operator was away, and that no mail tells: tasks that were done without a reply."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.dispatch.runs.run_list import read_run, run_ids
from mailcore.model.run import Phase, Run
from mailcore.text import counted, line
from mailcore.text.units import clock_time
from mailcore.workspace.find import Workspace

MAX_RUNS_BACK = 200
"""Runs of one agent that are looked at, the newest."""
MAX_TOLD = 20
"""Of what is found, so much is told one by one."""


def done_without_reply(workspace: Workspace, since: float) -> list[Run]:
    """The runs that ended well since then (seconds since the epoch) without an answer to their task, oldest first."""
    found = (run for agent in workspace.agents for run in _ended(workspace, agent.address, since))
    return sorted(found, key=lambda run: run.since)


def _ended(workspace: Workspace, address: str, since: float) -> Iterator[Run]:
    agent = workspace.agent(address)
    for run_id in reversed(run_ids(agent)[-MAX_RUNS_BACK:]):
        run = read_run(agent.runs_dir / run_id)
        if run is None or run.phase is not Phase.COMPLETED or run.since < since:
            continue
        if run.message_id and not (run.replied or run.delegated):
            yield run


def summary(runs: list[Run]) -> list[str]:
    """Those in lines for a person; none where there are none."""
    if not runs:
        return []
    head = f"while you were away {counted(len(runs), 'task was', 'tasks were')} done without a reply:"
    told = [f"  {clock_time(run.since)} {run.target} {line(run.subject, 60) or 'a task'}" for run in runs[-MAX_TOLD:]]
    more = [f"  and {len(runs) - MAX_TOLD} before; `mailcore tasks` has all"] if len(runs) > MAX_TOLD else []
    return [head, *told, *more]
