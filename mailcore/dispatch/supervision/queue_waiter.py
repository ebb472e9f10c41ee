"""The queue waiter starts what waits for an agent when the process of another program is over.

Its command: `python -m mailcore.dispatch.supervision.queue_waiter BRANCH CLAIM`.

AIPass's monitor and a person's own session tell nobody of ours that they end. So while a start waits for them, one such
process an agent waits in the kernel, detached: for their end (pidfd), and for a change of the agent's lock and queue,
which a person may remove or cancel. It goes when nothing waits any more, or when it waits for something that does tell:
a run of ours, a release. CLAIM is the descriptor of `queue.claim`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from mailcore.config import read_config_or_defaults
from mailcore.dispatch.admission.hindrances import Hindrance
from mailcore.dispatch.lifecycle import after_run
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate, wait_without_limit
from mailcore.exceptions import MailcoreError
from mailcore.system.lock_holder import name_holder
from mailcore.system.processes import exit_notice
from mailcore.system.watching import Watcher, inodes
from mailcore.workspace import audit
from mailcore.workspace.find import workspace_here
from mailcore.workspace.lock_reader import UNREADABLE_GRACE

WATCHED_FILES = {".dispatch.lock", ".queue.jsonl"}
FIRST_CHECK = 0.1
"""Seconds until a lock that names nobody yet is looked at again; twice as long each time, up to UNREADABLE_GRACE."""


def main(branch: Path, claim: int) -> int:
    """Wait and start, until nothing is left to wait for."""
    workspace = workspace_here(start=branch)
    agent = next((a for a in workspace.agents if a.branch == branch), None)
    if agent is None:
        return 3
    wait_without_limit()
    name_holder(claim)
    config, _ = read_config_or_defaults(workspace.config_file)
    changes = Watcher(UNREADABLE_GRACE)
    changes.watch(inodes([agent.mail_dir]))  # before the first look: what changes after it is reported
    pause = FIRST_CHECK
    while True:
        try:
            started = after_run.start_next(workspace, config, agent)
            if not isinstance(started, Hindrance) or not started.awaits:
                with gate(workspace, agent):
                    if isinstance(started, Hindrance) or not queue.is_any_waiting(agent):
                        os.close(claim)  # under the gate: who queues next makes a waiter of its own
                        return 0
                continue
        except (MailcoreError, OSError) as error:
            audit.record(workspace, agent.address, "start", error=str(error))
            return 1
        wait_for_change(started.awaits, pause, changes, agent.mail_dir)
        pause = min(2 * pause, UNREADABLE_GRACE)


def wait_for_change(pids: Collection[int], pause: float, changes: Watcher, directory: Path) -> None:
    """Until one of the processes is over or one of the WATCHED_FILES changed.

    `pause` seconds at most for one that is not named yet (0), or that the kernel lets nobody wait for: a thread's id in
    a lock, no descriptor left.
    """
    blind = 0 in pids
    changes.watch(inodes([directory]))
    with ExitStack() as stack:
        notices = []
        for pid in filter(None, pids):
            try:
                notices.append(stack.enter_context(exit_notice(pid)))
            except ProcessLookupError:
                return
            except OSError:
                blind = True
        until = time.monotonic() + pause if blind else None
        while True:
            changed = changes.wait(None if until is None else until - time.monotonic(), notices)
            over = until is not None and time.monotonic() >= until
            if changed.ready or changed.lost or over or WATCHED_FILES & {Path(path).name for path in changed.paths}:
                return


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
