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

from praxmonitor.actions.context import Terminal


async def lend(
    terminal: Terminal,
    argv: Sequence[str],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    said: str = "",
) -> int:
    """Run a program on the terminal until it ends; its exit status, negative for a signal. `said` stands above it.

    SuspendNotSupported where the terminal cannot be lent; OSError where the program cannot be started.
    """
    with terminal.lend(), _deaf_to_keys():
        if said:
            print(said, file=sys.__stdout__, flush=True)
        return await asyncio.to_thread(_run, argv, directory, environment)


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
