"""The processes above the caller: whose run they show, and whether they show all that is above.

A process can clear its environment and leave its session, its directory and its terminal. Its ancestors it cannot
choose: while a supervisor lives, whatever its run started stays below it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.system import processes
from mailcore.workspace.find import Workspace
from mailcore.workspace.variables import RUN_ID, SUPERVISES

if TYPE_CHECKING:
    from mailcore.model.lock import Lock

# Named tuples: to make a frozen dataclass takes 0.7 ms of the 50 of each command.

UNATTENDED = frozenset({"cron", "crond", "CRON", "fcron", "anacron", "atd", "incrond", "at"})
"""Names of servers that start commands when nobody is there."""
_SERVICE = re.compile(r"/(?!user@)(?P<name>[^/\n]+\.service)$", re.MULTILINE)
_TRANSIENT = re.compile(r"run-[^/]*\.service")


class RunAbove(NamedTuple):
    """A run that a process above the caller belongs to."""

    agent: Agent | None
    """Whose run it is; None where only a variable says that it is one."""
    run_id: str
    """Empty of a run of AIPass."""
    pid: int

    @property
    def words(self) -> str:
        """Who, for a sentence."""
        return self.agent.address if self.agent is not None else f"run {self.run_id}"


class Ancestry(NamedTuple):
    """What the processes above the caller tell."""

    pids: tuple[int, ...] = ()
    """Nearest first, without the first of the system."""
    runs: tuple[RunAbove, ...] = ()
    """The runs that they belong to, nearest first."""
    doubt: str = ""
    """Why they do not tell everything, in words; empty where they were walked to their root."""
    unattended: str = ""
    """The server above that starts commands when nobody is there: `cron (PID 412)`; empty if there is none."""

    @property
    def run(self) -> RunAbove | None:
        """The nearest run whose supervisor is above: the caller belongs to it."""
        return next((found for found in self.runs if found.agent is not None), None)


def walk_ancestors(workspace: Workspace) -> Ancestry:
    """Look at what is above this process."""
    pids, whole = processes.lineage(os.getppid())
    doubt = "" if whole else f"what is above process {pids[-1] if pids else os.getpid()} cannot be seen"
    found = [(agent, lock) for agent, lock in _locks(workspace) if _seen(lock)]
    locks = {pid: pair for pair in found for pid in (pair[1].pid, pair[1].sentinel) if pid}
    runs: list[RunAbove] = []
    unattended = ""
    for pid in pids:
        variables = processes.environment(pid)
        if variables is None and processes.owner_of(pid) not in (-1, 0, os.geteuid()):
            doubt = doubt or f"the environment of process {pid}, another user's, cannot be read"
        runs += _runs_of(workspace, pid, variables or [], locks)
        name = getattr(processes.look(pid), "name", "")
        if name in UNATTENDED:
            unattended = unattended or f"{name} (PID {pid})"
    return Ancestry(tuple(pids), tuple(runs), doubt or _outside(workspace), unattended)


def _locks(workspace: Workspace) -> Iterator[tuple[Agent, Lock]]:
    for agent in workspace.agents:
        if not os.path.lexists(agent.dispatch_lock):
            continue
        # 1.6 ms of a command's 50, for nothing where no agent runs.
        from mailcore.workspace.lock_reader import read_lock

        if (lock := read_lock(agent.dispatch_lock)) is not None:
            yield agent, lock


def _seen(lock: Lock) -> bool:
    """True if the very process that a lock names is seen from here."""
    here = lock.namespace in ("", processes.pid_namespace())
    return here and processes.alive(lock.pid, lock.start_ticks, lock.boot_id)


def _runs_of(
    workspace: Workspace, pid: int, variables: list[bytes], locks: dict[int, tuple[Agent, Lock]]
) -> Iterator[RunAbove]:
    """The runs that one process shows: by the lock or the journal that names it, or only by a variable."""
    supervised = processes.value_of(variables, SUPERVISES)
    if pid in locks:
        agent, lock = locks[pid]
        # An agent can write any PID into a lock: one of ours counts where the process says the same.
        if lock.run_id == supervised:
            yield RunAbove(agent, lock.run_id, pid)
            return
    for agent in workspace.agents if supervised else ():
        # Its lock may have been moved away; anybody can set the variable, but not be the process that began the run.
        if _journal_names(agent, supervised, pid):
            yield RunAbove(agent, supervised, pid)
            return
    for run_id in (supervised, processes.value_of(variables, RUN_ID)):
        if run_id:
            yield RunAbove(None, run_id, pid)


def _journal_names(agent: Agent, run_id: str, pid: int) -> bool:
    """True if the journal of that run names the process as its supervisor, or that one's sentinel."""
    from mailcore.formats import journal
    from mailcore.model.run import RUN_ID as FORM

    if not FORM.fullmatch(run_id):
        return False
    try:
        records = journal.read_records(agent.runs_dir / run_id / RUN_JOURNAL)
    except OSError:
        return False
    return any(one.get("event") == "supervised" and pid in (one.get("pid"), one.get("sentinel")) for one in records)


def _outside(workspace: Workspace) -> str:
    """Why a run may be above that cannot be seen from this PID namespace; empty in the machine's first.

    In a container's a run is seen if it was begun there, as when the whole workspace lives in it.
    """
    if processes.in_first_namespace():
        return ""
    if processes.session_of(0) == 0:
        return "this session was begun outside of this PID namespace"
    for agent, lock in _locks(workspace):
        if not _seen(lock) and not _gone(lock):
            return f"the run of {agent.address} cannot be seen from this PID namespace"
    return ""


def _gone(lock: Lock) -> bool:
    """True if the process that a lock names is dead for sure: of another boot, or of this very PID namespace.

    From another namespace of this boot an agent's supervisor looks dead too, while it lives.
    """
    from mailcore.model.lock import Holder
    from mailcore.workspace.lock_reader import is_of_another_boot

    here = lock.namespace != "" and lock.namespace == processes.pid_namespace()
    return lock.holder is Holder.DEAD and (here or is_of_another_boot(lock))


def service(control_groups: str, at_terminal: bool) -> str:
    """The service of the system's manager that a process belongs to, which nobody sits at; empty if it is none.

    A transient one (`systemd-run`) may have been given a terminal.
    """
    found = _SERVICE.search(control_groups)
    if found is None or (at_terminal and not _TRANSIENT.fullmatch(found["name"])):
        return ""
    return found["name"]
