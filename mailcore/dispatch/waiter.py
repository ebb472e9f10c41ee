"""`python -m mailcore.dispatch.waiter BRANCH CLAIM`: start what waits, when another program's process is over.

AIPass's monitor and a person's own session tell nobody of ours that they end. So while a start waits for them, one such
process an agent waits in the kernel, detached: for their end (pidfd), and for a change of the agent's lock and queue,
which a person may remove or cancel. It goes when nothing waits any more, or when it waits for something that does tell:
a run of ours, a release. CLAIM is the descriptor of `queue.claim`.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from inotify_simple import INotify, flags

from mailcore import audit
from mailcore.config import read_config_or_defaults
from mailcore.dispatch import queue, start, succession
from mailcore.dispatch.admit import Hindrance
from mailcore.errors import MailcoreError
from mailcore.liveness import YOUNG
from mailcore.system.locks import locked
from mailcore.workspace import find

WATCHED = {".dispatch.lock", ".queue.jsonl"}
FIRST_LOOK = 0.1
"""Seconds until a lock that names nobody yet is looked at again; twice as long each time, up to YOUNG."""


def main(branch: Path, claim: int) -> int:
    """Wait and start, until nothing is left to wait for."""
    workspace = find(branch)
    agent = next((a for a in workspace.agents if a.branch == branch), None)
    if agent is None:
        return 3
    config, _ = read_config_or_defaults(workspace.config_file)
    changes = watch(agent.mail_dir)  # before the first look: what changes after it is told
    pause = FIRST_LOOK
    while True:
        try:
            succession.clean(workspace, config, agent)
            with locked(queue.gate(workspace)):
                begun = start.begin_next(workspace, config, agent)
                if not isinstance(begun, Hindrance) or not begun.awaits:
                    os.close(claim)  # under the gate: who queues next makes a waiter of its own
                    return 0
        except (MailcoreError, OSError) as error:
            audit.record(workspace, agent.address, "start", error=str(error))
            return 1
        wait(begun.awaits, pause, changes)
        pause = min(2 * pause, YOUNG)


def watch(directory: Path) -> INotify | None:
    """Changes of the files in a directory; None where the user's watches are used up."""
    try:
        changes = INotify()
        changes.add_watch(directory, flags.CLOSE_WRITE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO)
    except OSError:
        return None
    return changes


def wait(pids: Collection[int], pause: float, changes: INotify | None) -> None:
    """Until one of the processes is over or a WATCHED file changed.

    `pause` seconds at most for one that is not named yet (0), or that the kernel lets nobody wait for: a thread's id in
    a lock, no descriptor left.
    """
    poll, blind = select.poll(), 0 in pids
    with ExitStack() as stack:
        for pid in filter(None, pids):
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                return
            except OSError:
                blind = True
                continue
            stack.callback(os.close, descriptor)
            poll.register(descriptor, select.POLLIN)
        if changes is not None:
            poll.register(changes.fileno(), select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(pause * 1000 if blind else None)]
            if changes is None or ready != [changes.fileno()]:
                return
            if WATCHED & {event.name for event in changes.read(timeout=0)}:
                return


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
