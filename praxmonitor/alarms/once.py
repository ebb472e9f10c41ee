"""One look at the machine, for commands that print and end."""

from __future__ import annotations

import os
import threading

from mailcore.config import Config
from mailcore.model.fleet import Fleet, State
from mailcore.model.senses import Senses
from mailcore.observe.cpu import Work
from mailcore.observe.state import state

BETWEEN = 0.5
"""Seconds between the two looks at the CPU that it takes; only where an agent would be called silent."""


def look(fleet: Fleet, config: Config, now: float) -> Senses:
    """What the machine tells at `now` (seconds since the epoch). Reads /proc; may take BETWEEN."""
    try:
        disk = os.statvfs(fleet.root)
        free = disk.f_bavail * disk.f_frsize
    except OSError:
        free = -1
    quiet = {
        facts.address: facts.lock.pid
        for facts in fleet.agents
        if facts.lock is not None and state(facts, now, config.alarms).state is State.SILENT
    }
    if not quiet:
        return Senses(disk_free=free)
    work = Work()
    work.look(quiet, now)
    threading.Event().wait(BETWEEN)
    return Senses(disk_free=free, work=work.look(quiet, now))
