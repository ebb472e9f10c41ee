"""A listener that was told the contract's pulses and spacings, and nothing of the packs: which urgency is it?"""

from __future__ import annotations

from collections.abc import Sequence

from praxmonitor.sound import Urgency
from tests.praxmonitor.hearing import Pulse, gaps, pulses

SLACK = 0.020
"""Seconds by which it mishears, with all else that sounds."""
THRESHOLDS = (0.5, 0.35, 0.7)
"""Shares of the loudest: what is louder is a pulse. It listens for each in turn, and believes two of three."""


def named(mono: Sequence[float], rate: float) -> Urgency:
    """The most urgent alarm that it hears; NONE: none."""
    return sorted(heard_in(pulses(mono, rate, share=share)) for share in THRESHOLDS)[1]


def heard_in(found: Sequence[Pulse]) -> Urgency:
    """The most urgent rhythm among these pulses."""
    if any(_quick(found[first : first + 5]) for first in range(len(found) - 4)):
        return Urgency.HIGH
    slow = max((_slow_run(found[first:]) for first in range(len(found))), default=0)
    return Urgency.MEDIUM if slow >= 3 else Urgency.LOW if slow == 2 else Urgency.NONE


def _like(value: float, least: float, most: float) -> bool:
    return least - SLACK <= value <= most + SLACK


def _quick(five: Sequence[Pulse]) -> bool:
    """Three pulses and two of high urgency, with twice the spacing and a pulse between them."""
    x1, x2, longer, x3 = gaps(five)
    if not all(_like(pulse.duration, 0.075, 0.200) for pulse in five):
        return False
    expected = 2 * (x1 + x2 + x3) / 3 + sum(pulse.duration for pulse in five) / 5
    return all(_like(x, 0.050, 0.125) for x in (x1, x2, x3)) and _like(longer, expected - SLACK, expected + SLACK)


def _slow_run(found: Sequence[Pulse]) -> int:
    """How many pulses of medium or low urgency follow each other from the first one on."""
    count = 0
    for place, pulse in enumerate(found):
        if not _like(pulse.duration, 0.125, 0.250) or (
            place and not _like(pulse.start - found[place - 1].end, 0.125, 0.250)
        ):
            break
        count += 1
    return count
