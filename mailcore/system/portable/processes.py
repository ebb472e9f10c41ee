"""Processes as psutil reports them, on any POSIX system."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from mailcore.system.process_values import ExitNotice, Process, session_of

MISSING: tuple[str, ...] = (
    "a process that clears its environment and leaves its parents is found no more",
    "a run that goes on in another PID namespace, as in a container, is not told from a dead one",
    "after a reboot a lock is told from a live one by PID and start time alone",
    "a PID that is given anew in the very moment of a kill can be hit",
    "an attempt's output grows without limit on disk ([dispatch] output_limit)",
    "the holder of a lock is not named",
    "whoever started a daemon is not known: a terminal multiplexer that a run left behind is taken for a person's",
)
"""What this backend cannot promise, and the one for Linux does."""

START_SLACK = 1.05
"""Seconds by which `started_at` may be wrong: psutil knows the time of the boot to a second."""

EMPTY_LOOKS = 3
"""So many looks for processes in a row that find nothing are believed: nothing tells here of what started meanwhile."""

_TICKS = os.sysconf("SC_CLK_TCK")
_ASKED = ("pid", "ppid", "name", "status", "create_time", "cpu_times", "memory_info")


def _ticks(created: float) -> int:
    """A time since the epoch, as psutil reckons it from the boot, as ticks since the boot."""
    return round((created - psutil.boot_time()) * _TICKS)


def _process(process: psutil.Process) -> Process | None:
    try:
        with process.oneshot():
            if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                return None
            ppid, name, ticks = process.ppid(), process.name(), _ticks(process.create_time())
            own = waited = 0.0
            rss = 0
            with suppress(psutil.AccessDenied):  # another user's, on macOS
                times = process.cpu_times()
                own, waited = times.user + times.system, times.children_user + times.children_system
                rss = process.memory_info().rss
    except psutil.Error:
        return None
    return Process(process.pid, ppid, ticks, session_of(process.pid), name, own, waited, rss)


def snapshot() -> dict[int, Process]:
    """Every live process by its PID, zombies left out."""
    found = (_process(process) for process in psutil.process_iter())
    return {process.pid: process for process in found if process is not None}


def look(pid: int) -> Process | None:
    """One process; None if it is over or a zombie."""
    try:
        return _process(psutil.Process(pid)) if pid > 0 else None
    except (psutil.Error, OverflowError, ValueError):
        return None


def waited_for_cpu(pid: int) -> float | None:
    """None: no POSIX call says it."""
    del pid
    return None


def start_ticks(pid: int) -> int:
    """When process `pid` started, in clock ticks since boot; 0 if there is none or it is a zombie."""
    found = look(pid)
    return found.ticks if found is not None else 0


def hidden(pid: int) -> bool:
    """True of a process that is there, and of which nothing can be read."""
    try:
        return pid > 0 and look(pid) is None and psutil.pid_exists(pid) and not _is_over(pid)
    except OverflowError:
        return False


def _is_over(pid: int) -> bool:
    """True of a zombie."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def stopped(pid: int) -> bool:
    """True of a process that a signal has stopped (SIGSTOP)."""
    try:
        return pid > 0 and psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except (psutil.Error, OverflowError, ValueError):
        return False


def parent_of(pid: int) -> int:
    """The parent of a process; 0 where there is none. OSError where it cannot be seen."""
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error as error:
        raise OSError(f"process {pid}: {error}") from error


def owner_of(pid: int) -> int:
    """The user that a process runs as; -1 where there is none."""
    try:
        return psutil.Process(pid).uids().real
    except (psutil.Error, OSError, ValueError):
        return -1


def control_group(pid: int) -> str:
    """Empty: there are none."""
    del pid
    return ""


def environment(pid: int) -> list[bytes] | None:
    """The variables that a process was started with, as `NAME=value`; None where they cannot be read."""
    try:
        return [os.fsencode(f"{name}={value}") for name, value in psutil.Process(pid).environ().items()]
    except (psutil.Error, OSError, ValueError):
        return None


def command_line(pid: int) -> list[bytes] | None:
    """The words that a process was started with; None where they cannot be read."""
    try:
        return [os.fsencode(word) for word in psutil.Process(pid).cmdline()]
    except (psutil.Error, OSError, ValueError):
        return None


def terminal_of(pid: int) -> str:
    """The device of the terminal that a process is controlled by; empty where there is none."""
    try:
        return psutil.Process(pid).terminal() or ""
    except (psutil.Error, OSError, ValueError):
        return ""


def working_directory(pid: int) -> Path | None:
    """Where a process works; None where that cannot be seen."""
    try:
        return Path(psutil.Process(pid).cwd())
    except (psutil.Error, OSError, ValueError):
        return None


def started_at(process: Process) -> float:
    """When a process started, in seconds since the epoch, to a clock tick."""
    return psutil.boot_time() + process.ticks / _TICKS


def births() -> bytes:
    """Never the same twice: nothing tells here whether a process was started meanwhile."""
    return os.urandom(8)


def boot_id() -> str:
    """Empty: there is no name of this boot that every POSIX system knows."""
    return ""


def pid_namespace() -> str:
    """Empty: there are none, or they cannot be seen."""
    return ""


def in_first_namespace() -> bool:
    """True: there is no other that could be distinguished from it."""
    return True


def send_signal(pid: int, ticks: int, number: signal.Signals) -> bool:
    """Signal the process that has this PID and start time; False if it is gone or not ours to signal."""
    if start_ticks(pid) != ticks:
        return False
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def exit_notice(pid: int) -> ExitNotice:
    """What can be waited for until a process is over. ProcessLookupError if there is none; OSError where it cannot be
    waited for."""
    try:
        process = psutil.Process(pid)
    except (psutil.NoSuchProcess, OverflowError, ValueError) as error:
        raise ProcessLookupError(f"no process {pid}") from error
    except psutil.Error as error:
        raise OSError(f"process {pid}: {error}") from error
    read_end, write_end = os.pipe()
    threading.Thread(target=_close_at_end, args=(process, write_end), name="exit", daemon=True).start()
    return ExitNotice(read_end)


def _close_at_end(process: psutil.Process, write_end: int) -> None:
    """Close a pipe when a process is over: psutil waits with kqueue where there is one, else it looks at times."""
    try:
        with suppress(psutil.Error, OSError, ValueError):
            process.wait()
    finally:
        os.close(write_end)


def free_older_part(descriptor: int, length: int) -> bool:
    """False: no POSIX call frees a part of a file."""
    del descriptor, length
    return False


def lock_holders(found: os.stat_result) -> list[int]:
    """Empty: POSIX names no holder of a flock."""
    del found
    return []


def watch_limits() -> tuple[int, int] | None:
    """None: there is no such limit that could be asked for."""
    return None


def has_sound_card() -> bool:
    """True: every desktop system has one; without it playing says so."""
    return True
