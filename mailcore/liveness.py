"""What a dispatch lock says, and whether the process that it names is alive and still the same. Signals nobody."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

from mailcore.model.message import parse_time
from mailcore.model.run import Holder, Lock
from mailcore.system import files
from mailcore.system.processes import alive, pid_namespace

YOUNG = 30.0
"""A lock that cannot be parsed is held this long, then free: AIPass's own rule (contract section 4)."""

PID_NAMESPACE = "MAILCORE_PID_NAMESPACE"
"""Set by our supervisor for the agent's program: the PID namespace in which locks and journals name processes."""


_RUN_ID = re.compile("[0-9A-Za-z_-]{1,64}")
"""What can be a run's directory: with anything else the lock is another program's."""


def sandboxed() -> bool:
    """True if a run's program has put this process into a PID namespace of its own, as Codex's sandbox does.

    The PIDs that locks name mean other processes here, or none: nothing can be said of them, or done to them.
    """
    outside = os.environ.get(PID_NAMESPACE, "")
    return outside != "" and outside != pid_namespace()


def read_lock(path: Path) -> Lock | None:
    """The dispatch lock at `path`, None if there is none. Never raises for what the file holds."""
    try:
        with files.opened(path) as file:
            data, modified = file.read(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        return Lock(0, 0.0, subject=f"unreadable lock: {error.strerror}", holder=Holder.UNKNOWN)
    try:
        raw = json.loads(data)
        pid = raw["pid"]
        if not isinstance(pid, int) or isinstance(pid, bool):
            raise TypeError("pid is no number")
    except (ValueError, KeyError, TypeError, RecursionError):
        young = abs(time.time() - modified) <= YOUNG  # a clock that was ahead must not hold it for ever
        return Lock(0, modified, subject="half-written lock", holder=Holder.UNKNOWN if young else Holder.DEAD)

    def text(key: str) -> str:
        value = raw.get(key)
        return value if isinstance(value, str) else ""

    ticks = raw.get("start_ticks")
    lock_ticks = ticks if isinstance(ticks, int) else 0
    boot, run_id = text("boot_id"), text("run_id")
    return Lock(
        pid=pid,
        at=parse_time(raw.get("timestamp")) or modified,
        subject=text("subject"),
        start_ticks=lock_ticks,
        boot_id=boot,
        nonce=text("nonce"),
        run_id=run_id if _RUN_ID.fullmatch(run_id) else "",
        # From within a sandbox nobody's death can be seen: a lock there is honoured, whoever holds it.
        holder=Holder.ALIVE if sandboxed() or alive(pid, lock_ticks, boot) else Holder.DEAD,
    )
