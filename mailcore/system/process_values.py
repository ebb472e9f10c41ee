"""A process at one moment, and the notice of its end, as either backend tells them."""

from __future__ import annotations

import os
from typing import NamedTuple


class Process(NamedTuple):
    """A live process; zombies are none."""

    pid: int
    ppid: int
    ticks: int
    """When it started, in clock ticks since boot: with the PID it tells a recycled one."""
    session: int
    """Its session, named by its leader's PID; 0 unknown."""
    name: str
    """What the system calls it, untrusted text; on Linux 15 bytes at most."""
    cpu: float = 0.0
    """Seconds of CPU that it used itself."""
    cpu_of_children: float = 0.0
    """Seconds that its children used which ended and were waited for."""
    rss: int = 0
    """Bytes of memory; what it shares with others counts for each."""
    depth: int = 0
    """How deep it stands below the first of a tree; 0 where nobody asked."""


class ExitNotice:
    """Readable, for `select`, once a process is over. A context that closes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> ExitNotice:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._descriptor

    def close(self) -> None:
        """Wait no more."""
        os.close(self._descriptor)


def session_of(pid: int) -> int:
    """The session that a process belongs to, named by its leader's PID; 0 if the process is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0
