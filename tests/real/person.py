"""A person's terminal in which an agent's program runs: what it shows, and the keys that are pressed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import pexpect
import pyte

if TYPE_CHECKING:
    import re

    from tests.real.conftest import Lab

ANSWERS = {b"\x1b[6n": "\x1b[1;1R", b"\x1b[c": "\x1b[?62;c"}
"""What a terminal is asked, and says of itself."""


class PersonTerminal:
    """A program in a terminal, in @writer's directory. `asks_by` is how its question is known among what it shows."""

    def __init__(self, lab: Lab, words: Sequence[str], asks_by: re.Pattern[str] | None = None) -> None:
        self._page = pyte.Screen(120, 50)
        self._stream = pyte.ByteStream(self._page)
        self._lock = threading.Lock()
        self._asks_by = asks_by
        self._changes = [(time.monotonic(), False)]
        """When a dialog came or went, and whether one stands since."""
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            words[0], list(words[1:]), cwd=str(lab.branch), env=lab.environment | {"TERM": "xterm-256color"},
            dimensions=(50, 120), timeout=60,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                piece = self._child.read_nonblocking(1 << 16, timeout=None)
            except (pexpect.EOF, OSError, ValueError):
                return
            for asked, answer in ANSWERS.items():
                if asked in piece:
                    self._child.send(answer)
            with self._lock:
                self._stream.feed(piece)
            asks = self._asks_by is not None and self._asks_by.search(self.text) is not None
            if asks != self.asks:
                self._changes.append((time.monotonic(), asks))

    @property
    def text(self) -> str:
        """All of it."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._page.display)

    @property
    def asks(self) -> bool:
        """A dialog stands."""
        return self._changes[-1][1]

    def showed(self, asked: bool, begin: float, end: float) -> bool:
        """Whether there was a moment between the two at which a dialog stood, or none."""
        changes = [*self._changes, (end, not asked)]
        return any(asks is asked and at <= end and begin <= until for (at, asks), (until, _) in pairwise(changes))

    @property
    def runs(self) -> bool:
        """The program has not ended."""
        return self._thread.is_alive()

    def send(self, keys: str) -> None:
        """Press keys."""
        self._child.send(keys)

    def close(self) -> None:
        """End it."""
        self._child.kill(signal.SIGKILL)
        self._thread.join(10)  # the end of its output: only now it can be waited for, and by this thread alone
        self._child.close(force=True)
