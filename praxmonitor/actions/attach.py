"""The terminal lent to an agent's own program, in its session, and taken back when that is left.

The app goes on meanwhile: it follows the files and is heard, and draws nothing.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from praxmonitor.actions.context import Terminal

if TYPE_CHECKING:
    from mailcore.dispatch.attach import Attachment


async def run(terminal: Terminal, found: Attachment) -> int:
    """Run the program on the terminal until it ends; its exit status, negative for a signal.

    SuspendNotSupported where the terminal cannot be lent; OSError where the program cannot be started.
    """
    with terminal.lend(), _deaf_to_keys():
        print(f"{found.address}'s session; leave it to come back to PraxMonitor", file=sys.__stdout__, flush=True)
        return await asyncio.to_thread(_run, found)


def _run(found: Attachment) -> int:
    return subprocess.run(found.argv, cwd=found.directory, env=dict(found.environment)).returncode


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
