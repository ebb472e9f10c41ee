"""What a screen or guard does by itself for agents.

It ends and reports runs whose supervisor died or stands still, or lets them go on; and it lets requests lapse that
nobody decided in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailcore.mail import approval_expiry
from mailcore.model.fleet import AgentFacts
from mailcore.model.lock import Holder
from mailcore.model.run import Phase
from mailcore.system.processes import stopped


def recover_runs(root: Path, agents: Iterable[AgentFacts]) -> str:
    """Recover the runs of these agents; what could not be done, in words. For a worker thread: it may wait."""
    due = {facts.address for facts in agents if _is_due(facts)}
    if not due and not approval_expiry.is_any_due(root / ".praxmonitor"):
        return ""
    from mailcore.config import read_config_or_defaults
    from mailcore.dispatch.recovery import recover
    from mailcore.workspace.find import workspace_at

    workspace = workspace_at(root)
    config, _ = read_config_or_defaults(workspace.config_file)
    return "; ".join(recover(workspace, config, [agent for agent in workspace.agents if agent.address in due]))


class AipassRecorder:
    """Records in a workspace what AIPass did, once it is seen."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marks: dict[str, int] = {}

    def record(self) -> None:
        """Record what changed since the last call. May wait for a disk: for a worker thread."""
        from mailcore.dispatch.aipass.recorder import record_acts
        from mailcore.workspace.find import workspace_at

        if (self._root / ".praxmonitor").is_dir():
            record_acts(workspace_at(self._root), marks=self._marks)


def _is_due(facts: AgentFacts) -> bool:
    lock, run = facts.lock, facts.run
    if lock is not None:
        return lock.holder is Holder.DEAD or (lock.holder is Holder.ALIVE and stopped(lock.pid))
    return run is not None and not run.foreign and not run.phase.ended and run.phase is not Phase.QUEUED
