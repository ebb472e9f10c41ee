"""`.dispatch.lock`: one session at a time in a branch, shared with AIPass (contract section 4)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace as changed
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.dispatch.aipass.register import REGISTER
from mailcore.dispatch.runs.run_list import journal_records, run_ids
from mailcore.formats import journal
from mailcore.formats.timestamps import lock_time
from mailcore.model.agent import Agent
from mailcore.model.lock import Holder, Lock
from mailcore.model.message import parse_time
from mailcore.model.run import RUN_ID, Run, from_records
from mailcore.system import self_ignore
from mailcore.system.processes import environment, snapshot, start_ticks, value_of
from mailcore.system.writing import link_new, replace, set_aside
from mailcore.workspace.lock_reader import (
    UNREADABLE_GRACE,
    holder_state,
    lock_from_record,
    process_namespace,
    read_lock,
)
from mailcore.workspace.variables import SUPERVISES


def process_facts(pid: int, sentinel: int = 0) -> dict[str, Any]:
    """What distinguishes a process from every other, here and on other machines, and who stands by it."""
    return {
        "pid": pid,
        "start_ticks": start_ticks(pid),
        **process_namespace(),
        **({"sentinel": sentinel, "sentinel_ticks": start_ticks(sentinel)} if sentinel else {}),
    }


def _document(agent: Agent, run_id: str, nonce: str, pid: int, subject: str, sentinel: int = 0) -> bytes:
    return json.dumps(
        {
            **process_facts(pid, sentinel),
            "timestamp": lock_time(datetime.now()),
            "branch": str(agent.branch),
            "subject": subject,
            "nonce": nonce,
            "run_id": run_id,
        }
    ).encode()


def acquire_lock(agent: Agent, run_id: str, nonce: str, subject: str) -> Lock | None:
    """Take the lock for this process. None when it was free (or its holder dead), else the lock that is in the way.

    The lock appears whole: written beside it, then linked into place, which fails if one is there.
    """
    self_ignore.make_ignored(agent.mail_dir, parents=True)
    document = _document(agent, run_id, nonce, os.getpid(), subject)
    while not link_new(agent.dispatch_lock, document):
        lock = read_lock(agent.dispatch_lock)
        if lock is not None and lock.holder is not Holder.DEAD:
            return lock
        set_aside(agent.dispatch_lock)
    return None


def hand_over(agent: Agent, run_id: str, nonce: str, pid: int, subject: str, sentinel: int = 0) -> bool:
    """Name `pid` as the holder. False, and nothing written, if the lock is no longer this run's."""
    if not is_owned(agent.dispatch_lock, run_id, nonce):
        return False
    replace(agent.dispatch_lock, _document(agent, run_id, nonce, pid, subject, sentinel))
    return True


def release_lock(agent: Agent, run_id: str, nonce: str) -> None:
    """Remove the lock if it is still this run's."""
    if is_owned(agent.dispatch_lock, run_id, nonce):
        agent.dispatch_lock.unlink(missing_ok=True)


def is_owned(path: Path, run_id: str, nonce: str) -> bool:
    """True while the lock at `path` is this run's."""
    lock = read_lock(path)
    return lock is not None and (lock.run_id, lock.nonce) == (run_id, nonce)


def current_lock(agent: Agent) -> Lock | None:
    """The lock of a branch; where it was removed or spoilt, the one that its newest run had, if its end is not
    reported yet.

    With a holder that is dead: what is left of that run is to be cleared away.
    """
    lock = read_lock(agent.dispatch_lock)
    if lock is not None and lock.runs:
        return lock
    newest = _of_newest_run(agent)
    if lock is not None and lock.holder is Holder.DEAD and names_own_run(agent, lock):
        # It may name who began the run, and its supervisor, which lives, has not taken it over yet.
        return newest if newest is not None and newest.runs and newest.run_id == lock.run_id else lock
    return newest or lock


def _of_newest_run(agent: Agent) -> Lock | None:
    """The lock that an agent's newest run had, as its journal tells; None once its end is reported."""
    newest = run_ids(agent)[-1:]
    found = journal_records(agent.runs_dir / newest[0]) if newest else []
    run = from_records(found)
    if newest and run is None:
        return _of_torn_run(agent, newest[0])
    if run is None or run.run_id != newest[0] or any(record.get("event") == "told" for record in found):
        return None
    first = {"run_id": run.run_id, "nonce": found[0].get("nonce"), "subject": run.subject}
    supervised = next((record for record in reversed(found) if record.get("event") == "supervised"), None)
    if supervised is None:
        # Its lock named who began it. Killed in that moment, it is over; else its supervisor is about to say so.
        young = abs(time.time() - run.created_at) <= UNREADABLE_GRACE
        return None if young else changed(lock_from_record(first, 0, run.created_at), holder=Holder.DEAD)
    lock = lock_from_record({**supervised, **first}, _number(supervised, "pid"), parse_time(supervised.get("at")))
    return changed(lock, at=run.created_at, holder=holder_state(lock, agent.dispatch_lock))


def _of_torn_run(agent: Agent, run_id: str) -> Lock | None:
    """The lock of a run whose journal says nothing, by AIPass's register, where its end is not reported there yet."""
    try:
        rows = journal.read_records(agent.root / ".aipass" / REGISTER)
    except OSError:
        return None
    found = [row for row in rows if row.get("dispatch_id") == run_id]
    if not found or found[0].get("target") != agent.address or found[-1].get("status") != "outstanding":
        return None
    began = parse_time(found[0].get("ts"))
    if abs(time.time() - began) <= UNREADABLE_GRACE or any(is_supervisor_of(pid, run_id) for pid in snapshot()):
        return None
    return changed(lock_from_record({"run_id": run_id}, 0, began), holder=Holder.DEAD)


def _number(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    return value if isinstance(value, int) else 0


def names_own_run(agent: Agent, lock: Lock) -> bool:
    """True if the lock names a run of this very agent, as its nonce in that run's journal proves.

    An agent can write any lock: on its word alone nothing is signalled, and no run id becomes part of a path.
    """
    if not lock.nonce or not RUN_ID.fullmatch(lock.run_id):
        return False
    return [record.get("nonce") for record in journal_records(agent.runs_dir / lock.run_id)[:1]] == [lock.nonce]


def is_supervised(agent: Agent, run: Run) -> bool:
    """True if a process is there that will do the run, or does it: a supervisor that has not taken its lock yet too."""
    if run.phase.ended:
        return False
    lock = read_lock(agent.dispatch_lock)
    if lock is not None and lock.run_id == run.run_id and lock.holder is not Holder.DEAD:
        return True
    return any(is_supervisor_of(pid, run.run_id) for pid in snapshot())


def is_supervisor_of(pid: int, run_id: str) -> bool:
    """True if the process is that run's supervisor, or with `queue` a waiter; a PID alone may be another's by now."""
    return start_ticks(pid) != 0 and value_of(environment(pid) or [], SUPERVISES) == run_id
