"""Who of the link is there: each host's sign of life, and what its clock differs by."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

BEAT = 5.0
"""Seconds between two signs of life."""
AWAY_AFTER = 15.0
"""Seconds without one after which a host is away."""
MOST_SKEW = 1e9
"""Seconds, about 30 years: a clock that is further off is none, and is not reckoned with."""
SAMPLES = 12
"""Signs of life from which the difference of clocks is taken."""


@dataclass
class Heard:
    """What was heard of one host: for one loop."""

    seen_at: float = 0.0
    """By our clock, seconds since the epoch."""
    heard: float = -AWAY_AFTER
    """By the machine's own clock."""
    _differences: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def beat(self, at: float) -> None:
        """A sign of life came; `at` is its sender's time."""
        self.seen_at, self.heard = time.time(), time.monotonic()
        if abs(at - self.seen_at) < MOST_SKEW:
            self._differences.append(at - self.seen_at)

    @property
    def is_there(self) -> bool:
        """Whether it was heard within the last moments."""
        return time.monotonic() - self.heard < AWAY_AFTER

    @property
    def skew(self) -> float | None:
        """Its clock less ours, in seconds; None: not measured.

        What was on its way longest makes a difference smaller than it is, so the largest is nearest to the truth.
        """
        return max(self._differences) if self._differences else None
