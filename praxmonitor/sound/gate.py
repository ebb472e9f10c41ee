"""What of all that happens is heard, and how loud: mutes, quiet hours, thinning, chords, one alarm at a time.

Opens no device. While an alarm sounds, and shortly after, ticks hush. Another that is no more urgent adds nothing: the
operator is called already, and the list says of what. A more urgent one is let through at once, and the mixer cuts the
first off. Events are let through; the mixer ducks them, so that they are no part of the alarm's rhythm.

Times are seconds since the epoch and are passed in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mailcore.config import Sound as SoundConfig
from praxmonitor.sound import Cue, Sound, Urgency
from praxmonitor.sound.kinds import KIND_OF
from praxmonitor.sound.mutes import Mutes

CHORD = 0.25
"""Seconds in which the same sound of several agents is one chord; the first note is never held back for the others."""
NOTES = 3
"""Notes of a chord; further events are only counted."""
DECAY = 0.7
"""Loudness of each further note of a chord, relative to the one before."""
TICKS = 4.0
"""Ambient sounds a second that are heard for long; `SPARE_TICKS` more at once."""
SPARE_TICKS = 3.0
BURST = MappingProxyType({Urgency.LOW: 0.61, Urgency.MEDIUM: 0.97, Urgency.HIGH: 2.74})
"""Seconds that an alarm sounds: those that ship, and about those of a stranger's pack."""
BURST_PAUSE = 2.5
"""Seconds between two alarms, so that two calls are not heard as one of another rhythm."""
HUSH = 1.0
"""Seconds after an alarm until ticks are heard again."""
CHORD_SHOWN = 3.0
"""Seconds for which the count of a chord is shown."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """The operator's settings, from `[sound]`."""

    volume: float = 1.0
    kinds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """A sound, or a tick's key such as `tool.web` → its volume."""
    agents: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Address → its volume."""
    quiet: tuple[int, int] | None = None
    """Quiet hours: first and last minute of the day, local time; the first may be later, then midnight is in them."""
    quiet_breaks: bool = False
    """Whether urgent sounds may break them."""

    @property
    def quiet_end(self) -> str:
        """When the quiet hours end: `07:00`; empty if there are none."""
        return f"{self.quiet[1] // 60:02}:{self.quiet[1] % 60:02}" if self.quiet is not None else ""

    def loudness(self, cue: Cue) -> float:
        """0.0 to 1.0."""
        kind = self.kinds.get(cue.sound, 1.0)
        if cue.key != cue.sound:
            kind *= self.kinds.get(cue.key, 1.0)
        return min(1.0, max(0.0, self.volume * cue.volume * kind * self.agents.get(cue.agent, 1.0)))

    def quiet_at(self, now: float) -> bool:
        """Whether `now` lies in the quiet hours."""
        if self.quiet is None:
            return False
        first, last = self.quiet
        local = time.localtime(now)
        minute = 60 * local.tm_hour + local.tm_min
        return first <= minute < last if first <= last else minute >= first or minute < last


def gate_rules(config: SoundConfig) -> GateRules:
    """The rules that `[sound]` sets: what is not allowed there was refused when config.toml was read."""
    quiet = None
    if config.quiet:
        hour, minute, last_hour, last_minute = map(int, re.findall("[0-9]+", config.quiet))
        quiet = (60 * hour + minute, 60 * last_hour + last_minute)
    agents = {f"@{name.lstrip('@').lower()}": volume for name, volume in config.agents.items()}
    kinds = {str(kind): volume for kind, volume in config.kinds.items()}
    return GateRules(config.volume, MappingProxyType(kinds), MappingProxyType(agents), quiet, config.quiet_breaks)


@dataclass(slots=True)
class _Chord:
    began: float
    voices: set[tuple[str, str, int]] = field(default_factory=set)
    events: int = 0


class Gate:
    """Decides, cue by cue, what is played. Not for several threads at once."""

    def __init__(self, rules: GateRules) -> None:
        self.rules = rules
        self.mutes = Mutes()
        self._chords: dict[tuple[Sound, Urgency], _Chord] = {}
        self._burst, self._burst_at = Urgency.NONE, float("-inf")
        self._ticks, self._ticks_at = SPARE_TICKS, 0.0
        self._chord, self._chord_at = 0, float("-inf")

    def passes(self, cue: Cue, now: float) -> bool:
        """Whether it may be heard at all: it is neither muted nor turned down to nothing, nor are these quiet hours."""
        mutes = self.mutes
        if mutes.all(now) or mutes.agent(cue.agent, now) or mutes.kind(KIND_OF[cue.sound], now):
            return False
        if not self.rules.loudness(cue):
            return False
        return not self.rules.quiet_at(now) or (cue.urgent and self.rules.quiet_breaks)

    def admit(self, cue: Cue, now: float) -> float:
        """The volume to play it at; 0.0: it is not to be heard, the terminal's bell included."""
        if not self.passes(cue, now):
            return 0.0
        notes = self._notes(cue, now)
        if cue.urgency:
            return self.rules.loudness(cue) if self._begins_burst(cue.urgency, now) else 0.0
        if notes < 0 or (cue.sound.ambient and not self._may_tick(now)):
            return 0.0
        return self.rules.loudness(cue) * DECAY**notes

    def forget_burst(self) -> None:
        """The alarm that was admitted last does not sound after all: the next one is not kept back for it."""
        self._burst = Urgency.NONE

    def chord(self, now: float) -> int:
        """How many events the newest chord stands for, while that is news; else 0."""
        return self._chord if 0 <= now - self._chord_at < CHORD_SHOWN else 0

    def _begins_burst(self, urgency: Urgency, now: float) -> bool:
        if urgency <= self._burst and 0 <= now - self._burst_at < BURST[self._burst] + BURST_PAUSE:
            return False
        self._burst, self._burst_at = urgency, now
        return True

    def _hushed(self, now: float) -> bool:
        return bool(self._burst) and 0 <= now - self._burst_at < BURST[self._burst] + HUSH

    def _notes(self, cue: Cue, now: float) -> int:
        """How many notes of its chord sound already; -1 if it adds none."""
        chord = self._chords.get((cue.sound, cue.urgency))
        if chord is None or not 0 <= now - chord.began < CHORD:
            chord = self._chords[cue.sound, cue.urgency] = _Chord(now)
        chord.events += 1
        if chord.events > 1:
            self._chord, self._chord_at = chord.events, now
        voice = (cue.key, cue.agent, cue.voice)
        if voice in chord.voices or len(chord.voices) == NOTES:
            return -1
        chord.voices.add(voice)
        return len(chord.voices) - 1

    def _may_tick(self, now: float) -> bool:
        self._ticks = min(SPARE_TICKS, self._ticks + TICKS * max(0.0, now - self._ticks_at))
        self._ticks_at = now
        if self._hushed(now) or self._ticks < 1.0:
            return False
        self._ticks -= 1.0
        return True
