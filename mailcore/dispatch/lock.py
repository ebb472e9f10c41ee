"""`.dispatch.lock`: one session at a time in a branch, shared with AIPass (contract section 4)."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from mailcore import journal
from mailcore.dispatch.runs import JOURNAL, run_ids
from mailcore.evidence import SUPERVISES
from mailcore.liveness import read_lock
from mailcore.model.agent import Agent
from mailcore.model.run import RUN_ID, Holder, Lock, from_records
from mailcore.system import ignored
from mailcore.system.processes import boot_id, environment, start_ticks, value_of
from mailcore.system.writing import link_new, replace
from mailcore.timestamps import lock_time


def _document(agent: Agent, run_id: str, nonce: str, pid: int, subject: str) -> bytes:
    return json.dumps(
        {
            "pid": pid,
            "timestamp": lock_time(datetime.now()),
            "branch": str(agent.branch),
            "subject": subject,
            "start_ticks": start_ticks(pid),
            "boot_id": boot_id(),
            "nonce": nonce,
            "run_id": run_id,
        }
    ).encode()


def acquire(agent: Agent, run_id: str, nonce: str, subject: str) -> Lock | None:
    """Take the lock for this process. None when it was free (or its holder dead), else the lock that is in the way.

    The lock appears whole: written beside it, then linked into place, which fails if one is there.
    """
    ignored.make(agent.mail_dir, parents=True)
    document = _document(agent, run_id, nonce, os.getpid(), subject)
    while not link_new(agent.dispatch_lock, document):
        held = read_lock(agent.dispatch_lock)
        if held is not None and held.holder is not Holder.DEAD:
            return held
        agent.dispatch_lock.unlink(missing_ok=True)
    return None


def hand_over(agent: Agent, run_id: str, nonce: str, pid: int, subject: str) -> bool:
    """Name `pid` as the holder. False, and nothing written, if the lock is no longer this run's."""
    if not owned(agent.dispatch_lock, run_id, nonce):
        return False
    replace(agent.dispatch_lock, _document(agent, run_id, nonce, pid, subject))
    return True


def release(agent: Agent, run_id: str, nonce: str) -> None:
    """Remove the lock if it is still this run's."""
    if owned(agent.dispatch_lock, run_id, nonce):
        agent.dispatch_lock.unlink(missing_ok=True)


def owned(path: Path, run_id: str, nonce: str) -> bool:
    """True while the lock at `path` is this run's."""
    lock = read_lock(path)
    return lock is not None and (lock.run_id, lock.nonce) == (run_id, nonce)


def holding(agent: Agent) -> Lock | None:
    """The lock of a branch; where it was removed or spoilt under a live run, the one that this run had."""
    held = read_lock(agent.dispatch_lock)
    if held is not None and held.holder is Holder.ALIVE:
        return held
    newest = run_ids(agent)[-1:]
    records = journal.read(agent.runs_dir / newest[0] / JOURNAL) if newest else []
    run = from_records(records)
    if run is None or run.phase.ended or not supervises(run.supervisor_pid, run.run_id):
        return held
    pid, nonce = run.supervisor_pid, str(records[0].get("nonce", ""))
    return Lock(pid, run.created_at, run.subject, start_ticks(pid), boot_id(), nonce, run.run_id)


def names_own_run(agent: Agent, lock: Lock) -> bool:
    """True if the lock names a run of this very agent, as its nonce in that run's journal proves.

    An agent can write any lock: on its word alone nothing is signalled, and no run id becomes part of a path.
    """
    if not lock.nonce or not RUN_ID.fullmatch(lock.run_id):
        return False
    first = journal.read(agent.runs_dir / lock.run_id / JOURNAL)[:1]
    return [record.get("nonce") for record in first] == [lock.nonce]


def supervises(pid: int, run_id: str) -> bool:
    """True if the process is that run's supervisor, or with `queue` a waiter; a PID alone may be another's by now."""
    return start_ticks(pid) != 0 and value_of(environment(pid) or [], SUPERVISES) == run_id
