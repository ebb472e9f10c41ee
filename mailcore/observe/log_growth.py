"""How fast each log of an agent grows, by what was read of it: so that no rotation resets it, and nothing is polled."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mailcore.model.log import GrowingLog

GROWTH_WINDOW = 60.0
"""Seconds over which a rate is an average."""
_SLOT = 10.0
"""Seconds of which the bytes are counted together; so often a report is due, while anything grows."""
_SLOTS = int(GROWTH_WINDOW / _SLOT)
_STEADY = 4
"""Slots in which a log grew that grows steadily."""
LEAST_RATE = 100.0
"""Bytes a second below which a growth is not reported."""


@dataclass(slots=True)
class _Grown:
    since: float
    at: float = 0.0
    slots: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_SLOTS))
    """Number of the slot, and the bytes that came in it."""


class GrowthMeter:
    """Counts what came to the logs of one agent."""

    def __init__(self) -> None:
        self._logs: dict[str, _Grown] = {}
        self._due = 0.0
        self._grew = False

    def count(self, path: str, size: int, at: float) -> None:
        """So many bytes came to a log by then, seconds since the epoch."""
        if size <= 0:
            return
        known = self._logs.get(path)
        if known is None or at - known.at > GROWTH_WINDOW:
            known = self._logs[path] = _Grown(at)
        known.at, self._grew = at, True
        slot = int(at // _SLOT)
        if known.slots and known.slots[-1][0] == slot:
            size += known.slots.pop()[1]
        known.slots.append((slot, size))

    def report(self, at: float) -> tuple[GrowingLog, ...] | None:
        """The logs that grow, the fastest first; None while none is due, or nothing grew since the last."""
        if not self._grew or at < self._due:
            return None
        self._grew, self._due = False, at + _SLOT
        self._logs = {path: grown for path, grown in self._logs.items() if at - grown.at <= GROWTH_WINDOW}
        found = [_growth(path, grown, int(at // _SLOT)) for path, grown in self._logs.items()]
        return tuple(sorted((one for one in found if one.rate >= LEAST_RATE), key=lambda one: -one.rate))


def _growth(path: str, grown: _Grown, now: int) -> GrowingLog:
    sizes = [size for slot, size in grown.slots if slot > now - _SLOTS]
    return GrowingLog(path, sum(sizes) / GROWTH_WINDOW, grown.at, grown.since, len(sizes) >= _STEADY)
