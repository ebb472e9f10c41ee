"""Clean up a run whose supervisor died: end its processes, close its journal, free its lock. `after_run` reports it.

The sentinel of the run does this at once. Whoever finds the run meanwhile leaves it to the sentinel, and acts only
where the sentinel died too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.aipass import register
from mailcore.dispatch.lifecycle import lost_directory
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs import run_end
from mailcore.dispatch.runs.branch_lock import current_lock, is_supervisor_of, names_own_run
from mailcore.dispatch.runs.run_list import journal_records
from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder, Lock
from mailcore.model.run import Run, from_records
from mailcore.system.processes import wait_for_end
from mailcore.system.writing import set_aside
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock

SENTINEL_CHECK = 0.1
"""Period of the look whether a sentinel has done its work."""
SENTINEL_SPARE = 10.0
"""Seconds past the grace between TERM and KILL that a sentinel may take."""


@dataclass(frozen=True, slots=True)
class ClearedLock:
    """A dead holder's lock that is removed."""

    unreported: Run | None
    """Its run as it ended; None if nobody is to be notified of it, or was already."""
    lost_record: Mapping[str, Any] | None = None
    """The first record of its run, as AIPass's register has it, where its journal is gone."""


@contextmanager
def clearing(
    workspace: Workspace, config: Config, agent: Agent, by: str = "", how: str = ""
) -> Iterator[ClearedLock | None]:
    """If the lock's holder is dead, leave nothing of its run, let what is left be reported, and then remove the lock.

    So the next look finds what a cleaner did not live to tell, or the disk did not let it. None where nothing died, or
    another clears it away. Of a run that is not this agent's nothing is touched, whatever the lock says. `how`: how its
    supervisor ended.
    """
    lock = current_lock(agent)
    if lock is None or lock.holder is not Holder.DEAD:
        yield None
        return
    if names_own_run(agent, lock):
        leave_to_sentinel(config, agent, lock)
        run_processes.stop_processes(lambda: run_processes.run_members(lock.run_id), config.dispatch.stop_grace)
    with ExitStack() as stack:
        with gate(workspace, agent):
            # Another may have cleaned up meanwhile, and begun a run: its lock is not ours to remove.
            ours = current_lock(agent) == lock
            # Never waited for: two that wake each other's senders would wait for ever.
            ours = ours and stack.enter_context(queue.claim(agent, "clean")) is not None
            cleared = _close(workspace, agent, lock, by, how) if ours else None
        try:
            yield cleared
        except OSError:  # not even that it could not be told is written: the lock stays for the next look
            ours = False
            raise
        finally:
            with gate(workspace, agent):
                left = read_lock(agent.dispatch_lock)
                if ours and left is not None and left.holder is Holder.DEAD and left.run_id in ("", lock.run_id):
                    set_aside(agent.dispatch_lock)


def leave_to_sentinel(config: Config, agent: Agent, lock: Lock) -> None:
    """Let the sentinel of a dead supervisor do its work, if it lives: it alone finds what cleared its environment."""
    pid, ticks = lock.sentinel, lock.sentinel_ticks
    if not pid or pid == os.getpid() or not is_supervisor_of(pid, lock.run_id):
        return
    run_processes.resume_stopped(pid, ticks)
    deadline = time.monotonic() + config.dispatch.stop_grace + SENTINEL_SPARE
    while not wait_for_end(pid, ticks, SENTINEL_CHECK) and current_lock(agent) == lock and time.monotonic() < deadline:
        pass


def _close(workspace: Workspace, agent: Agent, lock: Lock, by: str, how: str) -> ClearedLock:
    """Write the end into its run's journal; what there is to report of it."""
    if not names_own_run(agent, lock):
        return ClearedLock(None, register_record(workspace, agent, lock.run_id))
    found = journal_records(agent.runs_dir / lock.run_id)
    run = from_records(found)
    if run is None or any(record.get("event") == "told" for record in found):
        return ClearedLock(None)
    if not run.phase.ended:
        asked = [str(record.get("by", "")) for record in found if record.get("event") == "kill_asked"]
        by = by or next(reversed(asked), "")
        reason = f"its supervisor (PID {lock.pid}) died{how and f': {how}'}"
        run_dir = agent.runs_dir / lock.run_id
        run = run_end.close_run(agent, run_dir, "killed" if by else "bounced", by=by, reason=reason)
    if lost_directory.is_recorded(workspace, run.run_id):  # by who lost its directory, without this journal
        journal.append_record(agent.runs_dir / lock.run_id / RUN_JOURNAL, {"event": "told"})
        return ClearedLock(None)
    return ClearedLock(run)


def register_record(workspace: Workspace, agent: Agent, run_id: str) -> Mapping[str, Any] | None:
    """The first record of a run whose journal is gone, as AIPass's register has it; None if its end is reported."""
    rows = [row for row in register.register_rows(workspace) if run_id and row.get("dispatch_id") == run_id]
    if not rows or rows[0].get("target") != agent.address or rows[-1].get("status") != "outstanding":
        return None
    if journal_records(agent.runs_dir / run_id) or lost_directory.is_recorded(workspace, run_id):
        return None
    return {**rows[0], "run_id": run_id, "at": rows[0].get("ts")}
