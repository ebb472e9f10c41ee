"""A run whose supervisor died: end what it left behind, close its journal, free its lock."""

from __future__ import annotations

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import ending, process, queue
from mailcore.dispatch.lock import names_own_run
from mailcore.liveness import read_lock
from mailcore.mail.store import locked
from mailcore.model.agent import Agent
from mailcore.model.run import Holder, Lock, Run, from_records
from mailcore.workspace import Workspace


def clean(workspace: Workspace, config: Config, agent: Agent, by: str = "") -> Lock | None:
    """If the lock's holder is dead, leave nothing of its run, and return the lock that was removed.

    Of a run that is not this agent's nothing is touched, whatever the lock says.
    """
    lock = read_lock(agent.dispatch_lock)
    if lock is None or lock.holder is not Holder.DEAD:
        return None
    if names_own_run(agent, lock):
        process.stop(lambda: process.members(lock.run_id), config.dispatch.stop_grace)
    with locked(queue.gate(workspace)):
        # Another may have cleaned up meanwhile, and begun a run: its lock is not ours to remove.
        if read_lock(agent.dispatch_lock) != lock:
            return None
        ended = _close(workspace, agent, lock, by)
        agent.dispatch_lock.unlink(missing_ok=True)
    if ended is not None:
        run_dir = agent.runs_dir / lock.run_id
        ending.tell(workspace, config, agent, ended, journal.read(run_dir / ending.JOURNAL)[0], run_dir)
    return lock


def _close(workspace: Workspace, agent: Agent, lock: Lock, by: str) -> Run | None:
    """Write the end into its run's journal; the run as it ended, None if there is nothing left to say."""
    if not names_own_run(agent, lock):
        return None
    run_dir = agent.runs_dir / lock.run_id
    records = journal.read(run_dir / ending.JOURNAL)
    run = from_records(records)
    if run is None or any(record.get("event") == "told" for record in records):
        return None
    if not run.phase.ended:
        reason = f"its supervisor (PID {lock.pid}) died"
        run = ending.close(agent, run_dir, "killed" if by else "bounced", by=by, reason=reason)
    from mailcore.dispatch import lost  # what a start that goes well does without

    # A supervisor that lost its directory told of it then, without this journal.
    return None if lost.told(workspace, run.run_id) else run
