"""From a call, and from a hook's line, to the first sample: `python -m tests.bench.bench_sound [--turns 40]`.

A PulseAudio of its own with a null sink, recorded; the screen in a real terminal. All times are as the recorder hears
it, so that PulseAudio's and the recorder's own buffers, some 10 ms each, are in them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pexpect

from mailcore.workspace.create import create_workspace
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Cue, Sound
from praxmonitor.sound.player import STARTING, Player
from tests.bench.asked import ask
from tests.praxmonitor.conftest_pulse import Pulse, until

TOOLS = ("Bash", "Read", "Edit", "WebFetch", "Task", "mcp__x__y")


def figures(what: str, seconds: list[float]) -> None:
    """One line: median, p95, worst, in ms."""
    ranked = sorted(1000 * value for value in seconds)
    p95 = ranked[min(len(ranked) - 1, round(0.95 * (len(ranked) - 1)))]
    middle = statistics.median(ranked)
    print(f"{what}: median {middle:.0f} ms, p95 {p95:.0f} ms, worst {ranked[-1]:.0f} ms, n={len(ranked)}")


def delays(pulse: Pulse, act: Callable[[int], object], times: int) -> list[float]:
    """Seconds from the beginning of each act to the first sample of its sound."""
    chance, taken = random.Random(1), []
    for number in range(times):
        until(lambda: len(pulse.pcm) > 60_000 and not any(pulse.pcm[-30_000:]), "quiet", 30.0)
        threading.Event().wait(chance.uniform(0.1, 0.5))
        pulse.pcm.clear()
        began = time.monotonic()
        act(number)
        until(pulse.heard, "the sound")
        taken.append(time.monotonic() - began)
    return taken


def from_calls(pulse: Pulse, backend: str, times: int) -> None:
    """Player.play → first sample, awake and after a rest."""
    player = Player(sounds_dir() / "default", backend=backend)
    player.start()
    until(lambda: player.backend != STARTING, "the device")
    if player.reason:
        print(f"call → first sample, {backend}: {player.reason}")
    else:
        taken = delays(pulse, lambda n: player.play(Cue(Sound.TOOL, f"@a{n}", n, "shell")), times)
        figures(f"call → first sample, {player.backend}", taken)
        pulse.pcm.clear()
    player.close()


def from_hooks(pulse: Pulse, times: int) -> None:
    """A line written into hooks.jsonl → first sample, through the screen."""
    with tempfile.TemporaryDirectory() as directory:
        made = create_workspace(Path(directory) / "soundbench", [(f"agent{n:02}", f"agents/a{n}") for n in range(30)])
        os.environ["XDG_STATE_HOME"] = directory
        screen = pexpect.spawn(
            sys.executable, ["-m", "praxmonitor", str(made.root)], dimensions=(50, 200), timeout=30, maxread=1 << 16
        )
        screen.expect_exact("♪ miniaudio/pulse".encode())
        reader = threading.Thread(target=lambda: screen.expect(pexpect.EOF, timeout=None), daemon=True)
        reader.start()

        def write(number: int) -> None:
            agent = made.agents[number % len(made.agents)]
            agent.logs_dir.mkdir(parents=True, exist_ok=True)
            line = {"hook_event_name": "PreToolUse", "tool_name": TOOLS[number % len(TOOLS)],
                    "tool_use_id": f"t{number}", "tool_input": {"command": "ls"}, "ts": time.time()}  # fmt: skip
            with agent.hooks_log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")

        for agent in made.agents:
            agent.logs_dir.mkdir(parents=True, exist_ok=True)
            agent.hooks_log.touch()
        threading.Event().wait(4.0)  # the watches stand, a sweep is over
        figures("hook line written → first sample", delays(pulse, write, times))
        screen.send("q")
        reader.join(10)


def main() -> None:
    """Measure."""
    asked = argparse.Namespace(turns=40)
    ask(asked, __doc__)
    times = asked.turns
    if not shutil.which("pulseaudio"):
        sys.exit("pulseaudio is not installed: nothing can be played and recorded without a sound card")
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        alsa = home / "asound.conf"
        alsa.write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        os.environ |= {
            "XDG_RUNTIME_DIR": directory, "PULSE_SERVER": f"unix:{home}/pulse.sock", "ALSA_CONFIG_PATH": str(alsa)
        }  # fmt: skip
        pulse = Pulse(home)
        try:
            pulse.start()
            pulse.record()
            for backend in ("miniaudio", "miniaudio/alsa", "paplay", "aplay"):
                from_calls(pulse, backend, times)
            from_hooks(pulse, times)
        finally:
            pulse.stop()


if __name__ == "__main__":
    main()
