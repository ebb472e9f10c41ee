"""The packs that ship: complete, short, quiet enough, all sounds different, strict CESP, and made by our own tool."""

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
from praxmonitor.sound.pack import SOUND_KEYS, load_pack
from praxmonitor.sound.pack_check import violations

PACKS = ("default", "wood")
MAKE_SOUNDS = Path(__file__).parents[1] / "tools" / "make_sounds.py"


def samples(path: Path) -> array[int]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 44_100)
        read = array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        read.byteswap()
    return read


@pytest.fixture(scope="module", params=PACKS)
def shipped(request: pytest.FixtureRequest) -> dict[str, array[int]]:
    pack = load_pack(sounds_dir() / request.param)
    assert pack.refused == ()
    return {key: samples(files[0]) for key, files in pack.sounds.items()}


def test_every_kind_of_event_has_a_sound_that_starts_and_ends_quietly(shipped: dict[str, array[int]]) -> None:
    assert shipped.keys() == set(SOUND_KEYS)
    for key, heard in shipped.items():
        assert 0.05 < len(heard) / 44_100 < 1.3, key
        peak = max(max(heard), -min(heard))
        assert 1_000 < peak < 32_767 * 10 ** (-3 / 20), key
        assert abs(heard[0]) < 100 and abs(heard[-1]) < 100, f"{key} clicks"


def test_ticks_are_short_and_the_softest_and_the_alarm_is_the_loudest(shipped: dict[str, array[int]]) -> None:
    energy = {key: sum(sample * sample for sample in heard) for key, heard in shipped.items()}
    ticks = [key for key in SOUND_KEYS if key.startswith("tool.")]
    news = [key for key in SOUND_KEYS if key not in (*ticks, "heartbeat", "prompt")]

    assert all(len(shipped[key]) <= 0.08 * 44_100 for key in ticks)
    assert max(energy[key] for key in ticks) < min(energy[key] for key in news)
    assert max(energy[key] for key in ticks) < energy["silence"] / 20
    assert max(shipped, key=lambda key: max(shipped[key])) == "silence"


def test_no_two_sound_alike(shipped: dict[str, array[int]]) -> None:
    for one, two in combinations(shipped, 2):
        a, b = shipped[one], shipped[two]
        dot = sum(x * y for x, y in zip(a, b, strict=False))
        norm = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
        assert abs(dot) / norm < 0.6, (one, two)


def test_the_packs_are_what_the_tool_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(MAKE_SOUNDS), str(tmp_path)], check=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PACKS)
    for name in PACKS:
        made, ships = load_pack(tmp_path / name), load_pack(sounds_dir() / name)
        assert made.refused == ()
        for key, (file,) in ships.sounds.items():
            heard, again = samples(file), samples(made.sounds[key][0])
            # Another C library's sine may differ in its last bit.
            assert len(again) == len(heard) and max(abs(a - b) for a, b in zip(again, heard, strict=True)) <= 1, key


@pytest.mark.parametrize("name", PACKS)
def test_the_manifest_is_strict_cesp_and_what_cesp_does_not_know_lies_beside_it(name: str) -> None:
    root = sounds_dir() / name
    manifest = json.loads((root / "openpeon.json").read_text(encoding="utf-8"))
    ours = json.loads((root / "praxmonitor.json").read_text(encoding="utf-8"))

    assert manifest.keys() == {
        "cesp_version", "name", "display_name", "version", "description", "license", "categories"
    }  # fmt: skip
    assert manifest["name"] == name
    assert set(manifest["categories"]) == {sound.category for sound in Sound} - {None}
    assert ours["tuned"] is True
    for category in (*manifest["categories"].values(), *ours["sounds"].values()):
        assert category.keys() == {"sounds"}
        assert all(entry.keys() == {"file", "label", "sha256"} for entry in category["sounds"])
    assert violations(root) == []


def test_the_packs_differ_from_each_other() -> None:
    bells, wood = (load_pack(sounds_dir() / name).sounds for name in PACKS)
    alike = [key for key in SOUND_KEYS if samples(bells[key][0]) == samples(wood[key][0])]

    assert set(alike) <= {"tool.web", "waiting", "start", "heartbeat"}
