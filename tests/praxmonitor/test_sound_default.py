"""The pack that ships: complete, short, quiet enough, seven different sounds, and made by our own tool."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import wave
from array import array
from itertools import combinations
from pathlib import Path

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Sound
from praxmonitor.sound.pack import load_pack

MAKE_SOUNDS = Path(__file__).parents[1] / "tools" / "make_sounds.py"


def samples(path: Path) -> array[int]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 44_100)
        read = array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        read.byteswap()
    return read


@pytest.fixture(scope="module")
def shipped() -> dict[Sound, array[int]]:
    pack = load_pack(sounds_dir() / "default")
    assert pack.refused == ()
    return {sound: samples(files[0]) for sound, files in pack.sounds.items()}


def test_every_kind_of_event_has_a_sound_that_starts_and_ends_quietly(shipped: dict[Sound, array[int]]) -> None:
    for sound, heard in shipped.items():
        assert 0.05 < len(heard) / 44_100 < 1.5, sound
        peak = max(max(heard), -min(heard))
        assert 1_000 < peak < 32_767 * 10 ** (-3 / 20), sound
        assert abs(heard[0]) < 100 and abs(heard[-1]) < 100, f"{sound} clicks"


def test_the_tick_is_short_and_the_softest(shipped: dict[Sound, array[int]]) -> None:
    energy = {sound: sum(sample * sample for sample in heard) for sound, heard in shipped.items()}

    assert len(shipped[Sound.TOOL]) <= 0.08 * 44_100
    assert min(energy, key=energy.__getitem__) is Sound.TOOL
    assert max(shipped, key=lambda sound: max(shipped[sound])) is Sound.SILENCE
    assert len(shipped[Sound.SILENCE]) == pytest.approx(1.2 * 44_100, rel=0.05)


def test_no_two_sound_alike(shipped: dict[Sound, array[int]]) -> None:
    for one, two in combinations(shipped.values(), 2):
        dot = sum(a * b for a, b in zip(one, two, strict=False))
        norm = math.sqrt(sum(a * a for a in one) * sum(b * b for b in two))
        assert abs(dot) / norm < 0.5


def test_the_pack_is_what_the_tool_makes(tmp_path: Path, shipped: dict[Sound, array[int]]) -> None:
    subprocess.run([sys.executable, str(MAKE_SOUNDS), str(tmp_path)], check=True)
    made = load_pack(tmp_path)

    assert made.refused == ()
    for sound, heard in shipped.items():
        again = samples(made.sounds[sound][0])
        # Another C library's sine may differ in its last bit.
        assert len(again) == len(heard) and max(abs(a - b) for a, b in zip(again, heard, strict=True)) <= 1, sound


def test_the_manifest_uses_cesp_categories_alone() -> None:
    manifest = json.loads((sounds_dir() / "default" / "openpeon.json").read_text(encoding="utf-8"))

    assert set(manifest["categories"]) == {sound.category for sound in Sound} - {None}
