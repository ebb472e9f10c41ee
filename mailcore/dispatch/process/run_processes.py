"""Processes of a run: which they are, and how the whole tree is stopped. The only file that signals an agent's process.

A run's processes are those that carry its id in their environment, wherever they moved to, and their unmarked
descendants. Another run's supervisor, and all below it, is a stranger even when it was started from within this run.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from mailcore.programs.base import Program
from mailcore.programs.session_processes import session_processes
from mailcore.system.process_values import Process
from mailcore.system.processes import (
    EMPTY_LOOKS,
    births,
    environment,
    send_signal,
    snapshot,
    start_ticks,
    stopped,
    value_of,
)
from mailcore.workspace.variables import RUN_ID, SUPERVISES

_SUPERVISES = f"{SUPERVISES}=".encode()


def _marks(pid: int) -> tuple[str, bool]:
    """The run id in a process's environment, and whether it is a supervisor."""
    variables = environment(pid) or []
    return value_of(variables, RUN_ID), any(v.startswith(_SUPERVISES) for v in variables)


def run_members(run_id: str, roots: Collection[int] = ()) -> list[Process]:
    """The processes of a run, parents before children. `roots` (its supervisor) are searched below, not included."""
    processes = snapshot()
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.ppid, []).append(process.pid)
    marks = {pid: _marks(pid) for pid in processes}
    marked = {pid for pid, (mark, supervisor) in marks.items() if mark == run_id and not supervisor}
    found: dict[int, Process] = {}
    # Marked processes whose parent is not of the run come first, so that depth counts from the top.
    tops = [pid for pid in marked if processes[pid].ppid not in marked]
    stack = [(child, 0) for root in roots for child in children.get(root, ())] + [(pid, 0) for pid in tops]
    while stack:
        pid, depth = stack.pop()
        mark, supervisor = marks[pid]
        if pid in found or supervisor or pid in roots or mark not in ("", run_id) or pid == os.getpid():
            continue
        found[pid] = processes[pid]._replace(depth=depth)
        stack += [(child, depth + 1) for child in children.get(pid, ())]
    return list(found.values())


def session_members(session: int, dispatch_id: str = "", known: Collection[Process] = ()) -> list[Process]:
    """The processes of a foreign monitor's run, parents before children (contract 0.10): its session, all that carries
    its dispatch id wherever it moved to, those `known` from an earlier look, and all below them. Runs of ours, and
    others of AIPass, are strangers.

    `session` 0: the monitor is gone, and only what carries the id is known to be its.
    """
    processes = snapshot()
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.ppid, []).append(process.pid)
    ids = {pid: _dispatch_id(pid) for pid in processes}
    earlier = {(process.pid, process.ticks) for process in known}

    def stranger(pid: int) -> bool:
        return pid == os.getpid() or any(_marks(pid)) or bool(dispatch_id and ids[pid] not in ("", dispatch_id))

    inside = {
        pid for pid, p in processes.items()
        if (session and session in (p.session, pid)) or (dispatch_id and ids[pid] == dispatch_id)
        or (pid, p.ticks) in earlier
    }  # fmt: skip
    inside = {pid for pid in inside if not stranger(pid)}
    found: dict[int, Process] = {}
    stack = [(pid, 0) for pid in inside if processes[pid].ppid not in inside]
    while stack:
        pid, depth = stack.pop()
        if pid in found or stranger(pid):
            continue
        found[pid] = processes[pid]._replace(depth=depth)
        stack += [(child, depth + 1) for child in children.get(pid, ())]
    return list(found.values())


def _dispatch_id(pid: int) -> str:
    """The id of AIPass's run in a process's environment."""
    return value_of(environment(pid) or [], "AIPASS_DISPATCH_ID")


def occupants(branch: Path, programs: Iterable[Program]) -> list[int]:
    """Sessions that a person began by hand at the top of a branch."""
    return [process.pid for process, place in session_processes(programs) if place == branch]


def reap_children() -> None:
    """Collect every dead child, adopted ones too."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def signal_child(pid: int, number: int) -> None:
    """Signal a child of this process that was not waited for yet."""
    send_signal(pid, start_ticks(pid), signal.Signals(number))


def resume_stopped(pid: int, ticks: int) -> bool:
    """Let a process of ours go on that somebody stopped: it would heed no limit. True if it stood still."""
    return stopped(pid) and send_signal(pid, ticks, signal.SIGCONT)


def stop_processes(
    find: Callable[[], list[Process]], grace: float, reap: Callable[[], None] = lambda: None
) -> tuple[set[int], set[int]]:
    """End every process that `find` names, until it finds none: TERM, `grace` seconds, KILL, again.

    One that forks and goes during a look can hide from a look, and its child too: an empty look counts where
    nothing was started meanwhile, on a machine that never rests the EMPTY_LOOKS-th in a row.

    Returns the PIDs that were there, and those that even KILL did not end within 5 s (in uninterruptible sleep).
    """
    seen: set[int] = set()
    began = time.monotonic()
    signalled: set[tuple[int, int]] = set()
    pause = 0.002
    empty = 0
    while True:
        reap()
        last = births()
        left = find()
        empty = 0 if left else empty + 1
        seen.update(process.pid for process in left)
        elapsed = time.monotonic() - began
        if not left and (last == births() or empty == EMPTY_LOOKS):
            return seen, set()
        if elapsed > grace + 5:
            return seen, {process.pid for process in left}
        for process in left:
            if elapsed >= grace:
                send_signal(process.pid, process.ticks, signal.SIGKILL)
            elif (process.pid, process.ticks) not in signalled:
                signalled.add((process.pid, process.ticks))
                send_signal(process.pid, process.ticks, signal.SIGTERM)
                send_signal(
                    process.pid, process.ticks, signal.SIGCONT
                )  # a stopped process takes TERM only when it goes on
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
