"""What is heard of agents at work and an alarm: at random, through the product's own gate, samples and mixer."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from praxmonitor.sound import ALARM_SOUNDS, ALARMS_ALONE, FAMILIES, Cue, Sound, Urgency
from praxmonitor.sound.cue_samples import CueSamples
from praxmonitor.sound.gate import Gate, GateRules
from praxmonitor.sound.mixer import CHANNELS, RATE, Mixer

SECONDS = 8.0
ALARM_BETWEEN = (1.0, 4.5)
"""Seconds from the beginning, at which the alarm comes."""
MOST_AGENTS = 30
TICKS = (1.0, 10.0)
"""Tool calls a second, least and most."""
EVENTS = (0.1, 0.8)
"""All else a second."""
OTHERS = tuple(sound for sound in Sound if not sound.ambient and sound not in ALARMS_ALONE)
SECOND_ALARM = 0.3
"""In such a share of the mixes another alarm, not more urgent, comes shortly before or after."""
EVERY = 0.01
"""Seconds between two looks, and of sound that the device asks for."""

Sounding = tuple[float, Cue]
"""(seconds from the beginning, what)."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What happened, and what was heard of it."""

    urgency: Urgency
    """Of the most urgent alarm; NONE: there was none."""
    due: tuple[Sounding, ...]
    mono: array[int]
    """At 44.1 kHz."""


def happenings(chance: random.Random, urgency: Urgency) -> Iterator[Sounding]:
    """The tool calls and events of some seconds, and an alarm of this urgency; none for NONE."""
    agents = chance.randint(1, MOST_AGENTS)

    def cue(sound: Sound, urgency: Urgency = Urgency.NONE) -> Cue:
        agent = chance.randrange(agents)
        family = chance.choice(FAMILIES) if sound is Sound.TOOL else ""
        return Cue(sound, f"@agent{agent}", agent, family, urgency=urgency)

    for rate, sounds in ((chance.uniform(*TICKS), (Sound.TOOL,)), (chance.uniform(*EVENTS), OTHERS)):
        at = chance.expovariate(rate)
        while at < SECONDS:
            yield at, cue(chance.choice(sounds))
            at += chance.expovariate(rate)
    if urgency:
        at = chance.uniform(*ALARM_BETWEEN)
        yield at, cue(chance.choice(ALARM_SOUNDS), urgency)
        if chance.random() < SECOND_ALARM:
            less = Urgency(chance.randint(Urgency.LOW, urgency))
            yield at + chance.uniform(-1.0 if less < urgency else 0.0, 2.0), cue(chance.choice(ALARM_SOUNDS), less)


def recorded(box: CueSamples, due: Sequence[Sounding], volume: float = 1.0) -> array[int]:
    """What the product plays of it, one channel."""
    gate, mixer, out = Gate(GateRules(volume)), Mixer(), array("h")
    left, began = sorted(due, key=lambda each: each[0]), 1_000_000.0
    for step in range(round(SECONDS / EVERY)):
        now = began + step * EVERY
        while left and began + left[0][0] <= now:
            _, cue = left.pop(0)
            loudness = gate.admit(cue, now)
            if loudness and (samples := box.samples(cue.key, cue.voice)):
                mixer.play(samples, cue.priority, now, loudness, cue.urgency)
        out += mixer.render(round(RATE * EVERY), now)[::CHANNELS]
    return out


def mix(box: CueSamples, seed: int, urgency: Urgency) -> Mix:
    """The mix of this seed."""
    chance = random.Random(seed)
    due = tuple(happenings(chance, urgency))
    return Mix(urgency, due, recorded(box, due, chance.uniform(0.3, 1.0)))
