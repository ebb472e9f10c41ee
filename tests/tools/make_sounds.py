"""Writes the sound packs that ship, sample by sample: `python tests/tools/make_sounds.py [DIRECTORY]`.

Every sound is made of decaying sine partials, by this file alone; nothing is borrowed. The output is the same each
time. Mono, 16 bit, 44.1 kHz. Both packs say the same in the same rhythm: `default` with bells, `wood` with bars of
wood. All is tuned to C: each agent's pitch transposes it.
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
from pathlib import Path

RATE = 44_100
SOUNDS_DIR = Path(__file__).parents[2] / "sounds"

Partials = Sequence[tuple[float, float]]
"""Each (multiple of the pitch, loudness)."""
Note = tuple[float, float]
"""(seconds from the start, pitch in Hz)."""

C3, E3, G3, C4, E4, G4, A4, B4 = 130.81, 164.81, 196.00, 261.63, 329.63, 392.00, 440.00, 493.88
C5, D5, E5, G5, A5, B5, C6, D6, E6, G6 = 523.25, 587.33, 659.26, 783.99, 880.00, 987.77, 1046.5, 1174.66, 1318.5, 1568.0


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
    ring: float
    """How long notes ring, relative to the bells."""


BELLS = Instrument(
    "default", "PraxMonitor: bells", "Short synthesised bells and ticks, one for each kind of event.",
    bell=((1.0, 1.0), (2.0, 0.35), (3.0, 0.12), (4.2, 0.06)),
    soft=((1.0, 1.0), (2.0, 0.15)),
    reed=((1.0, 1.0), (2.0, 0.5), (3.0, 0.35), (4.0, 0.15), (5.0, 0.1)),
    ring=1.0,
)  # fmt: skip
WOOD = Instrument(
    "wood", "PraxMonitor: wood", "The same signals on bars of wood: shorter, drier, softer.",
    bell=((1.0, 1.0), (3.93, 0.35), (9.4, 0.10)),
    soft=((1.0, 1.0), (3.93, 0.12)),
    reed=((1.0, 1.0), (2.0, 0.2), (3.0, 0.5), (5.0, 0.25), (7.0, 0.1)),
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


def trembling(pitch: float, seconds: float, beats: float, partials: Partials) -> list[float]:
    """A tone that comes and goes, so many times a second."""
    out = []
    for index in range(int(seconds * RATE)):
        t = index / RATE
        shape = math.sin(math.pi * t * beats) ** 2 * min(1.0, (seconds - t) / 0.1)
        out.append(shape * sum(level * math.sin(math.tau * pitch * multiple * t) for multiple, level in partials))
    return out


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
    "mail_low": ("", "One bell: mail of low priority", -14.0,
        lambda i: struck([(0.0, B4)], 0.55, i.bell, 0.16 * i.ring)),
    "mail": ("", "Two bells: mail", -10.0,
        lambda i: struck([(0.0, E5), (0.13, B5)], 0.75, i.bell, 0.20 * i.ring)),
    "mail_high": ("", "Three bells, quick: urgent mail", -7.0,
        lambda i: struck([(0.0, E5), (0.08, B5), (0.16, E6)], 0.85, i.bell, 0.22 * i.ring)),
    "dispatched": ("", "Three quick steps up: a task is handed out", -14.0,
        lambda i: struck([(0.0, G4), (0.055, C5), (0.11, G5)], 0.45, i.soft, 0.08 * i.ring)),
    "start": ("task.acknowledge", "A soft swell: a run began", -16.0,
        lambda _: swelling((C4, G4, E5), 0.9, 0.45, ((1.0, 1.0),))),
    "retry": ("", "Back and forth: a run is tried again", -12.0,
        lambda i: struck([(0.0, C5), (0.11, A4), (0.22, C5)], 0.60, i.reed, 0.08 * i.ring, 0.008)),
    "done": ("task.complete", "A rising third: a run ended well", -9.0,
        lambda i: struck([(0.0, C5), (0.16, E5)], 0.70, i.soft, 0.18 * i.ring)),
    "all_clear": ("", "A chord that opens: the alarms are over", -9.0,
        lambda i: struck([(0.0, C5), (0.10, E5), (0.20, G5), (0.30, C6)], 1.20, i.bell, 0.28 * i.ring)),
    "limit": ("resource.limit", "A tone that trembles: the service refuses for now", -10.0,
        lambda i: trembling(A4, 0.75, 8.0, i.reed)),
    "error": ("", "A short clash: an error", -8.0,
        lambda i: struck([(0.0, B4 / 2), (0.0, C4), (0.0, E4 * 1.06)], 0.40, i.reed, 0.10 * i.ring, 0.003)),
    "waiting": ("input.required", "A question: an agent waits for you", -8.0,
        lambda _: gliding(G4, D5, 0.70, 0.28, 0.12, ((1.0, 1.0), (2.0, 0.2)))),
    "failed": ("task.error", "A low falling pair: a run failed", -6.0,
        lambda i: struck([(0.0, G3), (0.24, E3)], 0.85, i.reed, 0.22 * i.ring, 0.010)),
    "silence": ("", "Twice three knocks: an agent has gone quiet", -4.0,
        lambda i: struck([(at + more, pitch) for more in (0.0, 0.60)
                          for at, pitch in ((0.0, A5), (0.14, A5), (0.28, D6))], 1.2, i.bell, 0.09 * i.ring)),
}  # fmt: skip
"""Key → CESP category (empty: CESP knows none), label, peak in dB of full scale, maker."""


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
        else:
            ours[key] = entry
    manifest = {
        "cesp_version": "1.0",
        "name": instrument.name,
        "display_name": instrument.display_name,
        "version": "1.1.0",
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
