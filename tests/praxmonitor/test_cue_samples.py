"""The samples of a cue: an event's pitch by agent, an alarm's always the same, what a foreign pack lacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARM_SOUNDS, FAMILIES, Sound, Urgency
from praxmonitor.sound.cue_samples import VOICE_SEMITONES, CueSamples, load_cue_samples
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


@pytest.mark.parametrize("key", [f"{sound}.{urgency.word}" for sound in ALARM_SOUNDS for urgency in Urgency if urgency])
def test_no_agents_pitch_moves_an_alarm(default: CueSamples, key: str) -> None:
    alarm = default.samples(key)
    assert alarm is not None and all(default.samples(key, voice) == alarm for voice in range(13))


def test_what_a_foreign_pack_lacks_and_cesp_does_not_know_is_ours(tmp_path: Path, default: CueSamples) -> None:
    mine = load_cue_samples(foreign(tmp_path / "mine", task_complete=["good.wav"]))

    alarms = [key for key in SOUND_KEYS if key.endswith((".low", ".medium", ".high"))]
    assert len(alarms) == 18
    for key in alarms:
        assert mine.samples(key, 1) == default.samples(key) != mine.samples("done"), "it is heard whatever the pack"
    for family in FAMILIES:
        assert mine.samples(f"tool.{family}", 3) == default.samples(f"tool.{family}", 3)
    assert mine.samples("done") == default.samples("tool.shell"), "its own"
    assert mine.samples("done", 4) == mine.samples("done"), "a voice is not transposed"
    silent = [key for key in SOUND_KEYS if mine.samples(key) is None]
    assert set(silent) == {s for s in Sound if s.category and s is not Sound.DONE} | {"stuck", "silence"}, (
        "an empty category is no sound, and what is an alarm alone is none without an urgency"
    )


def test_a_foreign_pack_says_an_alarm_by_its_category_but_not_a_high_one(tmp_path: Path, default: CueSamples) -> None:
    categories = {"input_required": ["good.wav"], "task_error": ["good.wav"], "resource_limit": ["good.wav"]}
    mine = load_cue_samples(foreign(tmp_path / "mine", **categories))
    own = default.samples("tool.shell")

    for sound in (Sound.WAITING, Sound.FAILED, Sound.ERROR, Sound.LIMIT):
        assert mine.samples(f"{sound}.low") == mine.samples(f"{sound}.medium", 2) == mine.samples(sound) == own
        assert mine.samples(f"{sound}.high") == default.samples(f"{sound}.high") != own
    for sound in (Sound.SILENCE, Sound.STUCK):
        assert mine.samples(f"{sound}.low") == default.samples(f"{sound}.low"), "CESP knows none"


def test_a_foreign_packs_own_alarms_come_first(tmp_path: Path, default: CueSamples) -> None:
    root = foreign(tmp_path / "mine", task_error=["good.wav"])
    own = {key: {"sounds": [{"file": "sounds/good.wav", "label": "x"}]} for key in ("silence", "failed.high")}
    (root / "praxmonitor.json").write_text(json.dumps({"tuned": True, "sounds": own}))
    mine, tick = load_cue_samples(root), default.samples("tool.shell")

    assert mine.samples("failed.high", 3) == mine.samples("silence.low", 3) == mine.samples("silence.medium", 3) == tick
    assert mine.samples("silence.high") == default.samples("silence.high")


def test_a_file_that_cannot_be_decoded_is_left_out(tmp_path: Path, default: CueSamples) -> None:
    mine = load_cue_samples(
        foreign(
            tmp_path / "mine", task_error=["bad.wav", "good.wav"], session_start=["bad.wav"], input_required=["bad.wav"]
        ),
        seed=1,
    )

    assert all(mine.samples("failed") is not None for _ in range(20))
    assert mine.samples("session") is None
    assert mine.samples("waiting.low") == default.samples("waiting.low"), "an alarm is heard all the same"


def test_a_key_that_there_is_not_is_an_error(default: CueSamples) -> None:
    with pytest.raises((KeyError, ValueError)):
        default.samples("tool.gong")
