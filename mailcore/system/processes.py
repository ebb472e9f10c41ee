"""The door to processes: who lives, since when, below whom, with which words; signals, and the notice of an end."""

from __future__ import annotations

import select
import time

from mailcore.system import PORTABLE
from mailcore.system.process_values import session_of
from mailcore.system.subreaper import adopt_orphans

if PORTABLE:
    from mailcore.system.portable.processes import (
        EMPTY_LOOKS,
        MISSING,
        START_SLACK,
        births,
        boot_id,
        command_line,
        control_group,
        environment,
        exit_notice,
        free_older_part,
        has_sound_card,
        hidden,
        in_first_namespace,
        lock_holders,
        look,
        owner_of,
        parent_of,
        pid_namespace,
        send_signal,
        snapshot,
        start_ticks,
        started_at,
        stopped,
        terminal_of,
        waited_for_cpu,
        watch_limits,
        working_directory,
    )
else:
    from mailcore.system.linux.processes import (
        EMPTY_LOOKS,
        MISSING,
        START_SLACK,
        births,
        boot_id,
        command_line,
        control_group,
        environment,
        exit_notice,
        free_older_part,
        has_sound_card,
        hidden,
        in_first_namespace,
        lock_holders,
        look,
        owner_of,
        parent_of,
        pid_namespace,
        send_signal,
        snapshot,
        start_ticks,
        started_at,
        stopped,
        terminal_of,
        waited_for_cpu,
        watch_limits,
        working_directory,
    )

__all__ = [
    "EMPTY_LOOKS",
    "MISSING",
    "START_SLACK",
    "adopt_orphans",
    "alive",
    "births",
    "boot_id",
    "command_line",
    "command_of",
    "control_group",
    "environment",
    "exit_notice",
    "free_older_part",
    "has_sound_card",
    "hidden",
    "in_first_namespace",
    "lineage",
    "lock_holders",
    "look",
    "owner_of",
    "parent_of",
    "pid_namespace",
    "send_signal",
    "session_of",
    "snapshot",
    "start_ticks",
    "started_at",
    "stopped",
    "terminal_of",
    "value_of",
    "wait_for_end",
    "waited_for_cpu",
    "watch_limits",
    "working_directory",
]


def alive(pid: int, ticks: int = 0, boot: str = "") -> bool:
    """True if `pid` runs and, where known, has that start time and boot. A zombie is not alive."""
    if pid <= 0 or (boot and boot_id() and boot != boot_id()):
        return False
    actual = start_ticks(pid)
    return actual != 0 and ticks in (0, actual)


def wait_for_end(pid: int, ticks: int, seconds: float) -> bool:
    """Wait for the end of a process that need not be a child; False if it still lives after so many seconds."""
    deadline = time.monotonic() + seconds
    try:
        notice = exit_notice(pid)
    except OSError:  # it is over, or no descriptor is left to wait with
        return not alive(pid, ticks)
    with notice:
        poll = select.poll()  # a screen has more descriptors than select() can hold
        poll.register(notice, select.POLLIN)
        while alive(pid, ticks):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            poll.poll(left * 1000)
    return True


def command_of(pid: int) -> str:
    """The command line of a process in one text, untrusted; empty where it cannot be read."""
    return b" ".join(command_line(pid) or ()).decode("utf-8", "replace").strip()


def value_of(variables: list[bytes], name: str) -> str:
    """The value of one variable among those of a process; empty if it is not there."""
    mark = f"{name}=".encode()
    return next((v[len(mark) :].decode("utf-8", "replace") for v in variables if v.startswith(mark)), "")


def lineage(pid: int) -> tuple[list[int], bool]:
    """The process and those above it, nearest first, without the first of the system; and whether that is all of them.

    It is not where one cannot be seen. One that ends while we look hands its children up: what is missing then is
    looked for once more.
    """
    before: list[int] | None = None
    while True:
        found: list[int] = []
        at = pid
        try:
            while at > 1:
                found.append(at)
                at = parent_of(at)
        except OSError:  # gone, or another user's and hidden from us: then it is so the second time too
            if found != before:
                before = found
                continue
            return found, False
        return found, True
