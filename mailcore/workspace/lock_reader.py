"""What a dispatch lock says, and whether the process that it names is alive and still the same. Signals nobody.

A process is judged where it can be seen: in its own PID namespace, on its own machine. From elsewhere the run's own
flock tells: its supervisor and its program hold it, whatever their PIDs are called, until the last of them is over.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.model.lock import Holder, Lock
from mailcore.model.message import parse_time
from mailcore.system import PORTABLE, safe_open
from mailcore.system.locks import is_held
from mailcore.system.processes import (
    alive,
    boot_id,
    command_line,
    environment,
    hidden,
    look,
    pid_namespace,
    session_of,
    started_at,
    value_of,
)
from mailcore.workspace.variables import SUPERVISES

UNREADABLE_GRACE = 30.0
"""A lock that cannot be parsed is held this long, then free: AIPass's own rule (contract section 4)."""

MAX_LOCK = 65_536
"""Bytes of a lock's file: what has more names nobody."""

MAX_START_DELAY = 60.0
"""A process that started so much later than a lock was written is not the one that the lock names. The lock of AIPass
is written by its command, and names its monitor, which starts a few seconds later."""

PID_NAMESPACE = "MAILCORE_PID_NAMESPACE"
"""Set by our supervisor for the agent's program: the PID namespace in which locks and journals name processes."""

FLOCK = ".flock"
"""In a run's directory: the file that its supervisor and its program hold locked while they live."""

_RUN_ID = re.compile("[0-9A-Za-z_-]{1,64}")
"""What can be a run's directory: with anything else the lock is another program's."""


def sandboxed() -> bool:
    """True if a run's program has put this process into a PID namespace of its own, as Codex's sandbox does.

    The PIDs that locks name mean other processes here, or none: nothing can be said of them, or done to them.
    """
    outside = os.environ.get(PID_NAMESPACE, "")
    return outside != "" and outside != pid_namespace()


def process_namespace() -> dict[str, str]:
    """Where a process is seen by its PID, as locks and journals keep it."""
    return {"boot_id": boot_id(), "namespace": pid_namespace(), "host": os.uname().nodename}


def read_lock(path: Path) -> Lock | None:
    """The dispatch lock at `path`, None if there is none. Never raises for what lies there, nor waits for it."""
    try:
        number, found = safe_open.descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(number, "rb") as file:
            modified = found.st_mtime
            data = safe_open.read_whole(file, found.st_size, path, MAX_LOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EFBIG:
            return Lock(0, modified, subject="no lock: too large a file", holder=_unnamed(modified))
        return _unreadable(path, error)
    try:
        raw = json.loads(data)
        pid = raw["pid"]
        if not isinstance(pid, int) or isinstance(pid, bool):
            raise TypeError("pid is no number")
    except (ValueError, KeyError, TypeError, RecursionError):
        return Lock(0, modified, subject="half-written lock", holder=_unnamed(modified))
    lock = lock_from_record(raw, pid, modified)
    return replace(lock, holder=holder_state(lock, path, modified))


def lock_from_record(raw: Mapping[str, Any], pid: int, at: float) -> Lock:
    """A lock as a lock file or a record of a journal tells it, not judged yet; `at` where it gives no time."""

    def text(key: str) -> str:
        value = raw.get(key)
        return value if isinstance(value, str) else ""

    def number(key: str) -> int:
        value = raw.get(key)
        return value if isinstance(value, int) else 0

    run_id = text("run_id")
    return Lock(
        pid=pid,
        at=_written(raw.get("timestamp")) or at,
        subject=text("subject"),
        start_ticks=number("start_ticks"),
        boot_id=text("boot_id"),
        nonce=text("nonce"),
        run_id=run_id if _RUN_ID.fullmatch(run_id) else "",
        namespace=text("namespace"),
        host=text("host"),
        sentinel=number("sentinel"),
        sentinel_ticks=number("sentinel_ticks"),
    )


def is_of_another_boot(lock: Lock) -> bool:
    """True if the process that a lock names was begun before the machine last started, or on another one."""
    return bool(lock.boot_id and boot_id() and lock.boot_id != boot_id())


def holder_state(lock: Lock, path: Path, modified: float = 0.0) -> Holder:
    """What is known of the process that a lock names, whose file is at `path`, and was written at `modified`."""
    own = pid_namespace()
    far = bool(lock.namespace and (own or not PORTABLE) and lock.namespace != own)
    other = is_of_another_boot(lock)
    if far or other or hidden(lock.pid):
        return _from_afar(lock, path, other)
    if sandboxed():
        return Holder.ELSEWHERE  # by another program, or by a former version of this one
    if not alive(lock.pid, lock.start_ticks, lock.boot_id):
        return Holder.DEAD
    young = any(abs(time.time() - at) <= UNREADABLE_GRACE for at in (modified, lock.at))
    return Holder.DEAD if not young and why_stranger(lock) else Holder.ALIVE


def why_stranger(lock: Lock) -> str:
    """Why the live process that a lock names can be none that holds it, as the lock's predicate; empty where it may.

    Not asked of a lock that was written just now: whoever takes it names itself before its supervisor.
    """
    if lock.run_id:
        variables = environment(lock.pid)
        if variables is None or value_of(variables, SUPERVISES) == lock.run_id:
            return ""
        return f"names PID {lock.pid}, which supervises no run {lock.run_id}"
    if lock.pid == 1:
        return "names PID 1, the first process of the system"
    if _is_aipass(lock.pid):
        return ""
    if session_of(lock.pid) != lock.pid:
        return f"names PID {lock.pid}, which leads no session as AIPass's monitor does"
    process = look(lock.pid)
    if process is not None and lock.at and started_at(process) > lock.at + MAX_START_DELAY:
        return f"names PID {lock.pid}, which started after it was written: the PID went to another process"
    return ""


def _is_aipass(pid: int) -> bool:
    """True of a process that says of itself that it is AIPass's: a clock that jumped makes no stranger of it."""
    return any(b"aipass" in word.lower() for word in command_line(pid) or ())


def _from_afar(lock: Lock, path: Path, other: bool) -> Holder:
    """Of a process in another PID namespace or (`other`) of another boot, be it of this machine or of another one."""
    is_locked_now = is_held(path.parent / "runs" / lock.run_id / FLOCK) if lock.run_id else None
    if is_locked_now is not None:
        return Holder.ELSEWHERE if is_locked_now else Holder.DEAD
    rebooted = other and lock.host in ("", os.uname().nodename)
    return Holder.DEAD if rebooted else Holder.ELSEWHERE


def _unreadable(path: Path, error: OSError) -> Lock:
    """Of what cannot be read. A directory, FIFO or link is nobody's lock: like one half-written it holds a while."""
    cause = Lock(0, 0.0, subject=f"unreadable lock: {error.strerror}", holder=Holder.UNKNOWN)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return replace(cause, holder=Holder.DEAD)
    except OSError:
        return cause
    if stat.S_ISREG(found.st_mode) and not (isinstance(error, PermissionError) and found.st_uid == os.geteuid()):
        return cause  # another user's, or the disk's matter: it may be somebody's
    return replace(cause, holder=_unnamed(found.st_mtime))


def _unnamed(modified: float) -> Holder:
    """Of a lock that names nobody: a clock that was ahead must not hold it for ever."""
    return Holder.UNKNOWN if abs(time.time() - modified) <= UNREADABLE_GRACE else Holder.DEAD


def _written(timestamp: object) -> float:
    """When a lock says that it was written; of the hour that a clock shows twice, the later one. 0.0 unknown."""
    at = parse_time(timestamp)
    try:
        twice = datetime.fromisoformat(str(timestamp)).replace(fold=1)
        return max(at, twice.timestamp()) if at and twice.tzinfo is None else at
    except (ValueError, OverflowError, OSError):
        return at
