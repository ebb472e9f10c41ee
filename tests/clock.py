"""The clock of every test that has one of its own."""

from __future__ import annotations

import time

NOON = 1_800_014_400.0
"""2027-01-15 12:00:00 UTC."""


class Clock:
    """Called like `time.time` or `time.monotonic`. It stands until a test sets `now`; one that `runs` goes on too."""

    def __init__(self, now: float = NOON, *, runs: bool = False) -> None:
        self.now = now
        self._began = time.monotonic() if runs else None

    def __call__(self) -> float:
        return self.now + (time.monotonic() - self._began if self._began is not None else 0.0)
