"""Ask a run that waits for a limit to go on now, limit or not: its next attempt shows whether it still stands."""

from __future__ import annotations

from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs.branch_lock import current_lock
from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder
from mailcore.model.run import Run
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


def ask_to_go_on(workspace: Workspace, agent: Agent, run: Run, by: str) -> bool:
    """True if it was asked, and its supervisor is there to hear it; False, and nothing done, of any other run."""
    with gate(workspace, agent):  # its journal may be written anew at this moment, for a new supervisor
        lock = current_lock(agent)
        if lock is None or lock.run_id != run.run_id or lock.holder is not Holder.ALIVE:
            return False
        journal.append_record(agent.runs_dir / run.run_id / RUN_JOURNAL, {"event": "go_on", "by": by})
    audit.record(workspace, by, "go_on", agent=agent.address, run=run.run_id)
    return True
