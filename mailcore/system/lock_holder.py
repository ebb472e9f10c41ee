"""Who holds a lock of our own: what its text says, and whether the kernel says the same.

A holder of ours writes itself into the file: PID, start time, PID namespace. It is believed while that process lives,
unless the kernel names another living one. A holder is a stranger only where all of that can be seen: the kernel names
a process that lives, the text names no other that does, and it is no older version of ours, which wrote nothing.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from mailcore.system.processes import alive, command_line, command_of, lock_holders, pid_namespace, start_ticks

MAX_HOLDER = 4096
"""Bytes of a lock's text that are read."""
MAX_COMMAND = 120
"""Characters of a stranger's command line that are said."""


def name_holder(descriptor: int, pid: int = 0, **facts: Any) -> None:
    """Write into a lock's file that this process holds it, or `pid` to which it is handed; and what else there is."""
    ticks, namespace = _self(os.getpid())
    holder = {"pid": pid or os.getpid(), "start_ticks": start_ticks(pid) if pid else ticks, "pid_namespace": namespace}
    record = {**holder, **facts}
    text = json.dumps(record).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))


def named_holder(descriptor: int) -> dict[str, Any]:
    """What a lock's text says of its holder; empty where it names none."""
    try:
        record = json.loads(os.pread(descriptor, MAX_HOLDER, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and _number(record, "pid") > 0 else {}


def holder_of(descriptor: int) -> int:
    """The PID of the process that holds a lock, as its text says; 0 where that does not live, or is elsewhere."""
    record = named_holder(descriptor)
    if record.get("pid_namespace") not in (None, pid_namespace()):
        return 0
    pid = _number(record, "pid")
    return pid if alive(pid, _number(record, "start_ticks")) else 0


def stranger_holder(descriptor: int) -> tuple[int, int]:
    """PID and start time of who holds a lock of ours and is none of ours; (0, 0) where that is not sure."""
    record = named_holder(descriptor)
    if record.get("pid_namespace") not in (None, pid_namespace()):
        return 0, 0  # a process of ours in another namespace: nothing can be said of it from here
    holders = lock_holders(os.fstat(descriptor))
    if not holders or holder_of(descriptor) in holders or any(map(_ours, holders)):
        return 0, 0
    return holders[0], start_ticks(holders[0])


def holder_words(descriptor: int) -> str:
    """Who holds a lock, as the kernel says, else as its text does; `another process` where nobody is named."""
    pid = next(iter(lock_holders(os.fstat(descriptor))), 0) or holder_of(descriptor)
    return process_text(pid) if pid else "another process"


def process_text(pid: int) -> str:
    """A process, for people: `PID 4711 (flock duty.lock sleep 60)`."""
    command = " ".join(command_of(pid).split())[:MAX_COMMAND]
    return f"PID {pid} ({command})" if command else f"PID {pid}"


def _ours(pid: int) -> bool:
    """True of our own commands and screens, by their words."""
    arguments = command_line(pid) or []
    return any(
        word.startswith((b"mailcore", b"praxmonitor")) for path in arguments[:6] for word in [path.split(b"/")[-1]]
    )


@cache
def _self(pid: int) -> tuple[int, str]:
    """Start time and namespace of this process; by its PID, since a fork is another."""
    return start_ticks(pid), pid_namespace()


def _number(record: dict[str, Any], key: str) -> int:
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40 else 0
