"""One look at the machine, for commands that print and end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from mailcore.config import Config
from mailcore.model.fleet import Fleet, State
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.state import state
from praxmonitor.alarms.missing_directories import NOBODY, MissingDirectories

CPU_SAMPLE_INTERVAL = 0.5
"""Seconds between the two looks at the CPU that it takes; only where an agent would be called silent."""


def check_machine(
    fleet: Fleet, config: Config, now: float, missing_before: Mapping[str, float] = NOBODY
) -> MachineStatus:
    """What the machine tells at `now` (seconds since the epoch). Reads /proc; may take CPU_SAMPLE_INTERVAL.

    `missing_before`: agents whose directory was reported missing, and since when.
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
        address: missing_before.get(address, 0.0)
        for address in MissingDirectories(settle=0.0).check(fleet.agents, now, now, missing_before)
    }
    if not quiet:
        return MachineStatus(disk_free=free, missing_since=missing)
    work = CpuActivity()
    work.measure(quiet, now)
    threading.Event().wait(CPU_SAMPLE_INTERVAL)
    return MachineStatus(disk_free=free, work=work.measure(quiet, now), missing_since=missing)
