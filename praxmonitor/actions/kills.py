"""What the operator ends: one run, or every run, and only those that were shown. Each act is for a worker thread.

Returns what was asked, in words; raises MailcoreError with mailcore's own. Imports mailcore's dispatch late, as `acts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailcore.config import Config
from mailcore.exceptions import MailcoreError, Refused
from mailcore.model.agent import OPERATOR
from mailcore.model.lock import Holder, Lock
from mailcore.workspace.find import Workspace
from praxmonitor.actions.remote_requests import ask_there, host_of

MOST_ROUNDS = 20
"""Times that a kill of everything looks again for runs that began because others ended."""


@dataclass(frozen=True, slots=True)
class Victim:
    """One process that a kill would end."""

    pid: int
    depth: int
    """0 for the supervisor and the first of its run."""
    command: str
    """Untrusted text."""
    started_at: float
    """Seconds since the epoch."""


def victims(workspace: Workspace, address: str) -> list[Victim]:
    """The process tree that a kill would end; of an agent on another host none, where nobody here sees it."""
    from mailcore.dispatch.kill import processes_to_kill
    from mailcore.system.processes import command_of, started_at

    if host_of(workspace, address):
        return []  # they are seen on their own host alone
    tree = processes_to_kill(workspace, address)
    return [Victim(found.pid, found.depth, command_of(found.pid) or found.name, started_at(found)) for found in tree]


def kill(workspace: Workspace, config: Config, address: str, shown: Lock) -> str:
    """End the run whose lock was `shown`, and no other: Refused if it is over. MailcoreError names the processes that
    outlived it."""
    from mailcore.dispatch.kill import kill_run
    from mailcore.workspace.lock_reader import read_lock
    from praxmonitor.actions.requests import entitle

    if host_of(workspace, address):
        return ask_there(workspace, address, "kill", target=shown.run_id)
    entitle(workspace, config, outlived=False)
    if not shown.run_id:  # another program's: only its lock names it
        present = read_lock(workspace.agent(address).dispatch_lock)
        if present is None or _name(present) != _name(shown):
            raise Refused(f"the run of PID {shown.pid} at {address} is over", "not_running")
    killed = kill_run(workspace, config, OPERATOR, shown.run_id or address)
    if killed.survivors:
        raise MailcoreError(f"{address}: still there after KILL: {' '.join(map(str, killed.survivors))}")
    return f"kill {address}"


def _name(lock: Lock) -> str:
    """What tells the run of a lock from the next one's."""
    return lock.run_id or str(lock.pid)


def kill_all(workspace: Workspace, config: Config, shown: Mapping[str, Lock]) -> str:
    """End every run whose lock was `shown` (by address), and those that begin meanwhile because they waited for a
    place; what began unseen before that goes on. If some cannot be ended, the error says which and why; the others
    are."""
    from concurrent.futures import ThreadPoolExecutor

    from mailcore.workspace.lock_reader import read_lock

    def running() -> dict[str, Lock]:
        locks = {agent.address: read_lock(agent.dispatch_lock) for agent in workspace.agents}
        return {name: lock for name, lock in locks.items() if lock is not None and lock.holder is not Holder.UNKNOWN}

    ended: list[str] = []
    trouble: dict[str, str] = {}
    spared = {
        address: _name(lock) for address, lock in running().items()
        if address not in shown or _name(shown[address]) != _name(lock)
    }  # fmt: skip

    def end(address: str, lock: Lock) -> None:
        try:
            kill(workspace, config, address, lock)
        except MailcoreError as error:
            if error.code != "not_running":  # else it ended by itself, just now
                trouble[address] = str(error)
        else:
            ended.append(address)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(MOST_ROUNDS):
            busy = {
                address: lock for address, lock in running().items()
                if address not in trouble and spared.get(address) != _name(lock)
            }  # fmt: skip
            if not busy:
                break
            list(threads.map(end, busy.keys(), busy.values()))
        else:
            trouble |= dict.fromkeys(busy, f"{' '.join(busy)}: work begins again as soon as it is ended; hold (H) them")
    if trouble:
        raise MailcoreError("; ".join(dict.fromkeys(trouble.values())))
    left = f"what {' '.join(sorted(spared))} began meanwhile goes on" if spared else ""
    if not ended:
        raise Refused(f"what was listed is over{f'; {left}' if left else ''}", "not_running")
    return f"kill {' '.join(sorted(set(ended)))}{f'; {left}' if left else ''}"
