"""A run whose supervisor died: end what it left behind, close its journal, free its lock; who tells of it is above."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import ending, lost, process, queue
from mailcore.dispatch.lock import names_own_run
from mailcore.dispatch.runs import JOURNAL
from mailcore.liveness import read_lock
from mailcore.model.agent import Agent
from mailcore.model.run import Holder, Lock, Run, from_records
from mailcore.system.locks import locked
from mailcore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Cleared:
    """A dead holder's lock that is removed."""

    untold: Run | None
    """Its run as it ended; None if nobody is to be told of it, or was already."""


@contextmanager
def clearing(workspace: Workspace, config: Config, agent: Agent, by: str = "") -> Iterator[Cleared | None]:
    """If the lock's holder is dead, leave nothing of its run, let what is left be told, and then remove the lock.

    So the next look finds what a cleaner did not live to tell. None where nothing died, or another clears it away.
    Of a run that is not this agent's nothing is touched, whatever the lock says.
    """
    lock = read_lock(agent.dispatch_lock)
    if lock is None or lock.holder is not Holder.DEAD:
        yield None
        return
    if names_own_run(agent, lock):
        process.stop(lambda: process.members(lock.run_id), config.dispatch.stop_grace)
    with ExitStack() as stack:
        with locked(queue.gate(workspace)):
            # Another may have cleaned up meanwhile, and begun a run: its lock is not ours to remove.
            ours = read_lock(agent.dispatch_lock) == lock
            # Never waited for: two that wake each other's senders would wait for ever.
            ours = ours and stack.enter_context(queue.claim(agent, "clean")) is not None
            cleared = Cleared(_close(workspace, agent, lock, by)) if ours else None
        try:
            yield cleared
        finally:
            with locked(queue.gate(workspace)):
                if ours and read_lock(agent.dispatch_lock) == lock:
                    agent.dispatch_lock.unlink(missing_ok=True)


def _close(workspace: Workspace, agent: Agent, lock: Lock, by: str) -> Run | None:
    """Write the end into its run's journal; the run as it ended, None if there is nothing left to say."""
    if not names_own_run(agent, lock):
        return None
    run_dir = agent.runs_dir / lock.run_id
    records = journal.read(run_dir / JOURNAL)
    run = from_records(records)
    if run is None or any(record.get("event") == "told" for record in records):
        return None
    if not run.phase.ended:
        reason = f"its supervisor (PID {lock.pid}) died"
        run = ending.close(agent, run_dir, "killed" if by else "bounced", by=by, reason=reason)
    # A supervisor that lost its directory told of it then, without this journal.
    return None if lost.told(workspace, run.run_id) else run
