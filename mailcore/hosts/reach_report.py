"""How far an alarm reaches a person on this host, as whoever watches here says it: the link tells the other hosts."""

from __future__ import annotations

import os
import time

import msgspec

from mailcore.hosts.membership import link_directory
from mailcore.system import writing
from mailcore.system.processes import alive, start_ticks
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

REACH_FILE = "reach.json"
MOST_REACH = 3
"""As far as one can be reached: it sounds."""
FRESH = 15.0
"""Seconds for which it holds: whoever watches says it anew every few seconds."""


class ReachReport(msgspec.Struct, frozen=True):
    """What the watcher on duty here says of itself."""

    reach: int = 0
    """0: no alarm reaches anybody here; more is better."""
    sounds: bool = False
    """It sounds the alarms of all hosts."""
    pid: int = 0
    start_ticks: int | None = None


NOBODY_WATCHES = ReachReport()


def write_reach(workspace: Workspace, reach: int, *, sounds: bool) -> None:
    """Say it of this process. OSError where it cannot be written."""
    report = ReachReport(reach, sounds, os.getpid(), start_ticks(os.getpid()))
    writing.replace(link_directory(workspace) / REACH_FILE, msgspec.json.encode(report), durable=False)


def read_reach(workspace: Workspace) -> ReachReport:
    """What was said last; NOBODY_WATCHES where nobody did, or who did is gone or stands still."""
    path = link_directory(workspace) / REACH_FILE
    try:
        report = msgspec.json.decode(read_bytes(path, links=False), type=ReachReport)
        age = time.time() - path.stat().st_mtime
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return NOBODY_WATCHES
    if report.start_ticks is None or not alive(report.pid, report.start_ticks) or not -FRESH < age < FRESH:
        return NOBODY_WATCHES
    return report
