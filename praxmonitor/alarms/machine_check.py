"""One look at the machine, for commands that print and end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace

from mailcore.config import Alarms, Config
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.silence import expectation, spins_at
from mailcore.observe.state import stated
from praxmonitor.alarms.missing_directories import NOBODY, MissingDirectories
from praxmonitor.alarms.own_sessions import session_roots
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
    woken = wake_signs(fleet.root / ".praxmonitor" / "config.toml", config, fleet.agents)
    quiet = [facts for facts in fleet.agents if _may_be_silent(facts, now, config.alarms)]
    own = [facts for facts in quiet if facts.lock is None]
    roots = dict(session_roots(own, [facts.agent for facts in fleet.agents]))
    gone = frozenset(facts.address for facts in own) - roots.keys()
    roots |= {facts.address: facts.lock.pid for facts in quiet if facts.lock is not None}
    missing = {
        address: missing_before.get(address, 0.0)
        for address in MissingDirectories(settle=0.0).check(fleet.agents, now, now, missing_before)
    }
    seen = MachineStatus(disk_free=free, missing_since=missing, gone_sessions=gone, woken_at=woken)
    if not roots:
        return seen
    work, screens = CpuActivity(), {facts.address for facts in own}
    work.measure(roots, now, screens)
    threading.Event().wait(CPU_SAMPLE_INTERVAL)
    return replace(seen, work=work.measure(roots, now, screens))


def _may_be_silent(facts: AgentFacts, now: float, policy: Alarms) -> bool:
    """Whether it is silent or spins, as far as its files say."""
    if facts.lock is None and not facts.open:
        return False
    status = stated(facts, now, policy)
    due = expectation(facts, status, now, policy)
    return due is not None and min(due.silent_at, spins_at(facts, status, now, policy)) < now
