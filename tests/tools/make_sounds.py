"""Writes the sound packs that ship, sample by sample: `python tests/tools/make_sounds.py [DIRECTORY]`.

Every sound is made of sine partials, by this file alone; nothing is borrowed. The output is the same each time. Mono,
16 bit, 44.1 kHz. Both packs say the same in the same rhythm: `default` with bells, `wood` with bars of wood.

An event is one figure that rings out, tuned to C: each agent's pitch transposes it. An alarm is louder than any event:
a burst of pulses after IEC 60601-1-8, at one pitch whoever's it is: the rhythm says its urgency, the melody its kind.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import wave
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

RATE = 44_100
SOUNDS_DIR = Path(__file__).parents[2] / "sounds"

Partials = Sequence[tuple[float, float]]
"""Each (multiple of the pitch, loudness)."""
Note = tuple[float, float]
"""(seconds from the start, pitch in Hz)."""

A3, C4, E4, G4, A4, B4 = 220.00, 261.63, 329.63, 392.00, 440.00, 493.88
C5, D5, E5, FIS5, G5, B5, C6, E6, G6 = 523.25, 587.33, 659.26, 739.99, 783.99, 987.77, 1046.5, 1318.5, 1568.0


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a pack sounds like."""

    name: str
    display_name: str
    description: str
    bell: Partials
    soft: Partials
    reed: Partials
    """Rich enough that a laptop's small speakers play its low notes."""
    pulse: Partials
    """Of an alarm: harmonics of nearly its fundamental's strength, of which small speakers and old ears catch some."""
    ring: float
    """How long notes ring, relative to the bells."""


BELLS = Instrument(
    "default", "PraxMonitor: bells", "Short synthesised bells and ticks, one for each kind of event.",
    bell=((1.0, 1.0), (2.0, 0.35), (3.0, 0.12), (4.2, 0.06)),
    soft=((1.0, 1.0), (2.0, 0.15)),
    reed=((1.0, 1.0), (2.0, 0.5), (3.0, 0.35), (4.0, 0.15), (5.0, 0.1)),
    pulse=((1.0, 1.0), (2.0, 0.75), (3.0, 0.5), (4.0, 0.4), (5.0, 0.3), (6.0, 0.2)),
    ring=1.0,
)  # fmt: skip
WOOD = Instrument(
    "wood", "PraxMonitor: wood", "The same signals on bars of wood: shorter, drier, softer.",
    bell=((1.0, 1.0), (3.93, 0.35), (9.4, 0.10)),
    soft=((1.0, 1.0), (3.93, 0.12)),
    reed=((1.0, 1.0), (2.0, 0.2), (3.0, 0.5), (5.0, 0.25), (7.0, 0.1)),
    pulse=((1.0, 1.0), (2.0, 0.3), (3.0, 0.8), (4.0, 0.25), (5.0, 0.5), (7.0, 0.3)),
    ring=0.7,
)  # fmt: skip


def struck(
    notes: Sequence[Note], seconds: float, partials: Partials, decay: float, attack: float = 0.004
) -> list[float]:
    """Notes that are struck and ring out; `decay` is the time to fall to 1/e."""
    out = [0.0] * int(seconds * RATE)
    for start, pitch in notes:
        for index in range(int(start * RATE), len(out)):
            t = index / RATE - start
            swell = min(1.0, t / attack)
            for multiple, loudness in partials:
                ring = math.exp(-t * multiple**0.5 / decay)
                out[index] += swell * ring * loudness * math.sin(math.tau * pitch * multiple * t)
    return out


def swelling(pitches: Sequence[float], seconds: float, peak_at: float, partials: Partials) -> list[float]:
    """A chord that rises from nothing, and fades."""
    out = []
    for index in range(int(seconds * RATE)):
        t = index / RATE
        part = t / peak_at if t < peak_at else (seconds - t) / (seconds - peak_at)
        shape = math.sin(part * math.pi / 2) ** 2
        tone = sum(
            loudness * math.sin(math.tau * pitch * multiple * t) for pitch in pitches for multiple, loudness in partials
        )
        out.append(shape * tone)
    return out


def gliding(first: float, last: float, seconds: float, bend_at: float, bend: float, partials: Partials) -> list[float]:
    """A tone that holds, then glides, as a voice does."""
    out, phase = [], 0.0
    for index in range(int(seconds * RATE)):
        t = index / RATE
        part = min(1.0, max(0.0, (t - bend_at) / bend))
        phase += math.tau * first * (last / first) ** (part * part * (3 - 2 * part)) / RATE
        shape = min(1.0, t / 0.02) * math.sin(math.pi * (1 - t / seconds) / 2)
        out.append(shape * sum(loudness * math.sin(multiple * phase) for multiple, loudness in partials))
    return out


def wavering(pitch: float, seconds: float, per_second: float, semitones: float, partials: Partials) -> list[float]:
    """A tone that swells and fades once, and wavers around its pitch meanwhile."""
    out, phase = [], 0.0
    for index in range(int(seconds * RATE)):
        t = index / RATE
        phase += math.tau * pitch * 2 ** (semitones / 12 * math.sin(math.tau * per_second * t)) / RATE
        shape = math.sin(math.pi * t / seconds)
        out.append(shape * sum(loudness * math.sin(multiple * phase) for multiple, loudness in partials))
    return out


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The pulses of one urgency. Times are seconds, between the points of half the amplitude."""

    pulse: float
    """How long a pulse is."""
    spacing: float
    """From the end of a pulse to the beginning of the next."""
    rise: float
    """From nothing to the full amplitude; from 10 to 90 % takes 0.59 of it."""
    fall: float
    peak: float
    """In dB of full scale."""
    groups: tuple[int, ...]
    """The pulses of each group."""
    pauses: tuple[float, ...] = ()
    """After each group but the last."""

    def starts(self) -> list[float]:
        """When each pulse begins to rise."""
        at, starts = 0.0, []
        for count, pause in zip(self.groups, (*self.pauses, 0.0), strict=True):
            starts += [at + number * (self.pulse + self.spacing) for number in range(count)]
            at = starts[-1] + self.pulse + pause
        return starts


def quick(pulse: float, spacing: float, pause: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The groups and pauses of high urgency: three and two, and again."""
    return (3, 2, 3, 2), (2 * spacing + pulse, pause, 2 * spacing + pulse)


RHYTHMS = {
    "low": Rhythm(0.180, 0.180, 0.060, 0.070, -8.0, (2,)),
    "medium": Rhythm(0.180, 0.180, 0.060, 0.070, -6.0, (3,)),
    "high": Rhythm(0.120, 0.085, 0.034, 0.050, -4.0, *quick(0.120, 0.085, 0.400)),
}
MELODIES = {
    "silence": ("one pitch", "an agent has gone quiet", (A4, A4), (A4, A4, A4, A4, A4)),
    "waiting": ("rising", "an agent waits for you", (G4, D5), (G4, C5, E5, E5, G5)),
    "failed": ("falling", "a run failed", (E5, B4), (E5, C5, A4, G4, E4)),
    "limit": ("up and back", "a limit", (C5, D5), (C5, FIS5, C5, C5, FIS5)),
    "stuck": ("down and back", "mail or a task does not move", (D5, C5), (D5, A4, D5, A4, D5)),
    "error": ("an octave down", "something is wrong with the machine", (C5, C4), (C5, C4, C4, C5, C4)),
}
"""Kind of alarm → its contour and meaning in words, the notes of low urgency, and those of a group of five: medium has
the first three, high all of them twice."""


def pulsing(pitches: Sequence[float], rhythm: Rhythm, partials: Partials) -> list[float]:
    """One burst of pulses."""
    length = rhythm.pulse + (rhythm.rise + rhythm.fall) / 2
    starts = rhythm.starts()
    out = [0.0] * int((starts[-1] + length) * RATE)
    made = {pitch: tone(pitch, length, rhythm, partials) for pitch in set(pitches)}
    for start, pitch in zip(starts, pitches, strict=True):
        first = int(start * RATE)
        for index, value in enumerate(made[pitch][: len(out) - first], first):
            out[index] += value
    return out


def tone(pitch: float, seconds: float, rhythm: Rhythm, partials: Partials) -> list[float]:
    """One pulse. The phases of its partials are Schroeder's, so that it is loud for its peak."""
    count, out = len(partials), []
    for index in range(int(seconds * RATE)):
        t = index / RATE
        part = min(1.0, t / rhythm.rise, (seconds - t) / rhythm.fall)
        value = sum(
            loudness * math.sin(math.tau * pitch * multiple * t - math.pi * place * (place + 1) / count)
            for place, (multiple, loudness) in enumerate(partials)
        )
        out.append(math.sin(part * math.pi / 2) ** 2 * value)
    return out


def alarm(kind: str, urgency: str, instrument: Instrument) -> list[float]:
    """The burst of an alarm."""
    _, _, two, five = MELODIES[kind]
    pitches = {"low": two, "medium": five[:3], "high": five * 2}[urgency]
    return pulsing(pitches, RHYTHMS[urgency], instrument.pulse)


Maker = Callable[[Instrument], list[float]]
TICK = 0.075

SOUNDS: dict[str, tuple[str, str, float, Maker]] = {
    "heartbeat": ("task.progress", "A soft thump: work goes on", -20.0,
        lambda i: struck([(0.0, C4), (0.11, C4)], 0.30, i.soft, 0.045, 0.008)),
    "tool.shell": ("", "A dry tick: a command", -15.0,
        lambda i: struck([(0.0, C6)], TICK, ((1.0, 1.0), (2.76, 0.9)), 0.012 * i.ring, 0.001)),
    "tool.read": ("", "A round tick: reading, searching", -15.0,
        lambda i: struck([(0.0, C5)], TICK, ((1.0, 1.0),), 0.025 * i.ring, 0.006)),
    "tool.edit": ("", "Two taps: writing", -15.0,
        lambda i: struck([(0.0, C6), (0.036, G6)], TICK, ((1.0, 1.0), (2.0, 0.2)), 0.010 * i.ring, 0.001)),
    "tool.web": ("", "A chirp: the web", -19.0,
        lambda _: gliding(C5, C6 * 1.5, TICK, 0.0, TICK, ((1.0, 1.0),))),
    "tool.agent": ("", "A hollow tick: another agent", -15.0,
        lambda i: struck([(0.0, G4)], TICK, ((1.0, 1.0), (3.0, 0.8), (5.0, 0.5)), 0.024 * i.ring, 0.003)),
    "tool.other": ("", "A dull tick: any other tool", -15.0,
        lambda i: struck([(0.0, C4)], TICK, ((1.0, 1.0), (4.4, 0.5)), 0.024 * i.ring, 0.002)),
    "prompt": ("", "A grace note: a prompt", -18.0,
        lambda i: struck([(0.0, G4), (0.05, C5)], 0.28, i.soft, 0.07 * i.ring)),
    "turn": ("", "A falling fourth, soft: a turn is over", -19.0,
        lambda i: struck([(0.0, C5), (0.09, G4)], 0.40, i.soft, 0.10 * i.ring, 0.010)),
    "session": ("session.start", "An open fifth that swells: a session began", -18.0,
        lambda i: swelling((C4, G4, C5), 0.55, 0.30, i.soft)),
    "compact": ("", "A long glide down: the context is compacted", -16.0,
        lambda i: gliding(G5, C4, 0.80, 0.05, 0.70, i.soft)),
    "mail_low": ("", "One bell: mail of low priority", -16.0,
        lambda i: struck([(0.0, B4)], 0.55, i.bell, 0.16 * i.ring)),
    "mail": ("", "Two bells: mail", -12.5,
        lambda i: struck([(0.0, E5), (0.13, B5)], 0.75, i.bell, 0.20 * i.ring)),
    "mail_high": ("", "Three bells, quick: urgent mail", -11.2,
        lambda i: struck([(0.0, E5), (0.08, B5), (0.16, E6)], 0.85, i.bell, 0.22 * i.ring)),
    "dispatched": ("", "Three quick steps up: a task is handed out", -14.0,
        lambda i: struck([(0.0, G4), (0.055, C5), (0.11, G5)], 0.45, i.soft, 0.08 * i.ring)),
    "start": ("task.acknowledge", "A soft swell: a run began", -16.0,
        lambda _: swelling((C4, G4, E5), 0.9, 0.45, ((1.0, 1.0),))),
    "retry": ("", "Back and forth: a run is tried again", -12.0,
        lambda i: struck([(0.0, C5), (0.07, A4), (0.14, C5)], 0.50, i.reed, 0.08 * i.ring, 0.008)),
    "done": ("task.complete", "A rising third: a run ended well", -12.0,
        lambda i: struck([(0.0, C5), (0.11, E5)], 0.65, i.soft, 0.18 * i.ring)),
    "all_clear": ("", "A chord that opens: the alarms are over", -11.0,
        lambda i: struck([(0.0, C5), (0.10, E5), (0.20, G5), (0.30, C6)], 1.20, i.bell, 0.28 * i.ring)),
    "limit": ("resource.limit", "A tone that wavers: the service refuses for now", -15.0,
        lambda i: wavering(A4, 0.70, 6.0, 0.7, i.reed)),
    "error": ("", "A short rasp: an error", -12.0,
        lambda i: struck([(0.0, A4), (0.0, A4 * 1.06)], 0.30, i.reed, 0.06, 0.003)),
    "failed": ("task.error", "A low sigh: a run failed", -14.5,
        lambda i: gliding(E4, A3, 0.85, 0.10, 0.60, i.reed)),
}  # fmt: skip
"""Event → CESP category (empty: CESP knows none), label, peak in dB of full scale, maker."""
SOUNDS |= {
    f"{kind}.{urgency}": ("input.required" if (kind, urgency) == ("waiting", "medium") else "",
        f"Alarm, {urgency}, {contour}: {meaning}", rhythm.peak, partial(alarm, kind, urgency))
    for kind, (contour, meaning, *_) in MELODIES.items() for urgency, rhythm in RHYTHMS.items()
}  # fmt: skip


def samples(key: str, instrument: Instrument) -> array[int]:
    """The 16-bit samples of a sound, scaled to its peak, its last 5 ms faded out."""
    _, _, peak, maker = SOUNDS[key]
    raw = maker(instrument)
    fade = RATE // 200
    for back in range(fade):
        raw[-1 - back] *= back / fade
    gain = 32_767 * 10 ** (peak / 20) / max(map(abs, raw))
    return array("h", [round(value * gain) for value in raw])


def write_pack(root: Path, instrument: Instrument) -> None:
    """Write `openpeon.json`, `praxmonitor.json` and `sounds/*.wav`."""
    (root / "sounds").mkdir(parents=True, exist_ok=True)
    categories: dict[str, object] = {}
    ours: dict[str, object] = {}
    for key, (category, label, *_) in SOUNDS.items():
        path = root / "sounds" / f"{key}.wav"
        pcm = samples(key, instrument)
        if sys.byteorder == "big":
            pcm.byteswap()
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
            out.writeframes(pcm.tobytes())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entry = {"sounds": [{"file": f"sounds/{key}.wav", "label": label, "sha256": digest}]}
        if category:
            categories[category] = entry
        if not category or "." in key:
            ours[key] = entry
    manifest = {
        "cesp_version": "1.0",
        "name": instrument.name,
        "display_name": instrument.display_name,
        "version": "2.0.0",
        "description": instrument.description,
        "license": "MIT",
        "categories": categories,
    }
    for name, value in (("openpeon.json", manifest), ("praxmonitor.json", {"tuned": True, "sounds": ours})):
        (root / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else SOUNDS_DIR
    for each in (BELLS, WOOD):
        write_pack(home / each.name, each)
