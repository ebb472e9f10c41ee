"""When the operator was away from the keys, by the keys alone. Pure."""

from __future__ import annotations

AWAY_AFTER = 600.0
"""Seconds without a key after which the operator is taken to have been away."""
USUALLY = 3600.0
"""Seconds of which the operator wants to know who was not away."""


class Attendance:
    """The last key, and the last time between two of them in which nobody was there."""

    def __init__(self, now: float) -> None:
        """`now`: seconds since the epoch; it begins with somebody there."""
        self._last_key = now
        self._left = 0.0

    def note_key(self, now: float) -> float:
        """A key was pressed; seconds for which nobody had been there before it, 0.0 where somebody was."""
        gone, before = now - self._last_key, self._last_key
        self._last_key = now
        if gone < AWAY_AFTER:
            return 0.0
        self._left = before
        return gone

    def since(self, now: float) -> float:
        """From when on the operator wants to know what happened: the last absence began; without one, an hour ago."""
        return self._left or now - USUALLY
