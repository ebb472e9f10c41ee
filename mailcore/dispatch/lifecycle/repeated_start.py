"""Find the run that an interrupted call had already begun, so that the repeated call starts nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mailcore.dispatch.lifecycle.start import undo_unsupervised
from mailcore.dispatch.runs.run_list import first_record_of_run, read_run, run_ids
from mailcore.mail.resumable_act import Act
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace

START_STEP = "start"


def earlier_run(workspace: Workspace, agent: Agent, is_it: Callable[[Mapping[str, Any]], object]) -> str:
    """The newest run of an agent whose first record is the one looked for; empty where it never came to be.

    One whose beginner died before it had a supervisor is unmade, and is none.
    """
    for run_id in reversed(run_ids(agent)):
        if not is_it(first_record_of_run(agent.runs_dir / run_id)):
            continue
        run = read_run(agent.runs_dir / run_id)
        if run is None or undo_unsupervised(workspace, agent, run):
            continue
        if run.attempts or not run.phase.ended:  # else its end was reported, before it began
            return run_id
    return ""


def earlier_run_of_act(
    workspace: Workspace, agent: Agent, act: Act, is_it: Callable[[Mapping[str, Any]], object]
) -> str:
    """The run that an earlier call of the same act had begun; empty where it had not, and the act is noted as begun."""
    step = f"{START_STEP} {agent.address}"
    noted = act.recall(step)
    if noted is None:
        act.remember(step, {"before": run_ids(agent)[-1:]})
        return ""
    before = noted.get("before") or [""]
    return earlier_run(workspace, agent, lambda first: first.get("run_id", "") > before[0] and is_it(first))
