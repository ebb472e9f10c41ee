"""Checks of the clock: from one tick to the next, did the machine sleep, was the clock set, are we late? Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

JUMP = 2.0
"""Seconds by which the clock of the wall may differ from the machine's own, from one tick to the next."""
STOPPED = 15.0
"""Seconds without a tick, after which nobody looked: the program was stopped, or the machine frozen."""
NEGLIGIBLE_LAG = 0.5
MOST_GAPS = 16
LAG_TICKS = 9
"""Ticks whose lateness is looked at: their median is what is late again and again."""


@dataclass(frozen=True, slots=True)
class ClockChecks:
    """What the ticks so far have shown."""

    wall: float = 0.0
    """The last tick by the clock of the wall, seconds since the epoch; 0.0 before the first."""
    mono: float = 0.0
    """The same by the machine's clock, which nobody sets and which stands still while it sleeps."""
    gaps: tuple[tuple[float, float], ...] = ()
    """As in MachineStatus."""
    late: tuple[float, ...] = ()

    @property
    def lag(self) -> float:
        """Seconds by which ticks are late, as a rule, to a tenth; 0.0 where that is no matter."""
        late = round(statistics.median(self.late), 1) if len(self.late) == LAG_TICKS else 0.0
        return late if late >= NEGLIGIBLE_LAG else 0.0


def check_clock(checks: ClockChecks, wall: float, mono: float, period: float) -> ClockChecks:
    """The checks after one more tick. `period`: seconds between two ticks, as planned."""
    if not checks.wall:
        return replace(checks, wall=wall, mono=mono)
    passed = mono - checks.mono
    gap = abs(wall - checks.wall - passed) > JUMP or passed > STOPPED
    if gap:
        return ClockChecks(wall, mono, (*checks.gaps, (checks.wall, wall))[-MOST_GAPS:])
    return ClockChecks(wall, mono, checks.gaps, (*checks.late, max(0.0, passed - period))[-LAG_TICKS:])
