"""A run that waited for a limit when its supervisor died goes on waiting under a new one: nothing of it was at work."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from mailcore.config import Config
from mailcore.dispatch.lifecycle import start, supervisor_ready
from mailcore.dispatch.lifecycle.orphans import leave_to_sentinel
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs import branch_lock
from mailcore.dispatch.runs.run_list import journal_records
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.digest import digest
from mailcore.formats.json_codec import dumps_line
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder, Lock
from mailcore.model.message import parse_time
from mailcore.model.run import from_records
from mailcore.system.writing import replace, set_aside
from mailcore.workspace.find import Workspace

MAX_ADOPTIONS, MINUTE = 5, 60.0
"""So often within a minute a run gets a new supervisor: one that dies each time would be replaced for ever."""


def adopt(workspace: Workspace, config: Config, agent: Agent) -> bool:
    """Give the agent's run a new supervisor, if it waited for a limit and its own died; False, and nothing done, else.

    Its secret died with the old one: lock and journal hold the digest of a new one. OSError, MailcoreError if no
    process can be started: then it is found again by the next look.
    """
    lock = branch_lock.current_lock(agent)
    if lock is None or lock.holder is not Holder.DEAD or not _waited(agent, lock):
        return False
    leave_to_sentinel(config, agent, lock)
    run_processes.stop_processes(lambda: run_processes.run_members(lock.run_id), config.dispatch.stop_grace)
    with ExitStack() as stack:
        with gate(workspace, agent):
            # Another may have adopted it, or ended it, meanwhile.
            ours = branch_lock.current_lock(agent) == lock and _waited(agent, lock)
            if not ours or stack.enter_context(queue.claim(agent, "clean")) is None:
                return False
            reserved = _reserve(agent, lock.run_id)
        try:
            start.supervise(workspace, agent, reserved)
        except BaseException:  # a lock that named this process would keep the run from everybody while it lives
            branch_lock.release_lock(agent, reserved.run_id, reserved.nonce)
            raise
        if why := supervisor_ready.wait_until_ready(agent, lock.run_id):
            raise MailcoreError(f"run {lock.run_id}: {why}", "not_started")
    return True


def _waited(agent: Agent, lock: Lock) -> bool:
    """True of the lock of a run that waits for a limit, that nobody asked to end and no supervisor survived."""
    if not branch_lock.names_own_run(agent, lock):
        return False
    found = journal_records(agent.runs_dir / lock.run_id)
    run = from_records(found)
    if run is None or not run.parked or any(record.get("event") == "kill_asked" for record in found):
        return False
    adopted = (parse_time(record.get("at")) for record in found if record.get("event") == "adopted")
    return sum(time.time() - at < MINUTE for at in adopted) < MAX_ADOPTIONS


def _reserve(agent: Agent, run_id: str) -> start.ReservedRun:
    """Take the branch's lock for the run, with a new secret; call it under the gate."""
    path = agent.runs_dir / run_id / RUN_JOURNAL
    secret = os.urandom(16).hex()
    nonce = digest(secret.encode())
    first, *others = journal.read_records(path)
    first = {**first, "nonce": nonce}
    adopted = {"at": journal.now(), "event": "adopted"}
    replace(path, b"".join(dumps_line(record) + b"\n" for record in (first, *others, adopted)))
    set_aside(agent.dispatch_lock)
    branch_lock.acquire_lock(agent, run_id, nonce, str(first.get("subject", "")))
    return start.ReservedRun(run_id, nonce, secret, first)
