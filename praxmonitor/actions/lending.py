"""The terminal lent to another program, and taken back when that is left.

The app goes on meanwhile: it follows the files and is heard, and draws nothing.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from praxmonitor.actions.app_parts import Terminal

BY_SIGNAL = 128
"""From this exit status on a shell says that a signal ended it: its person pressed Ctrl+C."""
HOLD = ("/bin/sh", "-c", "printf '\\n%s' 'It failed: what it said stands above. Enter comes back. '; read -r _")
"""Holds the terminal: a program as the one before it, which ends with the terminal."""


async def lend(
    terminal: Terminal,
    argv: Sequence[str],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    said: str = "",
    held: bool = False,
) -> int:
    """Run a program on the terminal until it ends; its exit status, negative for a signal. `said` stands above it.
    `held`: where it fails, its last words stay until Enter is pressed.

    SuspendNotSupported where the terminal cannot be lent; OSError where the program cannot be started.
    """
    with terminal.lend(), _deaf_to_keys():
        if said:
            print(said, file=sys.__stdout__, flush=True)
        status = await asyncio.to_thread(_run, argv, directory, environment)
        if held and 0 < status < BY_SIGNAL:
            await asyncio.to_thread(_run, HOLD, None, None)
        return status


def _run(argv: Sequence[str], directory: Path | None, environment: Mapping[str, str] | None) -> int:
    return subprocess.run(argv, cwd=directory, env=None if environment is None else dict(environment)).returncode


@contextmanager
def _deaf_to_keys() -> Iterator[None]:
    """Ctrl+C and Ctrl+\\ mean the program now, though the terminal sends them to the app as well."""
    # No SIG_IGN: a program would inherit that.
    kept = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
