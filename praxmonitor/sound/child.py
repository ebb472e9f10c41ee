"""The process that plays: `python -m praxmonitor.sound.child PACK_DIR [--backend NAME]`.

It owns one open device, reads a JSON line for each sound on stdin, and ends when stdin does; `praxmonitor.sound.player`
describes the lines. It dies rather than recover: a lost or stuck device ends it, and its parent starts another.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from praxmonitor.sound import Cue, Sound, Urgency
from praxmonitor.sound.backends import open_device
from praxmonitor.sound.cue_samples import load_cue_samples
from praxmonitor.sound.device import NoDevice
from praxmonitor.sound.mixer import RATE, STALE, Mixer
from praxmonitor.sound.pack import PackError

DEVICE_CHECK_PERIOD = 1.0
"""Seconds between looks at the device while its stream runs."""
STUCK_AFTER = 2.0
"""Seconds within which a running stream must take something. Miniaudio says nothing when PulseAudio goes away."""
OPEN_TIMEOUT = 4.0
"""Seconds within which a device must be open. A sound server that is stopped lets one wait for ever."""
BUFFERED_FRAMES = RATE // 4
"""Frames that a device must ask for after a sound began, before that is reported as played: more than it buffers."""
LOST_STATUS = 3
"""Exit status when a device that played no longer does."""


class PlayerProcess:
    """The samples of a pack, and the one device that it plays on."""

    def __init__(self, pack: Path, backend: str = "") -> None:
        """Raises `PackError` or `NoDevice`."""
        self._cue_samples = load_cue_samples(pack)
        self._mixer = Mixer()
        self._device = open_device(self._mixer, lost, backend)
        self.backend = self._device.name
        self._asked: tuple[float, int] | None = None
        """The newest request, and the frames rendered when it came; None once it was played."""

    def serve(self, stdin: int) -> None:
        """Play what is asked for on this file descriptor until it ends."""
        rendered = 0
        quiet_since = took_at = time.monotonic()
        for line in _lines(stdin):
            self._report_played()
            now = time.monotonic()
            if not self._device.running or self._mixer.rendered != rendered:
                rendered, took_at = self._mixer.rendered, now
            if line:
                self._obey(line)
            if self._mixer.left:
                quiet_since = now
            if now - took_at > STUCK_AFTER:
                lost("the device takes no sound")
            if self._device.running and now - quiet_since > self._device.rest_after:
                self._device.rest()

    def _obey(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            if request.get("stop"):
                self._mixer.clear()
                return
            told = request["cue"]
            typed = {"sound": Sound(told["sound"]), "urgency": Urgency(told["urgency"])}
            cue, at = Cue(**told | typed), float(request["at"])
            volume = float(cue.volume)
            samples = self._cue_samples.samples(cue.key, cue.voice)
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # nobody reads a complaint, and the next line may be good
        if samples and self._mixer.play(samples, cue.priority, at, volume, cue.urgency):
            try:
                self._device.wake()
            except NoDevice as error:
                lost(str(error))
            if time.time() - at < STALE:
                self._asked = (at, self._mixer.rendered)

    def _report_played(self) -> None:
        """Report up to when all that was asked for sounded, once the device went on after it."""
        if self._asked is not None and (
            not self._mixer.left or self._mixer.rendered - self._asked[1] > BUFFERED_FRAMES
        ):
            _report({"played": self._asked[0]})
            self._asked = None


def lost(reason: str) -> NoReturn:
    """End this process from any of its threads, the device's own included."""
    _end("lost", reason, LOST_STATUS)


def _end(backend: str, reason: str, status: int) -> NoReturn:
    _report({"backend": backend, "reason": reason})
    os._exit(status)


def main(argv: list[str]) -> NoReturn:
    """Play until stdin ends, then end the process."""
    parser = argparse.ArgumentParser(prog="praxmonitor.sound.child", description="Plays sounds named on stdin.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--backend", default="", help="miniaudio, miniaudio/alsa, simpleaudio; default: what works")
    options = parser.parse_args(argv)
    watchdog = threading.Timer(OPEN_TIMEOUT, lambda: _end("none", "the sound system does not answer", 0))
    watchdog.daemon = True
    watchdog.start()
    try:
        process = PlayerProcess(options.pack, options.backend)
    except (PackError, NoDevice) as error:
        _end("none", str(error), 0)
    watchdog.cancel()
    _report({"backend": process.backend})
    process.serve(sys.stdin.fileno())
    os._exit(0)  # closing the device of a sound server that is stopped would hang


def _report(line: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


def _lines(stdin: int) -> Iterator[bytes]:
    """Whole lines as they come, and an empty one at each tick."""
    torn = b""
    while True:
        if not select.select([stdin], [], [], DEVICE_CHECK_PERIOD)[0]:
            yield b""
            continue
        data = os.read(stdin, 65_536)
        if not data:
            return
        *lines, torn = (torn + data).split(b"\n")
        yield from lines


if __name__ == "__main__":
    main(sys.argv[1:])
