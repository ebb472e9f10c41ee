"""Mixing at the level of samples: pure, no device, no clock of its own, no numpy.

Samples are signed 16-bit, stereo interleaved, 44.1 kHz, in an `array('h')`. A frame is one left and one right sample.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from operator import add

from praxmonitor.sound import Urgency

RATE = 44_100
"""Frames a second."""
CHANNELS = 2
VOICES = 3
"""Sounds that can be heard at one time."""
STALE = 2.0
"""Seconds; a sound that could not start for longer is dropped: late news sounds like new news."""
DUCKED = 0.25
"""Volume of all else while an alarm sounds, 12 dB down: heard, and no part of the alarm's rhythm."""
DUCKED_AFTER = 0.5
"""Seconds after an alarm for which that holds on: what comes at once is no further pulse of it."""

_FULL = 32_767
_KNEE = 24_000


@dataclass(slots=True)
class _Voice:
    samples: array[int]
    priority: int
    volume: float
    at: float
    urgency: int = 0
    position: int = 0

    def take(self, count: int, duck: float) -> array[int]:
        """The next `count` samples, followed by zeros past the end. `duck`: the volume of what is no alarm."""
        part = self.samples[self.position : self.position + count]
        self.position += len(part)
        volume = self.volume if self.urgency else self.volume * duck
        if volume != 1.0:
            part = array("h", [int(sample * volume) for sample in part])
        part.frombytes(bytes(2 * (count - len(part))))
        return part


class Mixer:
    """Up to three sounds in, one stream of frames out. Calls may come from several threads."""

    def __init__(self) -> None:
        self._voices: list[_Voice] = []
        self._lock = threading.Lock()
        self._rendered = 0
        self._ducked = 0
        """Frames for which all but an alarm is ducked."""
        _limiter()  # built now: 40 ms in the middle of a sound would be heard

    def play(
        self, samples: array[int], priority: int, at: float, volume: float = 1.0, urgency: int = Urgency.NONE
    ) -> bool:
        """Start a sound at the next frame. `at` is when it was asked for, in the clock that `render` is told.

        When all voices are taken, it takes the place of the oldest of the least important ones; it is refused
        (`False`) if those are more important than itself. `volume` is 0.0 to 1.0.

        One alarm sounds at a time: another cuts it off at once, or is refused if it is less urgent.
        """
        volume = min(max(0.0, volume), 1.0)  # in this order, not-a-number is 0.0
        with self._lock:
            if urgency:
                if any(voice.urgency > urgency for voice in self._voices):
                    return False
                self._voices = [voice for voice in self._voices if not voice.urgency]
            if len(self._voices) == VOICES:
                least = min(self._voices, key=lambda voice: voice.priority)
                if least.priority > priority:
                    return False
                self._voices.remove(least)
            self._voices.append(_Voice(samples, priority, volume, at, urgency))
        return True

    def render(self, frames: int, now: float) -> array[int]:
        """The next `frames` frames; silence if nothing plays. Drops what waited for longer than `STALE`."""
        count = frames * CHANNELS
        with self._lock:
            voices = [voice for voice in self._voices if voice.position or now - voice.at <= STALE]
            if any(voice.urgency for voice in voices):
                self._ducked = round(DUCKED_AFTER * RATE)
            parts = [voice.take(count, DUCKED if self._ducked else 1.0) for voice in voices]
            self._ducked = max(0, self._ducked - frames)
            self._voices = [voice for voice in voices if voice.position < len(voice.samples)]
            self._rendered += frames
        if not parts:
            return array("h", bytes(2 * count))
        if len(parts) == 1:
            return parts[0]
        sums: Iterable[int] = parts[0]
        for part in parts[1:]:
            sums = map(add, sums, part)
        return array("h", map(_limiter().__getitem__, sums))

    def clear(self) -> None:
        """Fall silent at the next frame."""
        with self._lock:
            self._voices.clear()

    @property
    def left(self) -> int:
        """Frames until the last sound has ended; 0 when nothing plays."""
        with self._lock:
            return max((len(voice.samples) - voice.position for voice in self._voices), default=0) // CHANNELS

    @property
    def rendered(self) -> int:
        """Frames rendered so far, silence included."""
        return self._rendered


@cache
def _limiter() -> array[int]:
    """`_limiter()[s]` is the sum `s` of up to three samples, bent softly into 16 bits above the knee (-2.7 dBFS).

    Python's negative indices make the one table serve negative sums as well.
    """
    top = VOICES * (_FULL + 1)
    room = _FULL - _KNEE
    bent = [_KNEE + round(room * math.tanh((level - _KNEE) / room)) for level in range(_KNEE, top + 1)]
    positive = [*range(_KNEE), *bent]
    return array("h", positive + [-level for level in reversed(positive[1:])])
