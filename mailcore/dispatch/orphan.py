"""A run whose supervisor died: end what it left behind, close its journal, free its lock."""

from __future__ import annotations

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import process, queue, register
from mailcore.liveness import read_lock
from mailcore.mail.store import locked
from mailcore.model.agent import Agent
from mailcore.model.run import Holder, Lock, from_records
from mailcore.workspace import Workspace


def clean(workspace: Workspace, config: Config, agent: Agent, by: str = "") -> Lock | None:
    """If the lock's holder is dead, leave nothing of its run, and return the lock that was removed."""
    lock = read_lock(agent.dispatch_lock)
    if lock is None or lock.holder is not Holder.DEAD:
        return None
    if lock.run_id and "/" not in lock.run_id:
        process.stop(lambda: process.members(lock.run_id), config.dispatch.stop_grace)
    with locked(queue.gate(workspace)):
        # Another may have cleaned up meanwhile, and begun a run: its lock is not ours to remove.
        if read_lock(agent.dispatch_lock) != lock:
            return None
        _close(workspace, agent, lock, by)
        agent.dispatch_lock.unlink(missing_ok=True)
    return lock


def _close(workspace: Workspace, agent: Agent, lock: Lock, by: str) -> None:
    """Write the end of its run into journal, register and report."""
    if lock.run_id and "/" not in lock.run_id:
        path = agent.runs_dir / lock.run_id / "run.jsonl"
        run = from_records(journal.read(path))
        if run is not None and not run.phase.ended:
            reason = f"its supervisor (PID {lock.pid}) died"
            outcome = "killed" if by else "bounced"
            journal.append(path, {"event": "ended", "outcome": outcome, "by": by, "reason": reason})
            report = {"sender": run.sender, "target": agent.address, "attempts": len(run.attempts)}
            register.closed(workspace, lock.run_id, f"FAILED ({reason})", report)
