"""Processes as Linux reports them: /proc is read here and nowhere else."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from mailcore.system.process_values import ExitNotice, Process

MISSING: tuple[str, ...] = ()
"""What this backend cannot promise: nothing."""

START_SLACK = 0.05
"""Seconds by which `started_at` may be wrong: a start time is known to a clock tick."""

EMPTY_LOOKS = 10
"""So many looks for processes in a row that find nothing are believed, though others were started meanwhile."""

_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""PROC_PID_INIT_INO of the kernel's proc_ns.h."""
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_KERNEL_THREAD = 0x00200000
"""PF_KTHREAD of the kernel's sched.h, among a process's flags."""
_BLOCK = 1 << 16
"""Bytes of one read."""
_TICKS = os.sysconf("SC_CLK_TCK")
_TICK = 10**9 // _TICKS
_PTYS = range(136, 144)
"""Major device numbers of pseudo-terminals."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int | str) -> tuple[bytes, list[bytes]] | None:
    """Name and further fields of a process that lives: state, parent, …; None of a zombie and of none at all."""
    try:
        stat = _contents(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The command, in parentheses, may itself hold spaces and parentheses: count from the last one.
    end = stat.rfind(b")")
    fields = stat[end + 2 :].split()
    if len(fields) < 22 or fields[0] in (b"Z", b"X"):
        return None
    return stat[stat.find(b"(") + 1 : end], fields


def _contents(path: str) -> bytes:
    """What the kernel says there. OSError. A file object would ask for its length first, and read twice as slowly."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = [os.read(descriptor, _BLOCK)]
        while parts[-1]:
            parts.append(os.read(descriptor, _BLOCK))
    finally:
        os.close(descriptor)
    return b"".join(parts)


def _process(pid: int, name: bytes, fields: list[bytes]) -> Process:
    return Process(
        pid, int(fields[1]), _ticks_of(fields), int(fields[3]), name.decode("utf-8", "replace"),
        (int(fields[11]) + int(fields[12])) / _TICKS, (int(fields[13]) + int(fields[14])) / _TICKS,
        int(fields[21]) * _PAGE,
    )  # fmt: skip


def snapshot() -> dict[int, Process]:
    """Every live process by its PID; zombies and the kernel's own threads left out."""
    found = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 (names are all that is wanted, some hundred times a second)
        if entry.isdecimal() and (found_stat := _stat(entry)) is not None:
            name, fields = found_stat
            if not int(fields[6]) & _KERNEL_THREAD:
                found[int(entry)] = _process(int(entry), name, fields)
    return found


def look(pid: int) -> Process | None:
    """One process; None if it is over or a zombie."""
    found_stat = _stat(pid) if pid > 0 else None
    return _process(pid, *found_stat) if found_stat is not None else None


def waited_for_cpu(pid: int) -> float | None:
    """Seconds that the threads of a process were ready to run and had no processor; None where nothing says it."""
    nanoseconds = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 (names)
            with (
                suppress(FileNotFoundError, ProcessLookupError),
                open(f"/proc/{pid}/task/{thread}/schedstat", "rb", buffering=0) as file,
            ):
                nanoseconds += int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return nanoseconds / 10**9


def start_ticks(pid: int) -> int:
    """When process `pid` started, in clock ticks since boot; 0 if there is none or it is a zombie."""
    found_stat = _stat(pid) if pid > 0 else None
    return _ticks_of(found_stat[1]) if found_stat is not None else 0


def _ticks_of(fields: list[bytes]) -> int:
    return int(fields[19]) - _clock_offset() // _TICK


@cache
def _clock_offset() -> int:
    """Nanoseconds by which the boot of this process's time namespace lies before the machine's.

    The kernel adds them to every start time and to the uptime that it shows here (`unshare --time`, a container that
    was moved). Without them a process has one start time, wherever it is looked at.
    """
    try:
        lines = (line.split() for line in Path("/proc/self/timens_offsets").read_text().splitlines())
        return next(int(line[1]) * 10**9 + int(line[2]) for line in lines if line[0] in ("boottime", "7"))
    except (OSError, StopIteration, IndexError, ValueError):
        return 0


def hidden(pid: int) -> bool:
    """True of a process that is there, and not shown: another user's (`hidepid`), or where /proc is not mounted."""
    if pid <= 0 or Path(f"/proc/{pid}").exists():
        return False
    try:
        os.close(os.pidfd_open(pid))
    except (OSError, OverflowError):
        return False
    return not Path(f"/proc/{pid}").exists()


def stopped(pid: int) -> bool:
    """True of a process that a signal has stopped (SIGSTOP); a debugger's is not."""
    found_stat = _stat(pid) if pid > 0 else None
    return found_stat is not None and found_stat[1][0] == b"T"


def parent_of(pid: int) -> int:
    """The parent of a process; 0 where there is none. OSError where it cannot be seen."""
    stat = _contents(f"/proc/{pid}/stat")
    return int(stat[stat.rfind(b")") + 2 :].split()[1])


def owner_of(pid: int) -> int:
    """The user that a process runs as; -1 where there is none. One that hides its memory counts as root's."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return -1


def control_group(pid: int) -> str:
    """The control groups that a process is in, as the kernel lists them; empty where it does not say."""
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""


def environment(pid: int) -> list[bytes] | None:
    """The variables that a process was started with, as `NAME=value`; None where they cannot be read."""
    return _words(pid, "environ")


def command_line(pid: int) -> list[bytes] | None:
    """The words that a process was started with; None where they cannot be read."""
    return _words(pid, "cmdline")


def _words(pid: int, name: str) -> list[bytes] | None:
    try:
        words = _contents(f"/proc/{pid}/{name}")
    except OSError:
        return None
    return words.removesuffix(b"\0").split(b"\0")


def working_directory(pid: int) -> Path | None:
    """Where a process works; None where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def terminal_of(pid: int) -> str:
    """The device of the terminal that a process is controlled by, as `/dev/pts/3`; empty where there is none."""
    found_stat = _stat(pid) if pid > 0 else None
    number = int(found_stat[1][4]) if found_stat is not None else 0
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    if major in _PTYS:
        return f"/dev/pts/{minor + 256 * (major - _PTYS.start)}"
    return f"/dev/tty{minor}" if major == 4 and minor < 64 else ""


def started_at(process: Process) -> float:
    """When a process started, in seconds since the epoch, to a clock tick."""
    uptime = float(Path("/proc/uptime").read_text().split()[0]) - _clock_offset() / 10**9
    return time.time() - uptime + process.ticks / _TICKS


def births() -> bytes:
    """The PID that was given out last: the same before and after a look, nothing was started meanwhile."""
    return Path("/proc/loadavg").read_bytes().split()[-1]


@cache
def boot_id() -> str:
    """This boot of the machine: a process of another one is over. Empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def in_first_namespace() -> bool:
    """True in the PID namespace that the machine began with, from which every process can be seen."""
    return pid_namespace() == f"pid:[{_FIRST_PID_NAMESPACE}]"


def pid_namespace() -> str:
    """The PID namespace of this process, as the kernel names it; empty where it does not.

    With the time namespace, where that is shifted by a part of a tick: start times are not the same there.
    """
    try:
        shifted = _clock_offset() % _TICK
        return " ".join(os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "time")[: 2 if shifted else 1])  # noqa: PTH115 (names, not paths)
    except OSError:
        return ""


def send_signal(pid: int, ticks: int, number: signal.Signals) -> bool:
    """Signal the process that has this PID and start time, and no other; False if it is gone or not ours to signal."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # The pidfd pins the process: checked after opening, a recycled PID cannot slip in between.
        if start_ticks(pid) != ticks:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def exit_notice(pid: int) -> ExitNotice:
    """What can be waited for until a process is over. ProcessLookupError if there is none; OSError where it cannot be
    waited for, as of a thread's id."""
    return ExitNotice(os.pidfd_open(pid))


def free_older_part(descriptor: int, length: int) -> bool:
    """Free the first `length` bytes of a file on disk and keep its size; False where the file system cannot."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return bool(libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, 0, length) == 0)


def lock_holders(found: os.stat_result) -> list[int]:
    """The processes that hold a flock of this file; empty where none can be named.

    From /proc/locks: `1: FLOCK ADVISORY WRITE 4711 fe:01:1234 0 EOF`. It names who took the lock, which may have handed
    it on and be gone: then those are looked for that have it.
    """
    took = {}
    with suppress(OSError, IndexError, ValueError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "->" in fields or fields[1] != "FLOCK":
                continue
            device, _, inode = fields[5].rpartition(":")
            if inode == str(found.st_ino):
                major, minor = (int(part, 16) for part in device.split(":"))
                took[int(fields[4])] = os.makedev(major, minor) == found.st_dev
    if not took:
        return []
    seen = {pid: _has_lock(pid, found) for pid in took if pid > 0 and start_ticks(pid)}
    certain = [pid for pid, has in seen.items() if has or (has is None and took[pid])]
    if certain:
        return certain
    everyone = os.listdir("/proc")  # noqa: PTH208 (names are all that is wanted)
    return [int(entry) for entry in everyone if entry.isdecimal() and _has_lock(int(entry), found)]


def _has_lock(pid: int, found: os.stat_result) -> bool | None:
    """Whether a process has a descriptor of the file that holds a flock; None where that cannot be seen."""
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 (names)
    except PermissionError:
        return None
    except OSError:
        return False
    for number in descriptors:
        with suppress(OSError):
            if os.path.samestat(Path(f"/proc/{pid}/fd/{number}").stat(), found):
                has_flock = b"FLOCK" in Path(f"/proc/{pid}/fdinfo/{number}").read_bytes()
                if has_flock:
                    return True
    return False


def watch_limits() -> tuple[int, int] | None:
    """How many watches and how many watchers this user may have; 0 unknown. None where there is no such limit."""
    return _number("max_user_watches"), _number("max_user_instances")


def has_sound_card() -> bool:
    """True where the kernel knows a sound card."""
    try:
        return "no soundcards" not in Path("/proc/asound/cards").read_text()
    except OSError:
        return False


def _number(name: str) -> int:
    try:
        return int(Path("/proc/sys/fs/inotify", name).read_text())
    except (OSError, ValueError):
        return 0
