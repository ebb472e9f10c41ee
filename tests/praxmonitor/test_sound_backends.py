"""Decoding, and the choice of a device where there is none."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import sys
import wave
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound.backends import MAX_SECONDS, decode, open_device, transpose
from praxmonitor.sound.device import NoDevice
from praxmonitor.sound.mixer import RATE, Mixer


def never_lost(reason: str) -> None:
    pytest.fail(reason)


def test_a_wav_is_decoded_to_stereo_at_the_mixers_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE // 2, 0, "NONE", ""))
        file.writeframes(b"\x10\x27" * (RATE // 2))  # one second of 10,000, mono, at half the rate
    samples = decode(path)

    assert len(samples) == pytest.approx(2 * RATE, rel=0.01)
    assert samples[RATE] == samples[RATE + 1] == pytest.approx(10_000, abs=10)


def test_an_mp3_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    # Forty frames of silence, by hand: 128 kbit/s, 44.1 kHz, 1,152 samples each; all zeros but for the header.
    path.write_bytes((b"\xff\xfb\x90\x64" + bytes(413)) * 40)

    assert decode(path) == array("h", bytes(40 * 1_152 * 2 * 2))


def test_an_ogg_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    if not shutil.which("sox"):
        pytest.skip("sox is not installed: nothing here can make an OGG file")
    made = subprocess.run(
        ["sox", str(sounds_dir() / "default" / "sounds" / "silence.wav"), str(path)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"this sox cannot write OGG: {made.stderr.strip()[:80]}")

    assert len(decode(path)) == pytest.approx(1.2 * 2 * RATE, rel=0.1)


def test_a_sound_an_octave_up_takes_half_the_time_and_swings_twice_as_fast() -> None:
    once = array("h", [round(9_000 * math.sin(math.tau * 441 * i / RATE)) for i in range(RATE) for _ in range(2)])

    def crossings(samples: array[int]) -> int:
        left = samples[::2]
        return sum(a < 0 <= b for a, b in pairwise(left))

    for semitones in (12, 7, -5):
        moved = transpose(once, semitones)
        assert len(moved) == pytest.approx(len(once) / 2 ** (semitones / 12), rel=0.01)
        assert crossings(moved) == pytest.approx(crossings(once), abs=2)


def test_a_long_sound_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(8_000 * (MAX_SECONDS + 5)))

    assert len(decode(path)) == MAX_SECONDS * RATE * 2


def test_a_file_that_is_no_sound_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF and nothing more")

    with pytest.raises(ValueError, match=r"a\.wav"):
        decode(path)


def test_an_unknown_backend_is_answered_with_those_there_are() -> None:
    with pytest.raises(NoDevice, match=r"no backend 'gramophone'; there are: .*simpleaudio"):
        open_device(Mixer(), never_lost, "gramophone")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="simpleaudio may be used below Python 3.12")
def test_simpleaudio_is_refused_where_it_crashes() -> None:
    with pytest.raises(NoDevice, match=r"crashes on Python 3\.12"):
        open_device(Mixer(), never_lost, "simpleaudio")


def test_the_parent_loads_no_audio_library() -> None:
    code = "import sys, praxmonitor.sound.player, praxmonitor.sound.backends; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "praxmonitor.sound.player" in loaded
    assert not {"miniaudio", "simpleaudio", "textual", "numpy"} & set(loaded)


def wav(path: Path, rate: int, samples: int) -> Path:
    """A WAV that says any rate, 0 too, which `wave` does not write."""
    head = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    data = b"WAVEfmt " + head + b"data" + struct.pack("<I", samples) + bytes([128, 200] * (samples // 2))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(data)) + data)
    return path


@pytest.mark.parametrize("rate", [0, 1, 999, 400_000, 4_000_000_000])
def test_a_rate_that_no_sound_has_is_refused_in_words(tmp_path: Path, rate: int) -> None:
    with pytest.raises(ValueError, match=r"a\.wav: (says [0-9,]+ samples a second; 1,000 to 384,000|failed|could not)"):
        decode(wav(tmp_path / "a.wav", rate, 8_000))


def test_the_longest_file_takes_no_more_memory_than_what_is_kept_of_it(tmp_path: Path) -> None:
    """1,000 a second: 15 minutes in 0.9 MB, 160 MB if they were decoded whole."""
    path = wav(tmp_path / "a.wav", 1_000, 900_000)
    script = (
        "import resource, sys; from pathlib import Path; from praxmonitor.sound.backends import decode\n"
        "decode(Path(sys.argv[2])); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(len(decode(Path(sys.argv[1]))), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    short = wav(tmp_path / "b.wav", 8_000, 8_000)
    done = subprocess.run([sys.executable, "-c", script, path, short], capture_output=True, text=True, check=True)
    length, grown = map(int, done.stdout.split())
    assert length == MAX_SECONDS * RATE * 2 and grown < 20
