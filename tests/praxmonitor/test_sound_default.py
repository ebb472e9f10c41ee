"""The packs that ship: complete, short, quiet enough, all sounds different, strict CESP, and made by our own tool."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import wave
from array import array
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARMS_ALONE, Sound, Urgency
from praxmonitor.sound.gate import BURST
from praxmonitor.sound.pack import SOUND_KEYS, load_pack
from praxmonitor.sound.pack_check import violations

PACKS = ("default", "wood")
EVENTS = set(Sound) - set(ALARMS_ALONE)
MAKE_SOUNDS = Path(__file__).parents[1] / "tools" / "make_sounds.py"


def samples(path: Path) -> array[int]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 44_100)
        read = array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        read.byteswap()
    return read


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.fixture(scope="module", params=PACKS)
def shipped(request: pytest.FixtureRequest) -> dict[str, array[int]]:
    pack = load_pack(sounds_dir() / request.param)
    assert pack.refused == ()
    return {key: samples(files[0]) for key, files in pack.sounds.items() if files}


def alarms(urgency: Urgency) -> list[str]:
    return [key for key in SOUND_KEYS if key.endswith(f".{urgency.word}")]


def test_every_event_and_alarm_has_a_sound_that_starts_and_ends_quietly(shipped: dict[str, array[int]]) -> None:
    assert shipped.keys() == set(SOUND_KEYS) - {Sound.STUCK, Sound.SILENCE}, "WAITING has one for other players"
    longest = {key: seconds for urgency, seconds in BURST.items() for key in alarms(urgency)}
    for key, heard in shipped.items():
        assert 0.05 < len(heard) / 44_100 < longest.get(key, 1.3), key
        peak = max(max(heard), -min(heard))
        assert 1_000 < peak < 32_767 * 10 ** (-3 / 20), key
        assert abs(heard[0]) < 100 and abs(heard[-1]) < 100, f"{key} clicks"


def test_ticks_are_short_and_the_softest_and_alarms_are_the_loudest(shipped: dict[str, array[int]]) -> None:
    energy = {key: sum(sample * sample for sample in heard) for key, heard in shipped.items()}
    ticks = [key for key in SOUND_KEYS if key.startswith("tool.")]
    news = [key for key in shipped if key not in (*ticks, "heartbeat", "prompt")]
    urgent = {urgency: alarms(urgency) for urgency in (Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH)}
    events = [key for key in news if key in EVENTS]

    assert all(len(shipped[key]) <= 0.08 * 44_100 for key in ticks)
    assert max(energy[key] for key in ticks) < min(energy[key] for key in news)
    assert max(energy[key] for key in ticks) < min(energy[key] for keys in urgent.values() for key in keys) / 20
    peaks = {key: max(heard) for key, heard in shipped.items()}
    louder = [events, *urgent.values()]
    for softer, more in pairwise(louder):
        assert max(peaks[key] for key in softer) < min(peaks[key] for key in more)


def test_no_two_sound_alike(shipped: dict[str, array[int]]) -> None:
    """But for alarms of one kind, of which only the rhythm differs: medium begins as low does."""
    for one, two in combinations(shipped, 2):
        if one.partition(".")[0] == two.partition(".")[0] != Sound.TOOL and {one, two}.isdisjoint(EVENTS):
            continue
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
        assert names(tmp_path / name) == names(sounds_dir() / name), "nothing that it does not make"
        assert made.version == ships.version
        for key, (file,) in ((key, files) for key, files in ships.sounds.items() if files):
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
    alike = [key for key in SOUND_KEYS if bells[key] and samples(bells[key][0]) == samples(wood[key][0])]

    assert set(alike) <= {"tool.web", "start", "heartbeat"}
