"""Children that filter lines, as grep does: killed at once when nobody waits for them, bounded in memory and time."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Sequence
from contextlib import suppress

MOST_MEMORY = 256 * 1024 * 1024
"""Bytes of address space that a filter may take: a line without end would else take all there is."""
MOST_CPU = 300
"""Seconds of CPU: one whose starter was killed ends by itself, whatever its pattern."""
_READ = 256 * 1024


def _environment() -> dict[str, str]:
    """Bytes are bytes, whatever the locale says."""
    return {"LC_ALL": "C", **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}}


class LineFilter:
    """A running filter of an open file. One thread reads; `cancel` may come from any."""

    def __init__(self, command: Sequence[str], descriptor: int) -> None:
        """It reads from the place of `descriptor` on, and moves it: how far it is can be asked of that. OSError."""
        self._child = subprocess.Popen(
            command, stdin=descriptor, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(), bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        _bound(self._child.pid)
        assert self._child.stdout
        self._output = self._child.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._output, select.POLLIN | select.POLLHUP)

    def read(self, seconds: float) -> bytes | None:
        """What it printed next; nothing at its end; None if it printed none for so many seconds."""
        return os.read(self._output, _READ) if self._poll.poll(seconds * 1000) else None

    def cancel(self) -> None:
        """Kill it; what it does not say any more is missing."""
        self._child.kill()

    def end(self) -> tuple[int, str]:
        """Its exit status, negative if it was killed, and what it said of errors. Waits for it."""
        with self._child:
            assert self._child.stderr
            said = self._child.stderr.read(4096).decode("utf-8", "replace").strip()
        return self._child.returncode, said


def filtered(command: Sequence[str], data: bytes, seconds: float) -> bytes | None:
    """What a filter prints of some bytes; None if it fails or takes longer than that."""
    try:
        done = subprocess.run(
            command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(), timeout=seconds,
            start_new_session=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode in (0, 1) else None


def _bound(pid: int) -> None:
    with suppress(ImportError, AttributeError, OSError, ValueError):  # it has ended, or the system has no such bound
        import resource

        resource.prlimit(pid, resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.prlimit(pid, resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))
