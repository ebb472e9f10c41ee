"""A WAV of the demo as heard: `python -m tests.tools.render_minute FILE.wav [--seconds N] [--pack NAME] [--seed N]`.

The demo runs with its real processes, the screen follows its real files, and what the screen would play goes through
the same gate, samples and mixer, into a file instead of a device. A list of all that is heard is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
import wave
from array import array
from collections import Counter
from pathlib import Path

from mailcore.config import Sound, read_config
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.app.app import PraxApp
from praxmonitor.demo.session import demo_session
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.sound import Cue
from praxmonitor.sound.cue_samples import load_cue_samples
from praxmonitor.sound.gate import Gate, gate_rules
from praxmonitor.sound.mixer import CHANNELS, RATE, Mixer
from praxmonitor.sound.mutes import Mutes
from praxmonitor.sound.pack import find_pack

COLUMN = 11


class OfflineSpeaker:
    """A speaker that records: each sound lies where a device would have played it."""

    def __init__(self, pack: Path, gate: Gate) -> None:
        self.mutes, self.force_muted = Mutes(), False
        self.backend, self.reason = "speaker", ""
        self.quiet, self.quiet_until, self.opened = False, "", True
        self.heard: list[tuple[float, Cue, float]] = []
        """Seconds from the beginning, what, how loud."""
        self.kept_back = 0
        self.frames: array[int] = array("h")
        self._gate, self._jukebox, self._mixer = gate, load_cue_samples(pack, seed=1), Mixer()
        self._began = time.time()

    @property
    def chord(self) -> int:
        return self._gate.chord(time.time())

    def admits(self, cue: Cue) -> bool:
        return self._gate.passes(cue, time.time())

    def unplayed(self) -> list[Cue]:
        return []

    def adopt(self, config: Sound) -> None:
        self._gate.rules = gate_rules(config)

    def start(self) -> None:
        self._began = time.time()

    def play(self, cue: Cue) -> bool:
        now = time.time()
        volume = self._gate.admit(cue, now)
        samples = self._jukebox.samples(cue.key, cue.voice)
        if not volume or samples is None:
            self.kept_back += 1
            return True
        self._wind(now)
        if self._mixer.play(samples, cue.priority, now, volume, cue.urgency):
            self.heard.append((now - self._began, cue, volume))
        return True

    def close(self) -> None:
        self._wind(time.time())

    def _wind(self, now: float) -> None:
        due = int((now - self._began) * RATE) - len(self.frames) // CHANNELS
        if due > 0:
            self.frames += self._mixer.render(due, now)


async def listen(app: PraxApp, seconds: float) -> None:
    """Let the screen run without a terminal for so long."""
    running = asyncio.create_task(app.run_async(headless=True, size=(160, 50)))
    await asyncio.wait([running], timeout=seconds)
    app.exit()
    await running


def main() -> None:
    """Render."""
    parser = argparse.ArgumentParser(prog="render_minute", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pack", default="default")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state, demo_session(None, options.seed) as (workspace, _):
        os.environ["XDG_STATE_HOME"] = state
        config = read_config(workspace.config_file)
        speaker = OfflineSpeaker(find_pack(options.pack), Gate(gate_rules(config.sound)))
        app = PraxApp(OpenWorkspace(workspace, config), FileFeed(workspace.root, config.observe.sweep), speaker)
        asyncio.run(listen(app, options.seconds))
        voices = {agent.address: number for number, agent in enumerate(workspace.agents)}
    if sys.byteorder == "big":
        speaker.frames.byteswap()
    with wave.open(str(options.file), "wb") as out:
        out.setparams((CHANNELS, 2, RATE, 0, "NONE", "not compressed"))
        out.writeframes(speaker.frames[: int(options.seconds * RATE) * CHANNELS].tobytes())
    for at, cue, volume in speaker.heard:
        print(f"{at:6.2f} s  {cue.key:{COLUMN}} {cue.agent:{COLUMN}} voice {cue.voice:2}  {volume:.2f}")
    counted = Counter(cue.key for _, cue, _ in speaker.heard)
    print(", ".join(f"{key} {count}" for key, count in counted.most_common()))
    merged = f"{speaker.kept_back} merged or thinned out"
    print(f"{len(speaker.heard)} sounds of {len(voices)} agents, {merged}: {options.file}")


if __name__ == "__main__":
    main()
