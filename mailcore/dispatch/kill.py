"""Kill: end an agent's run with every process of it, be it ours, a dead supervisor's, or AIPass's."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

from mailcore.config import Config
from mailcore.dispatch.aipass import monitor_runs
from mailcore.dispatch.lifecycle.after_run import clean_up, clean_up_own
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import dropped_starts, queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs.branch_lock import current_lock, is_supervisor_of, names_own_run
from mailcore.dispatch.runs.run_list import find_run
from mailcore.exceptions import Refused
from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder, Lock
from mailcore.system.process_values import Process
from mailcore.system.processes import alive, environment, send_signal, snapshot, start_ticks, wait_for_end
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import sandboxed, why_stranger

BEGIN_PATIENCE = 5.0
"""Seconds that a run which is just beginning has for its supervisor to stand."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What a kill ended."""

    address: str
    run_id: str
    ended: tuple[int, ...]
    """PIDs that were there before."""
    survivors: tuple[int, ...] = ()


def kill_run(workspace: Workspace, config: Config, by: str, target: str) -> Killed:
    """End an agent's run: the supervisor is notified, TERM to the whole tree, then KILL, until nothing of it is left.

    An orphan is cleaned up. A run of AIPass's monitor is ended with its whole session, and reported as its monitor
    would.
    """
    if sandboxed():
        raise Refused("called from within a sandbox, whose PIDs are not the ones that locks name", "sandbox")
    agent, run = find_run(workspace, target)
    lock = _lock_once_begun(workspace, agent)
    if lock is not None and lock.holder is Holder.ELSEWHERE:
        where = ", ".join(filter(None, (lock.host, lock.namespace))) or "another one"
        raise Refused(
            f"{agent.address} works in another PID namespace or on another machine ({where}): its processes cannot be "
            "seen from here. Kill it there.",
            "elsewhere",
        )
    if lock is None or lock.holder is Holder.UNKNOWN:
        raise Refused(f"nothing runs at {agent.address}", "not_running")
    theirs = None if lock.run_id else monitor_runs.current_run(workspace, agent, lock.pid)
    run_id = theirs.run_id if theirs is not None else lock.run_id
    if target[:1] != "@" and run is not None and run.run_id != run_id:
        raise Refused(f"run {run.run_id} is over; {agent.address} works on {run_id or 'another'}", "not_running")
    if lock.holder is Holder.DEAD:
        before = tuple(p.pid for p in processes_to_kill(workspace, agent.address))
        clean_up(workspace, config, agent, by)
        audit.record(workspace, by, "kill", agent=agent.address, run=run_id, orphan=True)
        left = run_processes.run_members(run_id) if lock.run_id and names_own_run(agent, lock) else ()
        return Killed(agent.address, run_id, before, tuple(one.pid for one in left))
    ticks = start_ticks(lock.pid)  # before the look at what it is: one that gets its PID later is not signalled
    if (
        lock.run_id
        and names_own_run(agent, lock)
        and environment(lock.pid) is None
        and alive(lock.pid, lock.start_ticks)
    ):
        raise Refused(
            f"{agent.address}'s run is another user's, or of another user namespace: nothing can be seen from here of "
            f"its supervisor (PID {lock.pid}). End it from there.",
            "elsewhere",
        )
    if lock.run_id and not _supervised(agent, lock):
        raise Refused(
            f"{agent.dispatch_lock} names PID {lock.pid}, which supervises no run of {agent.address}: the file was "
            "changed, or the run's journal is gone. Remove the file if nothing works there.",
            "not_ours",
        )
    if not lock.run_id and (why := why_stranger(lock)):
        raise Refused(f"{agent.dispatch_lock} {why}. Remove the file if nothing works there.", "not_ours")
    before = tuple(p.pid for p in processes_to_kill(workspace, agent.address))
    audit.record(workspace, by, "kill", agent=agent.address, run=run_id, pid=lock.pid)
    if lock.run_id:
        survivors = _end_own(config, agent, lock, ticks, by)
    else:
        survivors = _end_foreign(workspace, config, agent, lock, run_id)
    if not survivors and clean_up_own(workspace, config, agent, by) and theirs is not None:
        monitor_runs.end_monitor_run(workspace, agent, theirs, by)
    return Killed(agent.address, run_id, before, tuple(sorted(survivors)))


def _lock_once_begun(workspace: Workspace, agent: Agent) -> Lock | None:
    """The agent's lock; one that names who begins a run is looked at again until it names the run's supervisor."""
    deadline = time.monotonic() + BEGIN_PATIENCE
    while True:
        with gate(workspace, agent):
            lock = current_lock(agent)
        begins = lock is not None and lock.holder is Holder.ALIVE and lock.run_id and names_own_run(agent, lock)
        if lock is None or not begins or is_supervisor_of(lock.pid, lock.run_id) or time.monotonic() > deadline:
            return lock
        if environment(lock.pid) is None and alive(lock.pid, lock.start_ticks):
            return lock  # nothing of it is ever seen from here
        time.sleep(0.01)


def _supervised(agent: Agent, lock: Lock) -> bool:
    """True if the lock names a run of this agent and the process that supervises it, or has just done so."""
    return names_own_run(agent, lock) and (is_supervisor_of(lock.pid, lock.run_id) or not alive(lock.pid))


def _end_own(config: Config, agent: Agent, lock: Lock, ticks: int, by: str) -> set[int]:
    """Let the supervisor, begun at `ticks`, end its run; end what is left, itself too. Returns the survivors."""
    grace = config.dispatch.stop_grace
    journal.append_record(agent.runs_dir / lock.run_id / RUN_JOURNAL, {"event": "kill_asked", "by": by})
    send_signal(lock.pid, ticks, signal.SIGTERM)
    send_signal(lock.pid, ticks, signal.SIGCONT)
    if not wait_for_end(lock.pid, ticks, grace + 10):
        send_signal(lock.pid, ticks, signal.SIGKILL)
    return run_processes.stop_processes(lambda: run_processes.run_members(lock.run_id), grace)[1]


def _end_foreign(workspace: Workspace, config: Config, agent: Agent, lock: Lock, run_id: str) -> set[int]:
    """End a monitor's session and all that it started. Returns the survivors. After a kill nothing starts by itself."""
    with gate(workspace, agent):
        dropped = queue.drop_starts(workspace, agent)
        waiter = queue.waiter_pid(agent)
        ticks = start_ticks(waiter)
        if is_supervisor_of(waiter, "queue"):  # the agent can write any PID there
            send_signal(waiter, ticks, signal.SIGTERM)
    dropped_starts.notify_cancelled(workspace, agent, dropped, "")
    known: list[Process] = []

    def find() -> list[Process]:
        known[:] = run_processes.session_members(lock.pid, run_id, known)
        return list(known)

    return run_processes.stop_processes(find, config.dispatch.stop_grace)[1]


def processes_to_kill(workspace: Workspace, target: str) -> tuple[Process, ...]:
    """The tree that a kill of `target` would end, its supervisor first; empty if nothing runs there."""
    agent, _ = find_run(workspace, target)
    lock = current_lock(agent)
    if lock is None or (not lock.pid and not lock.run_id):
        return ()
    if not lock.run_id:
        theirs = monitor_runs.current_run(workspace, agent, lock.pid)
        name = theirs.run_id if theirs is not None else ""
        return tuple(run_processes.session_members(lock.pid if lock.holder is Holder.ALIVE else 0, name))
    if not names_own_run(agent, lock) or (lock.holder is not Holder.DEAD and not _supervised(agent, lock)):
        return ()
    own = [p for p in snapshot().values() if p.pid == lock.pid and alive(p.pid, lock.start_ticks)]
    below = run_processes.run_members(lock.run_id, [p.pid for p in own])
    return (*own, *(p._replace(depth=p.depth + len(own)) for p in below))
