"""Can they be told apart? A nearest-centroid classifier learns from some clips and names what others are: an event and
its agent, or the kind and urgency of an alarm.

Each clip is rendered through the Mixer: at another loudness, at another moment, under noise, and in a third of them
over another agent's tick. Standard library only.
"""

from __future__ import annotations

import math
import random
from array import array
from functools import cache
from itertools import cycle

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARM_SOUNDS, ALARMS_ALONE, FAMILIES, Cue, Sound, Urgency
from praxmonitor.sound.cue_samples import CueSamples, load_cue_samples
from praxmonitor.sound.mixer import RATE, Mixer
from praxmonitor.sound.pack import SOUND_KEYS
from tests.praxmonitor.hearing import fft

AGENTS = 5
LEARNT, ASKED = 1, 100
SHARE = 4
"""The classifier hears a quarter of the rate, mono."""
SECONDS = 1.9
SEGMENTS = ((0, 1024), (1024, 2048), (2048, 4096))
"""(first sample after the onset, length) of each stretch whose spectrum is taken: 93 ms to 0.4 s."""
BANDS = 84
LOWEST = 60.0
STEPS = 40
"""Steps of 30 ms of the envelope."""

_HISS = random.Random(7)
NOISE = [_HISS.gauss(0.0, 1.0) for _ in range(9_973)]

Label = tuple[str, int]
"""Event and agent; of an alarm kind with urgency, and 0: it sounds the same whoever's it is."""
ALARMS = tuple((Cue(sound, urgency=urgency).key, 0) for sound in ALARM_SOUNDS for urgency in Urgency if urgency)
NO_EVENT = {Sound.HEARTBEAT, *ALARMS_ALONE, *(key for key, _ in ALARMS)}
"""The heartbeat is nobody's."""
LABELS = (*((key, agent) for key in SOUND_KEYS if key not in NO_EVENT for agent in range(AGENTS)), *ALARMS)


def clip(box: CueSamples, label: Label, chance: random.Random) -> list[float]:
    """One event or alarm as it might be heard."""
    key, agent = label
    mixer, frames = Mixer(), int(SECONDS * RATE)
    samples = box.samples(key, agent)
    assert samples is not None
    offset = chance.randrange(RATE // 4)
    mixed = mixer.render(offset, 0.0)
    mixer.play(samples, 1, 0.0, chance.uniform(0.2, 1.0))
    if chance.random() < 0.33 and not key.startswith("tool."):
        other = Cue(Sound.TOOL, voice=chance.choice([each for each in range(AGENTS) if each != agent]))
        between = chance.randrange(RATE // 2)
        mixed += mixer.render(between, 0.0)
        offset += between
        tick = box.samples(f"{Sound.TOOL}.{chance.choice(FAMILIES)}", other.voice)
        assert tick is not None
        mixer.play(tick, 0, 0.0, 0.5)
    mixed += mixer.render(frames - offset, 0.0)
    loud = max(mixed) * 10 ** (-chance.uniform(30, 45) / 20)
    parts = [mixed[part :: 2 * SHARE] for part in range(2 * SHARE)]
    began = chance.randrange(len(NOISE))
    return [
        sum(values) / (2 * SHARE) + loud * noise
        for values, noise in zip(zip(*parts, strict=False), cycle(NOISE[began:] + NOISE[:began]), strict=False)
    ]


@cache
def _bands(size: int) -> tuple[int, ...]:
    """The semitone that each bin belongs to; -1 for none."""
    rate = RATE / SHARE
    return tuple(
        band if k and 0 <= (band := round(12 * math.log2(k * rate / size / LOWEST))) < BANDS else -1
        for k in range(size // 2)
    )


def features(samples: list[float]) -> list[float]:
    """Spectra of three stretches by semitone, and the envelope, each of length 1: loudness and moment do not matter."""
    top = max(map(abs, samples))
    onset = next(index for index, value in enumerate(samples) if abs(value) > 0.15 * top)
    heard = samples[max(0, onset - 40) :]
    heard += [0.0] * (SEGMENTS[-1][0] + SEGMENTS[-1][1])
    out: list[float] = []
    for first, length in SEGMENTS:
        window = [
            value * (0.5 - 0.5 * math.cos(math.tau * (index + 0.5) / length))
            for index, value in enumerate(heard[first : first + length])
        ]
        bands = [0.0] * BANDS
        for value, band in zip(fft(window)[: length // 2], _bands(length), strict=True):
            if band >= 0:
                bands[band] += abs(value) ** 2
        out += unit([math.sqrt(band) for band in bands])
    step = int(0.030 * RATE / SHARE)
    return out + unit([math.sqrt(sum(v * v for v in heard[n * step : (n + 1) * step])) for n in range(STEPS)])


def unit(values: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def centroids(box: CueSamples, chance: random.Random) -> dict[Label, array[float]]:
    learnt = {}
    for label in LABELS:
        rows = [features(clip(box, label, chance)) for _ in range(LEARNT)]
        learnt[label] = array("d", [sum(column) / LEARNT for column in zip(*rows, strict=True)])
    return learnt


@pytest.mark.parametrize("name", ["default", "wood"])
def test_event_and_agent_or_alarm_are_named_in_95_clips_of_100(name: str) -> None:
    box = load_cue_samples(sounds_dir() / name)
    known = centroids(box, random.Random(1))
    chance = random.Random(2)
    wrong = []
    for _ in range(ASKED):
        label = chance.choice(LABELS)
        heard = features(clip(box, label, chance))
        named = min(known, key=lambda each: math.dist(known[each], heard))
        if named != label:
            wrong.append((label, named))

    print(f"\n{name}: {len(known)} kinds of clip; {ASKED - len(wrong)} of {ASKED} named right; wrong: {wrong}")
    assert ASKED - len(wrong) >= 95
