"""What is known of the machine, beside what the files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """Clock, processors, disk and the observer itself, at one moment. Empty: nobody looked."""

    gaps: tuple[tuple[float, float], ...] = ()
    """Times (before, after; seconds since the epoch) between which the machine slept, the clock was set, or nobody
    could look, oldest first. What was silent in between may just have slept."""
    work: Mapping[str, float] | None = None
    """Address → when its processes were last seen to use the CPU; 0.0: looked at, and idle. Only of agents that are
    near a limit; None: nobody looks at processes."""
    disk_free: int = -1
    """Bytes free for this user where the workspace lies; -1 unknown."""
    lag: float = 0.0
    """Seconds by which the observer is late, again and again."""
    missing_since: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Address → since when its directory, which was there, is missing; seconds since the epoch, 0.0 unknown."""
    woken_at: Mapping[str, float] | None = None
    """Address → when the timer that is to wake it last showed life without a run, or since when it might have; seconds
    since the epoch. None: nobody looked."""
    trouble: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What else failed of the observing, by what failed: in words."""


def counted_from(last: float, limit: float, gaps: tuple[tuple[float, float], ...]) -> float:
    """The moment from which `limit` seconds are to be counted for something that was last heard at `last`.

    Time in a gap does not count: what was not due before it, has its whole time again after it. What was due stays so.
    """
    for before, after in gaps:
        if last <= min(before, after):
            last = min(last, after - limit) if last + limit <= before else after
        elif before < last < after:
            last = after
    return last
