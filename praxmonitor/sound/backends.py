"""Sound devices that really play, and the decoding of sound files. Runs in the player's child process only.

Importing this module loads no audio library. ALSA and JACK write to file descriptor 2: close it off before opening.
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mailcore.system import safe_open
from mailcore.text.units import duration
from praxmonitor.sound.device import FIRST_REQUESTS_TIMEOUT, NO_CLOCK, PROBE, Device, NoDevice, OnLost, OnlyDummy, Pace
from praxmonitor.sound.mixer import CHANNELS, RATE, VOICES, Mixer
from praxmonitor.sound.pack import MAX_FILE
from praxmonitor.sound.system_players import AFPLAY, PIPED, FileDevice, PipedDevice

PERIOD_MS = 10
"""Milliseconds that the device asks for at a time; three of them lie in its buffer and delay a sound."""
PULSE_PERIOD_MS = 20
"""PulseAudio's share: with both cores busy, 10 ms tore 5 sounds in 12, 20 ms tore 1; idle, both start in 20 ms."""
REST_AFTER = 2.0
"""Seconds after the last sound before the stream stops. Silent it takes 1 % of a core; and a sound that starts it is
heard after 10 to 20 ms, one that waits behind a full buffer of silence after 20 (PulseAudio) to 60 (ALSA)."""
MAX_SECONDS = 10
"""A longer sound is cut: an alert is no song, and all sounds are held in memory."""
RATES = (1_000, 384_000)
"""Samples a second of a WAV file that is played."""

_MINIAUDIO = {"pulse": "PULSEAUDIO", "alsa": "ALSA", "jack": "JACK", "oss": "OSS", "sndio": "SNDIO",
              "coreaudio": "COREAUDIO", "wasapi": "WASAPI"}  # fmt: skip
"""Our name → miniaudio's, in the order in which they are tried; its null backend is none of them."""
_BY_SERVER = ("miniaudio/alsa", "simpleaudio", *PIPED)


def open_device(mixer: Mixer, lost: OnLost, wanted: str = "") -> Device:
    """Open the first device that really plays.

    `wanted` narrows the choice: `miniaudio`, `miniaudio/alsa`, `simpleaudio`, `paplay`, …; empty is all of them.
    Raises `NoDevice` with the reason of each backend that was tried.
    """
    openers: dict[str, Callable[[], Device]] = {
        f"miniaudio/{name}": partial(MiniaudioDevice, mixer, lost, name) for name in _miniaudio_backends()
    }
    openers["simpleaudio"] = partial(SimpleaudioDevice, mixer)
    openers |= {name: partial(_piped, mixer, lost, name) for name in PIPED}
    openers[AFPLAY] = partial(FileDevice, mixer)
    reasons: list[str] = []
    dummy = False
    for name, opener in openers.items():
        # ALSA's default device leads to the sound server where there is one: a dummy would be taken for a real output.
        if wanted not in ("", name, name.partition("/")[0]) or (dummy and name in _BY_SERVER):
            continue
        try:
            return opener()
        except NoDevice as error:
            reasons.append(f"{name}: {error}")
            dummy = dummy or isinstance(error, OnlyDummy)
    raise NoDevice("; ".join(reasons) or f"there is no backend {wanted!r}; there are: {', '.join(openers)}")


def decode(path: Path) -> array[int]:
    """The samples of a WAV, MP3 or OGG file, as the mixer wants them; raises `NoDevice` or `ValueError`."""
    miniaudio = _miniaudio()
    most = MAX_SECONDS * RATE * CHANNELS
    samples = array("h")
    try:
        data = safe_open.read_bytes(path, most=MAX_FILE)
        _refuse_strange_rate(miniaudio, data)
        # Bit by bit: a file of 1 MB that says one sample a second would be 10 days, and 190 GB, at the mixer's rate.
        stream = miniaudio.stream_memory(data, nchannels=CHANNELS, sample_rate=RATE, frames_to_read=RATE // 4)
        for part in stream:
            samples.extend(part)
            if len(samples) >= most or not part:
                break
    except miniaudio.MiniaudioError as error:
        raise ValueError(f"{path}: {error.args[0]}") from error
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return samples[:most]


def _refuse_strange_rate(miniaudio: Any, data: bytes) -> None:
    """ValueError for a WAV whose header says a rate that no sound has."""
    if not data.startswith(b"RIFF"):
        return
    try:
        rate = miniaudio.wav_get_info(data).sample_rate
    except ZeroDivisionError:
        rate = 0
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"says {rate:,} samples a second; {RATES[0]:,} to {RATES[1]:,} can be played")


def transpose(samples: array[int], semitones: int) -> array[int]:
    """The same sound, higher and shorter or lower and longer."""
    miniaudio = _miniaudio()
    as_if, form = round(RATE * 2 ** (semitones / 12)), miniaudio.SampleFormat.SIGNED16
    return array("h", bytes(miniaudio.convert_frames(form, CHANNELS, as_if, samples.tobytes(), form, CHANNELS, RATE)))


class MiniaudioDevice:
    """A device that asks for frames when it needs them."""

    rest_after = REST_AFTER

    def __init__(self, mixer: Mixer, lost: OnLost, backend: str) -> None:
        """Open it and watch it for a moment: it must ask for sound, and no faster than time passes."""
        miniaudio = _miniaudio()
        self.name = f"miniaudio/{backend}"
        self._mixer = mixer
        self._lost: OnLost | None = None
        self.running = False
        self._asked_twice, self._runaway = threading.Event(), threading.Event()
        kind = miniaudio.Backend[_MINIAUDIO[backend]]
        try:
            if backend == "pulse":
                _refuse_dummy(miniaudio, kind)
            self._device = miniaudio.PlaybackDevice(
                nchannels=CHANNELS,
                sample_rate=RATE,
                buffersize_msec=PULSE_PERIOD_MS if backend == "pulse" else PERIOD_MS,
                backends=[kind],
                app_name="PraxMonitor",
            )
            self._device.stop_callback = self._stopped
            self.wake()
        except miniaudio.MiniaudioError as error:
            raise NoDevice(str(error.args[0])) from error
        if not self._asked_twice.wait(FIRST_REQUESTS_TIMEOUT):
            self.rest()
            raise NoDevice(f"opened, but asked for no sound in {duration(FIRST_REQUESTS_TIMEOUT)}")
        if self._runaway.wait(PROBE):
            self.rest()
            raise NoDevice(NO_CLOCK)
        self._lost = lost

    def wake(self) -> None:
        """Start the stream if it rests; the first frames are asked for at once."""
        if self.running:
            return
        frames = self._frames()
        next(frames)
        self.running = True
        try:
            self._device.start(frames)
        except Exception as error:
            self.running = False
            raise NoDevice(str(error)) from error

    def rest(self) -> None:
        """Stop the stream, keep the device open."""
        self.running = False
        self._device.stop()

    def _frames(self) -> Generator[bytes | array[int], int, None]:
        """What the device's own thread asks for frames, until they run away."""
        pace = Pace()
        frames = yield b""
        while pace.keeps(frames):
            frames = yield self._mixer.render(frames, time.time())
            self._asked_twice.set()
        self._asked_twice.set()
        self._runaway.set()
        if self._lost:
            self._lost("the device lost its clock")

    def _stopped(self) -> None:
        """Miniaudio says that the stream stopped: our own doing, or the device is gone."""
        if self.running and self._lost:
            self._lost("the device went away")


class SimpleaudioDevice:
    """For those who prefer simpleaudio: it plays whole buffers, each through a device of its own.

    What sounds already cannot be changed, so each sound is rendered by itself and the system mixes; when three sound,
    the oldest ends for a new one.
    """

    running = False
    rest_after = REST_AFTER

    def __init__(self, mixer: Mixer) -> None:
        """Play a short silence: it must take its time."""
        if sys.version_info >= (3, 12):
            raise NoDevice("simpleaudio crashes on Python 3.12 and later")
        try:
            import simpleaudio
        except ImportError as error:
            raise NoDevice("not installed") from error
        self.name = "simpleaudio"
        self._mixer = mixer
        self._simpleaudio: Any = simpleaudio
        self._playing: list[Any] = []
        began = time.monotonic()
        self._play(array("h", bytes(2 * CHANNELS * RATE * 3 // 10))).wait_done()
        # 0.3 s of silence took 0.05 s on ALSA's null device and 0.35 s on a real one.
        if time.monotonic() - began < 0.2:
            raise NoDevice(NO_CLOCK)

    def wake(self) -> None:
        """Play all that the mixer has."""
        if left := self._mixer.left:
            self._playing = [play for play in self._playing if play.is_playing()]
            while len(self._playing) >= VOICES:
                self._playing.pop(0).stop()
            self._playing.append(self._play(self._mixer.render(left, time.time())))

    def rest(self) -> None:
        """Nothing to do: there is no stream."""

    def _play(self, samples: array[int]) -> Any:
        try:
            return self._simpleaudio.play_buffer(samples, CHANNELS, 2, RATE)
        except Exception as error:  # SimpleaudioError lies in a private module of its C extension
            raise NoDevice(str(error)) from error


def _piped(mixer: Mixer, lost: OnLost, name: str) -> Device:
    if name != "aplay" and "pulse" in _miniaudio_backends():
        miniaudio = _miniaudio()
        with suppress(miniaudio.MiniaudioError):  # then it will say itself that it cannot play
            _refuse_dummy(miniaudio, miniaudio.Backend.PULSEAUDIO)
    return PipedDevice(mixer, lost, name)


def _miniaudio() -> Any:
    try:
        import miniaudio  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:
        raise NoDevice(f"miniaudio cannot be imported: {error}") from error
    return miniaudio


def _miniaudio_backends() -> list[str]:
    names = {backend.name for backend in _miniaudio().get_enabled_backends()}
    return [name for name, theirs in _MINIAUDIO.items() if theirs in names]


def _refuse_dummy(miniaudio: Any, kind: Any) -> None:
    """PulseAudio and PipeWire without a sound card offer `auto_null`, "Dummy Output": it plays to nobody."""
    outputs = miniaudio.Devices([kind]).get_playbacks()
    ids = [bytes(miniaudio.ffi.buffer(output["id"])).partition(b"\0")[0] for output in outputs]
    if all(name == b"auto_null" for name in ids):
        raise OnlyDummy("the sound server has no output device")
