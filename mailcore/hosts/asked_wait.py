"""Waiting until another host says what became of an act."""

from __future__ import annotations

import time

from mailcore.hosts.acts import ActOutcome, RemoteAct
from mailcore.hosts.asked_acts import asked_file, read_asked
from mailcore.system.watching import Cancellation, Watcher, inodes
from mailcore.workspace.find import Workspace

POLL_INTERVAL = 0.25
"""Seconds between two looks where the kernel tells of no changes."""


def wait_for_outcome(
    workspace: Workspace, act: RemoteAct, seconds: float, cancellation: Cancellation | None = None
) -> ActOutcome | None:
    """What became of an act that was asked; None if it is not known within that time, or the wait is cancelled."""
    until = time.monotonic() + seconds
    with Watcher(POLL_INTERVAL) as watcher:
        watcher.watch(inodes([asked_file(workspace, act.id).parent]))
        if cancellation is not None:
            cancellation.wakes(watcher)
        while True:
            asked = read_asked(workspace, act.id)
            if asked is not None and asked.outcome is not None:
                return asked.outcome
            left = until - time.monotonic()
            if left <= 0 or (cancellation is not None and cancellation.cancelled):
                return None
            watcher.wait(left)
