"""One look at the machine, for commands that print and end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace

from mailcore.config import Config
from mailcore.model.fleet import Fleet
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.own_sessions import root_of
from mailcore.observe.state import next_due
from praxmonitor.alarms.missing_directories import NOBODY, MissingDirectories
from praxmonitor.alarms.wake_signs import wake_signs

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
    woken = wake_signs(fleet.root / ".praxmonitor" / "config.toml", config, fleet.local_agents)
    quiet = [facts for facts in fleet.local_agents if next_due(facts, now, config.alarms) < now]
    pids = {facts.address: root for facts in quiet if (root := root_of(facts))}
    missing = {
        address: missing_before.get(address, 0.0)
        for address in MissingDirectories(settle=0.0).check(fleet.local_agents, now, now, missing_before)
    }
    seen = MachineStatus(disk_free=free, missing_since=missing, woken_at=woken)
    if not pids:
        return seen
    work, at_terminals = CpuActivity(), {facts.address for facts in quiet if facts.lock is None}
    work.measure(pids, now, at_terminals)
    threading.Event().wait(CPU_SAMPLE_INTERVAL)
    return replace(seen, work=work.measure(pids, now, at_terminals))
