"""The system's own players as sound devices, for where no library opens one. Runs in the player's child process only.

paplay, pw-play and aplay read raw frames from a pipe, so one process of theirs is one open device, as a library's is.
afplay plays files alone: a process for each sound, three at most.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
import wave
from contextlib import suppress
from pathlib import Path

from mailcore.text.units import duration
from praxmonitor.sound.device import FIRST_REQUESTS_TIMEOUT, NO_CLOCK, PROBE, NoDevice, OnLost, Pace
from praxmonitor.sound.mixer import CHANNELS, RATE, VOICES, Mixer

PIPED = {
    "pw-play": ("pw-play", "--raw", "--format=s16", f"--rate={RATE}", f"--channels={CHANNELS}", "--latency=20ms", "-"),
    "paplay": ("paplay", "--raw", "--format=s16le", f"--rate={RATE}", f"--channels={CHANNELS}", "--latency-msec=20",
               "--client-name=PraxMonitor"),
    "aplay": ("aplay", "-q", "-t", "raw", "-f", "S16_LE", "-r", str(RATE), "-c", str(CHANNELS),
              "--buffer-time=60000", "--period-time=20000"),
}  # fmt: skip
"""Name → command line that plays the frames on its stdin."""
AFPLAY = "afplay"
CHUNK = 512
"""Frames handed over at a time: 12 ms."""
PIPE = 4096
"""Bytes that the pipe holds, the least there is: 23 ms. The usual 64 KiB would delay each sound by 0.4 s."""
PROCESS_REST_AFTER = 60.0
"""A new process is a slow start, so it stays longer than a library's stream."""


class PipedDevice:
    """One process that reads frames from a pipe, as fast as it plays them."""

    rest_after = PROCESS_REST_AFTER

    def __init__(self, mixer: Mixer, lost: OnLost, name: str) -> None:
        """Start it and watch it for a moment: it must take sound, and no faster than time passes."""
        if shutil.which(PIPED[name][0]) is None:
            raise NoDevice("not installed")
        self.name = name
        self.running = False
        self._mixer = mixer
        self._lost: OnLost | None = None
        self._asked_twice, self._over = threading.Event(), threading.Event()
        self._why = ""
        self.wake()
        if not self._asked_twice.wait(FIRST_REQUESTS_TIMEOUT):
            self.rest()
            self._process.kill()
            raise NoDevice(f"started, but took no sound in {duration(FIRST_REQUESTS_TIMEOUT)}")
        if self._over.wait(PROBE):
            raise NoDevice(self._why)
        self._lost = lost
        if self._over.is_set():
            lost(self._why)

    def wake(self) -> None:
        """Start the process if it rests."""
        if self.running:
            return
        try:
            process = self._process = subprocess.Popen(
                PIPED[self.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                pipesize=PIPE,  # where it cannot be set, sounds come later
            )
        except OSError as error:
            raise NoDevice(str(error)) from error
        assert process.stdin
        self.running = True
        threading.Thread(target=self._feed, args=(process,), daemon=True).start()

    def rest(self) -> None:
        """End the process."""
        self.running = False

    def _feed(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        pace, fed = Pace(), 0
        with process:
            try:
                while self.running and pace.keeps(CHUNK):
                    process.stdin.write(self._mixer.render(CHUNK, time.time()).tobytes())
                    fed += 1
                    if fed * CHUNK * CHANNELS * 2 > 2 * PIPE:
                        self._asked_twice.set()
                why = NO_CLOCK
            except OSError:
                why = "it ended: no sound server or no device"
            rests = not self.running
            if not rests:
                process.kill()
            with suppress(OSError):
                process.stdin.close()
        if not rests:
            self._end(why)

    def _end(self, why: str) -> None:
        self.running, self._why = False, why
        self._over.set()
        self._asked_twice.set()
        if self._lost:
            self._lost(f"{self.name}: {why}")


class FileDevice:
    """afplay: each sound is rendered into a file and played by a process of its own."""

    name = AFPLAY
    running = False
    rest_after = PROCESS_REST_AFTER

    def __init__(self, mixer: Mixer) -> None:
        """Play a short silence: it must say that it could."""
        if shutil.which(AFPLAY) is None:
            raise NoDevice("not installed")
        self._mixer = mixer
        self._playing: list[subprocess.Popen[bytes]] = []
        self._directory = tempfile.TemporaryDirectory(prefix="praxmonitor-sound-")
        self._count = 0
        if status := self._play(bytes(2 * CHANNELS * RATE // 10)).wait(FIRST_REQUESTS_TIMEOUT):
            raise NoDevice(f"cannot play: exit status {status}")

    def wake(self) -> None:
        """Play all that the mixer has."""
        if left := self._mixer.left:
            self._playing = [process for process in self._playing if process.poll() is None]
            while len(self._playing) >= VOICES:
                oldest = self._playing.pop(0)
                oldest.kill()
                oldest.wait()
            self._playing.append(self._play(self._mixer.render(left, time.time()).tobytes()))

    def rest(self) -> None:
        """Nothing to do: there is no stream."""

    def _play(self, frames: bytes) -> subprocess.Popen[bytes]:
        # A file is free again when its sound is over: of VOICES and one more, never one that still plays.
        self._count = (self._count + 1) % (VOICES + 1)
        path = Path(self._directory.name) / f"{self._count}.wav"
        with wave.open(os.fspath(path), "wb") as file:
            file.setparams((CHANNELS, 2, RATE, 0, "NONE", ""))
            file.writeframes(frames)
        try:
            return subprocess.Popen(
                [AFPLAY, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise NoDevice(str(error)) from error
