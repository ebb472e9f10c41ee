"""The line that tells a person at a terminal what a long command does: one line, written anew, and gone at its end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mailcore.text import line, progress
from mailcore.text.listing import shortened
from mailcore.text.terminal import WIDTH
from mailcore.text.units import duration

LONG_VERBS = {
    "search": "searching", "repair": "looking at mailboxes", "archive": "reading the archive", "doctor": "checking",
    "history": "reading what happened", "usage": "counting", "wait": "waiting", "thread": "reading mail",
    "trace": "reading mail", "sent": "reading mail", "tasks": "reading mail", "runs": "reading runs",
    "kill": "ending its processes", "agents": "looking at agents",
}  # fmt: skip
"""Verbs that may take longer than a second, ask for nothing and print only at their end → what they do meanwhile."""
AFTER = 1.0
"""Seconds after which the line comes: what is done sooner needs none."""
PERIOD = 0.2
"""Seconds between two looks at how far it is."""
CLEARED = "\r\x1b[2K"


@contextmanager
def progress_line(verb: str) -> Iterator[None]:
    """Show on standard error, which is a person's terminal, how far the work within this is."""
    told = [LONG_VERBS[verb]]
    over = threading.Event()
    began = time.monotonic()

    def show() -> None:
        if over.wait(AFTER):
            return
        while True:
            passed = duration(float(int(time.monotonic() - began)))
            width = WIDTH
            with suppress(OSError):
                width = os.get_terminal_size(sys.stderr.fileno()).columns or WIDTH
            text = shortened(f"mailcore {verb}: {line(told[0])}, {passed}", width - 1)
            with suppress(OSError, ValueError):
                sys.stderr.write(f"{CLEARED}{text}")
                sys.stderr.flush()
            if over.wait(PERIOD):
                break
        with suppress(OSError, ValueError):
            sys.stderr.write(CLEARED)
            sys.stderr.flush()

    def tell(text: str) -> None:
        told[0] = text

    token = progress.listener.set(tell)
    thread = threading.Thread(target=show, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        progress.listener.reset(token)
