"""What a sound device is, whatever plays it, and when it is believed to be one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from praxmonitor.sound.mixer import RATE

CLOCK_MARGIN = 1.0
"""Seconds of sound that a device may ask for ahead of time. ALSA's null device asked for 5,657 s in half a second."""
PROBE = 0.1
"""Seconds that a device is listened to before it is believed in."""
FIRST_REQUESTS_TIMEOUT = 2.0
"""Seconds in which an opened device must have asked for sound twice."""
NO_CLOCK = "a device without a clock: it swallows sound faster than time passes"

OnLost = Callable[[str], None]
"""Called from any thread, with a reason, when a device that played no longer does."""


class NoDevice(Exception):
    """No sound can come out here; the text says why."""


class OnlyDummy(NoDevice):
    """A sound server answers, but has nowhere to play."""


class Device(Protocol):
    """One open device that plays what a mixer renders."""

    name: str
    """Such as `miniaudio/pulse`."""
    running: bool
    """True while a stream runs, so that the mixer must be asked for frames all the time."""
    rest_after: float
    """Seconds without a sound after which it should rest."""

    def wake(self) -> None:
        """The mixer has something to play. May raise `NoDevice`."""

    def rest(self) -> None:
        """Nothing has played for a while: use no CPU."""


class Pace:
    """Whether frames are asked for no faster than time passes."""

    def __init__(self) -> None:
        self._began, self._asked = time.monotonic(), 0

    def keeps(self, frames: int) -> bool:
        """Count so many more; `False` once they run away."""
        self._asked += frames
        return self._asked < RATE * (time.monotonic() - self._began + CLOCK_MARGIN)
