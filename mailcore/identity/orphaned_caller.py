"""Whether the caller may belong to a run whose supervisor died: then no process above it shows whose it is.

Every process of a run is in a session that began after the run did, and no process can join an older one: whoever is in
an older session is not of that run. Whoever is in a younger one may be.
Of a run from before the machine, or the container that it was in, last started, nothing is left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder
from mailcore.model.run import RUN_ID, Phase, Run, from_records
from mailcore.system import processes
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import holder_state, is_of_another_boot, lock_from_record, read_lock


def surviving_run(workspace: Workspace, above: Sequence[int]) -> str:
    """The run that the caller may have outlived the supervisor of, in words; empty if there is none.

    `above`: the processes above the caller, nearest first.
    """
    me = processes.look(os.getpid())
    if me is None:
        return "this process cannot be seen"
    booted = processes.started_at(me._replace(ticks=0))
    session = processes.session_of(0)
    chain = [found for pid in (session, os.getpid(), *above) if (found := processes.look(pid)) is not None]
    # A reaper that adopted it is older too, but in a session of its own.
    session_began = min((processes.started_at(one) for one in chain if one.session == session), default=0.0)
    chain_began = min((processes.started_at(one) for one in chain), default=0.0)
    for agent in workspace.agents:
        for run in _lost(agent):
            if run.created_at < booted or (
                processes.in_first_namespace() and session_began < run.created_at - processes.START_SLACK
            ):
                continue
            if run.phase.ended and chain_began > run.since + processes.START_SLACK:
                continue
            return f"the supervisor of {agent.address}'s run {run.run_id} is gone, and the caller may be of that run"
    return ""


def _lost(agent: Agent) -> Iterator[Run]:
    """The newest run of an agent, if its supervisor did not live to end it."""
    try:
        newest = max(filter(RUN_ID.fullmatch, os.listdir(agent.runs_dir)), default="")  # noqa: PTH208 (names only)
        records = journal.read_records(agent.runs_dir / newest / RUN_JOURNAL) if newest else []
    except OSError:
        return
    run = from_records(records)
    if run is None or _is_of_former_life(agent, run, records):
        return
    if run.phase.ended:
        last = run.attempt
        if run.phase is Phase.BOUNCED and last is not None and not last.ended_at:
            yield run
        return
    lock = read_lock(agent.dispatch_lock)
    if lock is not None and lock.run_id == run.run_id:
        dead = lock.holder is Holder.DEAD
    else:
        dead = not processes.alive(run.supervisor_pid)
    if dead:
        yield run


def _is_of_former_life(agent: Agent, run: Run, records: Sequence[Mapping[str, Any]]) -> bool:
    """True if the supervisor was of another boot, and nothing holds its run; or older than this PID namespace's first
    process, in one of the same name: with that namespace all that was in it ended."""
    said = next((one for one in reversed(records) if one.get("event") == "supervised"), None)
    if said is None:
        return False
    lock = lock_from_record({**said, "run_id": run.run_id}, run.supervisor_pid, run.created_at)
    if is_of_another_boot(lock):
        return holder_state(lock, agent.dispatch_lock) is Holder.DEAD
    first = processes.look(1)
    same = lock.namespace != "" and lock.namespace == processes.pid_namespace()
    return same and first is not None and 0 < lock.start_ticks < first.ticks
