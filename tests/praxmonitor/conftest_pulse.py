"""A PulseAudio of the tests' own: what is played on it is recorded, without a sound card."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait for it, at most so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        threading.Event().wait(0.01)


class Pulse:
    """A PulseAudio of our own, and a recording of what it would send to the loudspeakers."""

    def __init__(self, home: Path) -> None:
        self.socket = home / "pulse.sock"
        self.home = home
        self.server: subprocess.Popen[bytes] | None = None
        self.recorder: subprocess.Popen[bytes] | None = None
        self.pcm = bytearray()

    # Without norewinds=1 and a latency asked for, the null sink plays a tenth of a second of a second's tone.
    output = "module-null-sink sink_name=prax rate=44100 channels=2 norewinds=1"

    def start(self, output: str = output) -> None:
        self.server = subprocess.Popen(
            ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", "--use-pid-file=no",
             "-L", f"module-native-protocol-unix socket={self.socket} auth-anonymous=1", "-L", output],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self.socket.exists, "PulseAudio's socket")

    def record(self) -> None:
        self.recorder = subprocess.Popen(
            ["parec", "-d", "prax.monitor", "--raw", "--format=s16le", "--rate=44100", "--channels=2",
             "--latency-msec=10"], stdout=subprocess.PIPE,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self.recorder,), daemon=True).start()
        until(lambda: self.pcm, "the recorder's first samples")

    def _read(self, recorder: subprocess.Popen[bytes]) -> None:
        assert recorder.stdout
        with recorder.stdout:
            while data := os.read(recorder.stdout.fileno(), 65_536):
                self.pcm += data

    def heard(self) -> bool:
        return any(self.pcm)

    def corked(self) -> bool:
        """Whether the player's stream is stopped."""
        return b"Corked: yes" in subprocess.run(["pactl", "list", "sink-inputs"], capture_output=True).stdout

    def sound(self, frames: int) -> array[int]:
        """The first so many frames of the left channel since something was to be heard, waited for."""

        def begin() -> int:
            return next(index for index, byte in enumerate(self.pcm) if byte) // 4 * 4

        until(self.heard, "any sound at all")
        until(lambda: len(self.pcm) - begin() >= frames * 4, f"{frames} frames")
        return array("h", bytes(self.pcm[begin() : begin() + frames * 4]))[::2]

    def stop(self) -> None:
        for process in (self.recorder, self.server):
            if process is not None:
                process.kill()
                process.wait()
        self.socket.unlink(missing_ok=True)


def likeness(one: array[int], other: array[int]) -> float:
    """Their greatest normalised cross-correlation when shifted by 20 samples at most."""
    length = min(len(one), len(other)) - 20

    def at(shift: int) -> float:
        a, b = one[max(0, shift) :][:length], other[max(0, -shift) :][:length]
        dot = sum(x * y for x, y in zip(a, b, strict=False))
        return dot / (math.sqrt(sum(x * x for x in a) * sum(y * y for y in b)) or 1.0)

    return max(map(at, range(-20, 21, 2)))


@pytest.fixture
def no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without sound: no server answers, ALSA knows no device. Returns ALSA's config file."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    config = tmp_path / "asound.conf"
    config.touch()
    for name, value in {
        "XDG_RUNTIME_DIR": str(runtime),
        "PULSE_SERVER": f"unix:{runtime}/pulse.sock",
        "PULSE_COOKIE": str(runtime / "cookie"),
        "ALSA_CONFIG_PATH": str(config),
        "JACK_DEFAULT_SERVER": "none-of-praxmonitor",
        "JACK_NO_START_SERVER": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return config


@pytest.fixture
def pulse(no_device: Path) -> Iterator[Pulse]:
    missing = [program for program in ("pulseaudio", "parec", "pactl") if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; nothing can be played and recorded without a sound card")
    server = Pulse(Path(os.environ["XDG_RUNTIME_DIR"]))
    yield server
    server.stop()
