"""Writes the sound pack that ships, sample by sample: `python tests/tools/make_sounds.py [DIRECTORY]`.

Every sound is made of decaying sine partials, by this file alone; nothing is borrowed. The output is the same each
time. Mono, 16 bit, 44.1 kHz.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import wave
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

RATE = 44_100
DEFAULT = Path(__file__).parents[2] / "sounds" / "default"

BELL = ((1.0, 1.0), (2.0, 0.35), (3.0, 0.12), (4.2, 0.06))
"""Partials: (multiple of the pitch, loudness)."""
SOFT = ((1.0, 1.0), (2.0, 0.15))
REED = ((1.0, 1.0), (2.0, 0.5), (3.0, 0.35), (4.0, 0.15), (5.0, 0.1))
"""Rich enough that a laptop's small speakers play its low notes."""

Partials = Sequence[tuple[float, float]]
Note = tuple[float, float]
"""(seconds from the start, pitch in Hz)."""


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


def swelling(pitches: Sequence[float], seconds: float, peak_at: float) -> list[float]:
    """A chord that rises from nothing, and fades."""
    out = []
    for index in range(int(seconds * RATE)):
        t = index / RATE
        part = t / peak_at if t < peak_at else (seconds - t) / (seconds - peak_at)
        shape = math.sin(part * math.pi / 2) ** 2
        out.append(shape * sum(math.sin(math.tau * pitch * t) for pitch in pitches))
    return out


def asking(first: float, last: float, seconds: float, bend_at: float) -> list[float]:
    """A tone that holds, then glides up, as a voice does in a question."""
    out, phase = [], 0.0
    for index in range(int(seconds * RATE)):
        t = index / RATE
        bend = min(1.0, max(0.0, (t - bend_at) / 0.12))
        phase += math.tau * first * (last / first) ** (bend * bend * (3 - 2 * bend)) / RATE
        dip = 1 - 0.7 * math.exp(-(((t - bend_at) / 0.03) ** 2))
        shape = min(1.0, t / 0.03) * dip * math.sin(math.pi * (1 - t / seconds) / 2)
        out.append(shape * (math.sin(phase) + 0.2 * math.sin(2 * phase)))
    return out


def tool() -> list[float]:
    """A soft tick."""
    return struck([(0.0, 1_250.0)], 0.06, ((1.0, 1.0), (2.7, 0.15)), decay=0.010, attack=0.002)


def start() -> list[float]:
    """A swell of C, G, E."""
    return swelling((261.63, 392.00, 659.26), 0.9, peak_at=0.45)


def mail() -> list[float]:
    """E, B: two bells."""
    return struck([(0.0, 659.26), (0.13, 987.77)], 0.75, BELL, decay=0.20)


def done() -> list[float]:
    """C, E: a rising third."""
    return struck([(0.0, 523.25), (0.16, 659.26)], 0.70, SOFT, decay=0.18)


def failed() -> list[float]:
    """G, E: low and falling."""
    return struck([(0.0, 196.00), (0.24, 164.81)], 0.85, REED, decay=0.22, attack=0.01)


def waiting() -> list[float]:
    """G that glides up to D."""
    return asking(392.00, 587.33, 0.70, bend_at=0.28)


def silence() -> list[float]:
    """Twice three quick knocks, a fourth higher on the last: who is there?"""
    knocks = [(0.0, 880.0), (0.14, 880.0), (0.28, 1_174.66)]
    return struck([*knocks, *((at + 0.60, pitch) for at, pitch in knocks)], 1.2, BELL, decay=0.09)


SOUNDS: dict[str, tuple[str, str, Callable[[], list[float]], float]] = {
    "start": ("session.start", "A soft swell: a run began", start, -12.0),
    "tool": ("task.progress", "A soft tick: an agent used a tool", tool, -20.0),
    "mail": ("task.acknowledge", "Two bells: mail for you", mail, -9.0),
    "done": ("task.complete", "A rising third: a run ended well", done, -9.0),
    "failed": ("task.error", "A low falling pair: a run failed", failed, -6.0),
    "waiting": ("input.required", "A question: an agent waits for you", waiting, -8.0),
    "silence": ("silence", "Twice three knocks: an agent has gone quiet", silence, -4.0),
}
"""Name → category, label, maker, peak in dB of full scale."""


def samples(name: str) -> array[int]:
    """The 16-bit samples of a sound, scaled to its peak, its last 5 ms faded out."""
    *_, maker, peak = SOUNDS[name]
    raw = maker()
    fade = RATE // 200
    for back in range(fade):
        raw[-1 - back] *= back / fade
    gain = 32_767 * 10 ** (peak / 20) / max(map(abs, raw))
    return array("h", [round(value * gain) for value in raw])


def write_pack(root: Path) -> None:
    """Write `openpeon.json` and `sounds/*.wav`."""
    (root / "sounds").mkdir(parents=True, exist_ok=True)
    categories: dict[str, object] = {}
    for name, (category, label, *_) in SOUNDS.items():
        path = root / "sounds" / f"{name}.wav"
        pcm = samples(name)
        if sys.byteorder == "big":
            pcm.byteswap()
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
            out.writeframes(pcm.tobytes())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        categories[category] = {"sounds": [{"file": f"sounds/{name}.wav", "label": label, "sha256": digest}]}
    silent = categories.pop("silence")
    manifest = {
        "cesp_version": "1.0",
        "name": "default",
        "display_name": "PraxMonitor",
        "version": "1.0.0",
        "description": "Seven short synthesised sounds, one for each kind of event.",
        "license": "MIT",
        "categories": categories,
        "x-praxmonitor": {"silence": silent},
    }
    (root / "openpeon.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_pack(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
