"""Alarms that a device took, and of which it is not known yet whether it played them."""

from __future__ import annotations

import threading

from praxmonitor.sound import Cue

CONFIRM_WITHIN = 4.0
"""Seconds in which it must be known: a device that is lost is found out in 3."""


class UnconfirmedCues:
    """Calls may come from any thread. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self._cues: list[tuple[float, Cue]] = []
        self._lock = threading.Lock()

    def add(self, cue: Cue, at: float) -> None:
        """A device took it."""
        if cue.urgency:
            with self._lock:
                self._cues.append((at, cue))

    def played(self, until: float) -> None:
        """All that was asked for by then was played."""
        with self._lock:
            self._cues = [(at, cue) for at, cue in self._cues if at > until]

    def unplayed(self, now: float) -> list[Cue]:
        """Those that are not to be believed in any more. Each is returned once."""
        with self._lock:
            overdue = [cue for at, cue in self._cues if at < now - CONFIRM_WITHIN]
            self._cues = [(at, cue) for at, cue in self._cues if at >= now - CONFIRM_WITHIN]
        return overdue
