"""One look at the machine, for commands that print and end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from mailcore.config import Config
from mailcore.model.fleet import Fleet, State
from mailcore.model.senses import Senses
from mailcore.observe.cpu import Work
from mailcore.observe.state import state
from praxmonitor.alarms.missing_directories import NOBODY, MissingDirectories

BETWEEN = 0.5
"""Seconds between the two looks at the CPU that it takes; only where an agent would be called silent."""


def check_machine(fleet: Fleet, config: Config, now: float, gone: Mapping[str, float] = NOBODY) -> Senses:
    """What the machine tells at `now` (seconds since the epoch). Reads /proc; may take BETWEEN.

    `gone`: whose directory was told to be missing, and since when.
    """
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
    missing = {
        address: gone.get(address, 0.0) for address in MissingDirectories(settle=0.0).look(fleet.agents, now, now, gone)
    }
    if not quiet:
        return Senses(disk_free=free, gone=missing)
    work = Work()
    work.look(quiet, now)
    threading.Event().wait(BETWEEN)
    return Senses(disk_free=free, work=work.look(quiet, now), gone=missing)
