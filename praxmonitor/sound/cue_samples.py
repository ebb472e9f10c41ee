"""The samples of a cue: the pack's file, decoded; of an event at its agent's pitch.

Loads miniaudio: for the player's child and for tools, never for the screen.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Sound, Urgency
from praxmonitor.sound.backends import decode, transpose
from praxmonitor.sound.pack import Pack, Picker, load_pack

VOICE_SEMITONES = (0, 7, -5, 12, 4, -8, 9, 2, -3, 14, -10, 16, -12)
"""Semitones of each voice, from the first agent on: a pentatonic scale, so that whoever sounds together sounds well;
the first five are a chord in C, three semitones apart or more. The fourteenth agent has the first one's pitch."""
URGENCIES = tuple(urgency.word for urgency in Urgency if urgency)
SAMPLE_CACHE = 32_000_000
"""Bytes of sounds samples ready in memory, 0.2 MB a second of each: a pack that ships has 6.5 MB, a stranger's any."""


@dataclass(slots=True)
class CueSamples:
    """The sounds of one pack. A file that cannot be decoded is left out."""

    pack: Pack
    picker: Picker = field(default_factory=Picker)
    _default: Pack = field(default_factory=lambda: load_pack(sounds_dir() / "default"))
    _bad: set[Path] = field(default_factory=set)
    _cache: dict[tuple[Path, int], array[int]] = field(default_factory=dict)
    """Samples by file and step."""

    def samples(self, key: str, voice: int = 0) -> array[int] | None:
        """What the mixer plays for a `Cue.key`; None where the pack has no sound for it.

        An alarm has one pitch whoever's it is, and is heard whatever the pack: what that lacks is taken from the
        default pack. An event is not, if CESP knows it: a pack may leave it out.
        """
        sound, _, urgency = key.partition(".")
        alarm = urgency in URGENCIES
        step = 0 if alarm else VOICE_SEMITONES[voice % len(VOICE_SEMITONES)]
        sources = [(self.pack, key)]
        if alarm and urgency != Urgency.HIGH.word:  # a stranger's sound for the kind says nothing of high urgency
            sources.append((self.pack, sound))
        if alarm or Sound(sound).category is None:
            sources.append((self._default, key))
        return next((found for pack, name in sources if (found := self._picked(pack, name, step))), None)

    def _picked(self, pack: Pack, key: str, step: int) -> array[int] | None:
        """One of the pack's files for it, at random; None where none can be decoded."""
        while file := self.picker.pick(tuple(file for file in pack.sounds[key] if file not in self._bad)):
            try:
                return self._tuned(file, step if pack.tuned else 0)
            except ValueError:
                self._bad.add(file)
        return None

    def _tuned(self, file: Path, step: int) -> array[int]:
        if (samples := self._cache.pop((file, step), None)) is None:
            samples = decode(file)
            samples = transpose(samples, step) if step else samples
        self._cache[file, step] = samples  # the last one used is the last one to go
        while len(self._cache) > 1 and sum(map(len, self._cache.values())) * samples.itemsize > SAMPLE_CACHE:
            del self._cache[next(iter(self._cache))]
        return samples


def load_cue_samples(root: Path, seed: int | None = None) -> CueSamples:
    """The samples of the pack in `root`; with a seed it picks the same each time. Raises `PackError`."""
    return CueSamples(load_pack(root), Picker(Random(seed)))
