"""Whether the caller may belong to a run whose supervisor died: then no process above it shows whose it is.

Every process of a run is in a session that began after the run did, and no process can join an older one: whoever is in
an older session is not of that run. Whoever is in a younger one may be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder
from mailcore.model.run import RUN_ID, Phase, Run, from_records
from mailcore.system import processes
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock


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
        run = from_records(journal.read_records(agent.runs_dir / newest / RUN_JOURNAL)) if newest else None
    except OSError:
        return
    if run is None:
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
