"""The screen as its command opens it, on a pseudo terminal whose bytes a test reads."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pexpect

from tests.mailcore.conftest import House

SEQUENCE = re.compile(rb"\x1b\[[^a-zA-Z]*[a-zA-Z]")
"""Colours and moves of the cursor."""


@contextmanager
def screen_of(house: House, *words: str, **environment: str) -> Iterator[Any]:
    """The screen on a terminal of its own."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("LC_") and key != "LANG"}
    env = {**environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment}
    command = ["-m", "praxmonitor", str(house.root), "--mute", *words]
    terminal = pexpect.spawn(sys.executable, command, dimensions=(30, 100), env=env, timeout=30)
    try:
        yield terminal
    finally:
        if terminal.isalive():
            os.kill(terminal.pid or 0, signal.SIGKILL)
        terminal.close(force=True)


def output(terminal: Any, wanted: bytes, seconds: float = 20.0) -> bytes:
    """What is written until `wanted` comes, colours and moves of the cursor aside."""
    found, deadline = b"", time.monotonic() + seconds
    while wanted not in SEQUENCE.sub(b"", found):
        assert time.monotonic() < deadline, f"{wanted!r} in {found[-2000:]!r}"
        if select.select([terminal.child_fd], [], [], 0.1)[0]:
            found += os.read(terminal.child_fd, 65536)
    return found
