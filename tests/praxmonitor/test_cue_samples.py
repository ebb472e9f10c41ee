"""The samples of a cue: pitch by agent, urgency, what a foreign pack lacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import FAMILIES, Sound
from praxmonitor.sound.cue_samples import GAP, VOICE_SEMITONES, CueSamples, load_cue_samples
from praxmonitor.sound.pack import SOUND_KEYS

TICK = sounds_dir() / "default" / "sounds" / "tool.shell.wav"


@pytest.fixture(scope="module")
def default() -> CueSamples:
    return load_cue_samples(sounds_dir() / "default")


def foreign(root: Path, **categories: list[str]) -> Path:
    """A pack of the user's, with nothing of ours."""
    (root / "sounds").mkdir(parents=True)
    shutil.copy(TICK, root / "sounds" / "good.wav")
    (root / "sounds" / "bad.wav").write_bytes(b"RIFF and nothing more")
    told = {
        name.replace("_", "."): {"sounds": [{"file": f"sounds/{file}", "label": file} for file in files]}
        for name, files in categories.items()
    }
    manifest = {"cesp_version": "1.0", "name": "mine", "display_name": "Mine", "version": "1.0.0", "categories": told}
    (root / "openpeon.json").write_text(json.dumps(manifest))
    return root


def test_five_agents_have_five_pitches_and_the_highest_is_the_shortest(default: CueSamples) -> None:
    lengths = {voice: len(default.samples("done", voice) or ()) for voice in range(5)}

    assert len(set(lengths.values())) == 5
    assert sorted(lengths, key=lengths.__getitem__) == sorted(range(5), key=lambda voice: -VOICE_SEMITONES[voice])
    assert default.samples("done", len(VOICE_SEMITONES)) == default.samples("done", 0)


def test_urgency_says_it_again(default: CueSamples) -> None:
    once = default.samples("silence")
    assert once is not None

    assert default.samples("silence", urgency=1) == once + GAP + once
    assert default.samples("silence", urgency=99) == once + (GAP + once) * 3


def test_what_a_foreign_pack_lacks_and_cesp_does_not_know_is_ours(tmp_path: Path, default: CueSamples) -> None:
    mine = load_cue_samples(foreign(tmp_path / "mine", task_complete=["good.wav"]))

    assert mine.samples("silence", 1) == default.samples("silence", 1), "the alarm is heard whatever the pack"
    for family in FAMILIES:
        assert mine.samples(f"tool.{family}", 3) == default.samples(f"tool.{family}", 3)
    assert mine.samples("done") == default.samples("tool.shell"), "its own"
    assert mine.samples("done", 4) == mine.samples("done"), "a voice is not transposed"
    silent = [key for key in SOUND_KEYS if mine.samples(key) is None]
    assert silent == [s for s in Sound if s.category and s is not Sound.DONE], "an empty category is no sound"


def test_a_file_that_cannot_be_decoded_is_left_out(tmp_path: Path) -> None:
    mine = load_cue_samples(
        foreign(tmp_path / "mine", task_error=["bad.wav", "good.wav"], session_start=["bad.wav"]), seed=1
    )

    assert all(mine.samples("failed") is not None for _ in range(20))
    assert mine.samples("session") is None


def test_a_key_that_there_is_not_is_an_error(default: CueSamples) -> None:
    with pytest.raises((KeyError, ValueError)):
        default.samples("tool.gong")
