"""What a screen or guard does by itself for agents.

It ends and reports runs whose supervisor died or stands still, or lets them go on; and it lets requests lapse that
nobody decided in time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from mailcore.mail import approval_expiry
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Holder
from mailcore.model.run import Phase
from mailcore.observe.file_stamps import FileStamps
from mailcore.system.processes import stopped
from mailcore.workspace.find import Workspace

RECORD_PERIOD = 60.0
"""Seconds between two looks at what AIPass did where no fleet tells of it."""


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
        self._workspace: Workspace | None = None
        self._stamps = FileStamps()
        self._recorded: Fleet | None = None
        self._recorded_at = 0.0
        """By the machine's own clock."""

    def record_after(self, fleet: Fleet) -> None:
        """Record, if the fleet is another than at the last time, or that was a minute ago: mail that AIPass delivers or
        closes changes it, and a look at everybody's mail costs."""
        now = time.monotonic()
        if fleet is not self._recorded or now - self._recorded_at >= RECORD_PERIOD:
            self.record()
            self._recorded, self._recorded_at = fleet, now

    def record(self) -> None:
        """Record what changed since the last call. May wait for a disk: for a worker thread."""
        from mailcore.dispatch.aipass.recorder import record_acts
        from mailcore.workspace.find import workspace_at

        if not (self._root / ".praxmonitor").is_dir():
            return
        if self._workspace is None or self._stamps.moved(self._workspace.registry):
            self._workspace = workspace_at(self._root)  # of 900 agents it takes 100 ms
        record_acts(self._workspace, marks=self._marks)


def _is_due(facts: AgentFacts) -> bool:
    lock, run = facts.lock, facts.run
    if lock is not None:
        return lock.holder is Holder.DEAD or (lock.holder is Holder.ALIVE and stopped(lock.pid))
    return run is not None and not run.foreign and not run.phase.ended and run.phase is not Phase.QUEUED
