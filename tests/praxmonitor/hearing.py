"""What a microphone finds in samples: level on a laptop's speaker, pulses, partials. Standard library only.

Samples are of one channel, in any unit; levels are dB of 16-bit full scale. Times are seconds.
"""

from __future__ import annotations

import cmath
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from praxmonitor.sound.mixer import RATE

FULL = 32_768.0
LAPTOP = 300.0
"""Hz below which a laptop's speaker plays less and less."""
LOUDNESS_WINDOW = 0.125
"""Over so long the ear adds loudness up: the `fast` of a sound level meter."""
STEP, SMOOTH = 0.001, 0.008
"""Of the envelope: seconds between two values, and over which each is a root mean square."""


def speaker(samples: Sequence[float], rate: float = RATE, cutoff: float = LAPTOP) -> array[float]:
    """What a small speaker plays of it: a Butterworth high-pass of the second order, as `sox highpass` is one."""
    turn = math.tau * cutoff / rate
    alpha, cosine = math.sin(turn) * math.sqrt(0.5), math.cos(turn)
    b0, a1, a2 = (1 + cosine) / 2 / (1 + alpha), -2 * cosine / (1 + alpha), (1 - alpha) / (1 + alpha)
    x1 = x2 = y1 = y2 = 0.0
    out = array("d", bytes(8 * len(samples)))
    for index, x in enumerate(samples):
        y = b0 * (x - 2 * x1 + x2) - a1 * y1 - a2 * y2
        x2, x1, y2, y1 = x1, x, y1, y
        out[index] = y
    return out


def _powers(samples: Sequence[float], seconds: float, step: float, rate: float) -> list[float]:
    """The mean square of each stretch of `seconds`, a `step` apart; at the edges, over what there is as if silent."""
    sums = list(accumulate((value * value for value in samples), initial=0.0))
    half, last = seconds * rate / 2, len(samples)
    centres = [number * step * rate for number in range(int(last / rate / step) + 1)]
    bounds = ((max(0, round(at - half)), min(last, round(at + half))) for at in centres)
    return [(sums[stop] - sums[start]) / (2 * half) for start, stop in bounds]


def loudest(samples: Sequence[float], rate: float = RATE) -> float:
    """The level of the loudest eighth of a second, in dB of full scale: a square wave as high as that goes is 0."""
    power = max(_powers(samples, LOUDNESS_WINDOW, 0.005, rate), default=0.0)
    return 10 * math.log10(power / FULL**2) if power else -math.inf


def envelope(samples: Sequence[float], rate: float = RATE) -> list[float]:
    """Its amplitude, a value each `STEP`."""
    return [math.sqrt(power) for power in _powers(samples, SMOOTH, STEP, rate)]


@dataclass(frozen=True, slots=True)
class Pulse:
    """A stretch at more than half of its greatest amplitude."""

    start: float
    end: float
    rise: float
    """From 10 to 90 % of its greatest amplitude; 0.0 if it came out of no silence."""

    @property
    def duration(self) -> float:
        return self.end - self.start


def pulses(samples: Sequence[float], rate: float = RATE, *, share: float = 0.5, least: float = 0.02) -> list[Pulse]:
    """Its pulses in their order: what is louder than this share of the loudest for longer than `least` seconds, each
    then measured at half of its own greatest amplitude."""
    heard = envelope(samples, rate)
    found: list[Pulse] = []
    for first, last in _runs(heard, share * max(heard, default=0.0)):
        if (last - first) * STEP < least:
            continue
        peak = max(heard[first:last])
        start, end = _edge(heard, first, -1, peak / 2), _edge(heard, last - 1, 1, peak / 2)
        low, high = _edge(heard, first, -1, peak * 0.1), _edge(heard, first, 1, peak * 0.9, falls=False)
        found.append(Pulse(start * STEP, end * STEP, (high - low) * STEP))
    return found


def _runs(values: Sequence[float], threshold: float) -> list[tuple[int, int]]:
    """(first, one past the last) of each stretch above the threshold."""
    above = [False, *(value > threshold for value in values), False]
    edges = [index for index, (before, after) in enumerate(pairwise(above)) if before is not after]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _edge(values: Sequence[float], at: int, way: int, threshold: float, *, falls: bool = True) -> int:
    """Where, from `at` on this way, the values fall to the threshold, or rise to it."""
    while 0 <= at < len(values) and (values[at] > threshold) is falls:
        at += way
    return at


def gaps(found: Sequence[Pulse]) -> list[float]:
    """From the end of each pulse to the beginning of the next."""
    return [later.start - earlier.end for earlier, later in pairwise(found)]


def partials(samples: Sequence[float], rate: float = RATE, floor: float = -40.0) -> list[tuple[float, float]]:
    """(frequency in Hz, dB) of each partial, the lowest first: each peak of the spectrum down to `floor` dB below the
    highest. A power of two of samples."""
    size = len(samples)
    window = [value * (0.5 - 0.5 * math.cos(math.tau * (n + 0.5) / size)) for n, value in enumerate(samples)]
    spectrum = [abs(value) for value in fft(window)[: size // 2]]
    top = max(spectrum)
    levels = [20 * math.log10(max(value, top * 1e-6) / top) for value in spectrum]
    found = []
    for peak in range(2, len(levels) - 2):
        if levels[peak] > floor and levels[peak] == max(levels[peak - 2 : peak + 3]):
            before, here, after = levels[peak - 1 : peak + 2]
            offset = (before - after) / (2 * (before - 2 * here + after))  # the vertex of a parabola through the three
            found.append(((peak + offset) * rate / size, here - (before - after) * offset / 4))
    return found


@cache
def _twiddles(size: int) -> tuple[complex, ...]:
    return tuple(cmath.exp(-2j * cmath.pi * k / size) for k in range(size // 2))


def fft(values: Sequence[complex]) -> list[complex]:
    """The Fourier transform of a power of two of values."""
    size = len(values)
    if size == 1:
        return list(values)
    even, odd = fft(values[::2]), fft(values[1::2])
    turned = [a * b for a, b in zip(odd, _twiddles(size), strict=True)]
    return [a + b for a, b in zip(even, turned, strict=True)] + [a - b for a, b in zip(even, turned, strict=True)]
