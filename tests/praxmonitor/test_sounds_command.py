"""`praxmonitor sounds`: list, check and play, as commands."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import pytest

from mailcore.workspace import create
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARM_SOUNDS, Urgency
from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path, save_mutes
from praxmonitor.sound.pack_check import violations
from tests.praxmonitor.conftest_pulse import Pulse, until
from tests.praxmonitor.hearing import pulses

TICK = sounds_dir() / "default" / "sounds" / "tool.shell.wav"


def praxmonitor(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "praxmonitor", "sounds", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without packs, in a directory without a workspace."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def entry(**more: object) -> dict[str, object]:
    return {"file": "sounds/a.wav", "label": "A tick"} | more


def pack(root: Path, entries: object = None, ours: object = None, **changes: Any) -> Path:
    """A good pack, but for what is changed; None takes a key away."""
    (root / "sounds").mkdir(parents=True)
    shutil.copy(TICK, root / "sounds" / "a.wav")
    (root / "sounds" / "noise.wav").write_bytes(b"RIFF and nothing more")
    (root / "sounds" / "text.mp3").write_bytes(b"no sound at all")
    categories = {"task.complete": {"sounds": [entry()] if entries is None else entries}}
    manifest: dict[str, Any] = {
        "cesp_version": "1.0", "name": root.name, "display_name": "Mine", "version": "1.0.0", "categories": categories
    } | changes  # fmt: skip
    kept = {key: value for key, value in manifest.items() if value is not None}
    (root / "openpeon.json").write_text(json.dumps(kept))
    if ours is not None:
        (root / "praxmonitor.json").write_text(json.dumps(ours))
    return root


def test_list_shows_what_ships_the_users_and_the_projects(home: Path, tmp_path: Path) -> None:
    made = create.create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    made.state_dir.mkdir(exist_ok=True)
    made.config_file.write_text('[sound]\npack = "wood"\n')
    pack(home / ".openpeon" / "packs" / "peon", display_name="Orc \x1b[2J")
    pack(made.root / ".openpeon" / "packs" / "default")
    (home / ".openpeon" / "packs" / "broken").mkdir()
    (home / ".openpeon" / "packs" / "broken" / "openpeon.json").write_text("{")
    done = praxmonitor("list", cwd=made.root / "agents" / "writer")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0 if line[0] == " " else 1] for line in lines] == [
        "default", "broken", "peon", "default", "wood"
    ]  # fmt: skip
    assert [line[0] for line in lines] == [" ", " ", " ", " ", "*"]
    assert "cannot be used" in lines[1] and "not JSON" in lines[1]
    assert "1 sounds" in lines[2] and "\x1b" not in done.stdout
    assert "hidden by the one above" in lines[3] and "40 sounds" in lines[4]


def test_check_finds_nothing_in_a_good_pack(home: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(TICK.read_bytes()).hexdigest()
    root = pack(
        tmp_path / "mine",
        [entry(sha256=digest)],
        {"tuned": False, "sounds": {"silence": {"sounds": [entry()]}, "tool.web": {"sounds": []}}},
        description="d", author={"name": "A", "github": "a"}, tags=["x"], preview="sounds/a.wav", language="en",
        license="MIT", homepage="https://example.org", category_aliases={"complete": "task.complete"},
    )  # fmt: skip

    assert violations(root) == []
    done = praxmonitor("check", str(root), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{root}: CESP 1.0, and all of it can be played\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x-mine": 1}, "CESP knows no 'x-mine'; what is ours goes into praxmonitor.json"),
        ({"cesp_version": "1.3"}, "cesp_version must be '1.0'"),
        ({"display_name": ""}, "'display_name' must have 1 to 128"),
        ({"description": "d" * 257}, "'description' must have 0 to 256"),
        ({"author": {"github": "x"}}, "'author' must have a 'name'"),
        ({"tags": ["x"] * 11}, "'tags' must be 10 texts"),
        ({"license": 3}, "'license' must be str"),
        ({"categories": {"task.sigh": {"sounds": []}}}, "CESP knows no category 'task.sigh'"),
        ({"categories": {"user.spam": {"sounds": [], "x": 1}}}, "and nothing else"),
        ({"category_aliases": {"x": "task.sigh"}}, "the alias 'x' must lead to"),
        ({"preview": "../a.wav"}, "must be a relative path"),
        ({"entries": [{"file": "sounds/a.wav"}]}, "needs a 'label'"),
        ({"entries": [entry(label="l" * 257)]}, "needs a 'label' of 256"),
        ({"entries": [entry(sha256="AB")]}, "must be 64 hexadecimal digits"),
        ({"entries": [entry(sha256="0" * 64)]}, "its sha256 is not the one"),
        ({"entries": [entry(volume=1)]}, "keys that CESP does not know: volume"),
        ({"entries": [entry(file="sounds/noise.wav")]}, "noise.wav"),
        ({"entries": [entry(file="sounds/text.mp3")]}, "first bytes"),
        ({"entries": [entry(file="/etc/passwd")]}, "must be a relative path"),
        ({"entries": [7]}, "'file' must be a string"),
        ({"name": "Über"}, "'name' must be"),
        ({"categories": None}, "'categories' must be an object"),
        ({"ours": {"volume": 1}}, "praxmonitor.json: 'volume' is not known"),
        ({"ours": {"tuned": 1}}, "praxmonitor.json: 'tuned' must be true or false"),
        ({"ours": {"sounds": {"gong": {"sounds": []}}}}, "praxmonitor.json: there is no sound 'gong'"),
        ({"ours": []}, "must be a JSON object"),
    ],
)
def test_check_names_each_departure(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    root = pack(tmp_path / "mine", **changes)
    found = violations(root)

    assert any(said in line for line in found), found
    assert len(found) == (2 if "hexadecimal" in said else 1), "nothing else is wrong with it"


def test_check_says_all_of_it_and_fails(home: Path, tmp_path: Path) -> None:
    root = pack(tmp_path / "mine", [entry(file="sounds/text.mp3"), entry(file="sounds/noise.wav", label=None)], x=1)
    done = praxmonitor("check", str(root), cwd=tmp_path)

    assert done.returncode == 4
    assert len(done.stdout.splitlines()) == 5
    assert done.stdout.splitlines()[-1] == f"{root}: 4 things are not as CESP 1.0 wants them"


def test_without_a_name_it_is_the_pack_in_use(home: Path, tmp_path: Path, no_device: Path) -> None:
    made = create.create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    mine = pack(made.root / ".openpeon" / "packs" / "mine", [entry(label=None)])
    made.config_file.write_text('[sound]\npack = "mine"\n')
    in_use = praxmonitor("check", cwd=made.root)
    shipped = praxmonitor("check", cwd=tmp_path)

    assert in_use.returncode == 4 and in_use.stdout.splitlines()[-1].startswith(f"{mine}: 1 things")
    # Installed, the command finds its own copy; in a checkout, the one that lies here.
    assert shipped.returncode == 0 and "/sounds/default: CESP" in shipped.stdout
    assert praxmonitor("play", cwd=made.root).returncode == 4, "it looks for a device, not for a name"


@pytest.mark.parametrize("words", [("check", "absent"), ("play", "../default"), ("play", "default", "gong")])
def test_what_there_is_not_is_named(home: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = praxmonitor(*words, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("praxmonitor sounds: ") and repr(words[-1]) in done.stderr


def test_play_plays(home: Path, tmp_path: Path, pulse: Pulse) -> None:
    pulse.start()
    pulse.record()
    done = praxmonitor("play", "wood", "silence", "tool.web", "--agent", "2", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "on miniaudio/pulse:", "  silence.low", "  silence.medium", "  silence.high", "  tool.web"
    ]  # fmt: skip
    until(pulse.heard, "the sounds")
    mono = array("h", bytes(pulse.pcm[: len(pulse.pcm) // 4 * 4]))[::2]
    assert len(pulses(mono, share=0.3)) == 2 + 3 + 10, "each alarm is heard whole, in its turn"


def test_alarms_lists_each_kind_and_urgency_and_what_sounds_so(home: Path, tmp_path: Path) -> None:
    done = praxmonitor("alarms", cwd=tmp_path)
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}

    assert (done.returncode, done.stderr) == (0, "")
    assert list(rows) == [f"{sound}.{urgency.word}" for sound in ALARM_SOUNDS for urgency in Urgency if urgency]
    assert "10 pulses  silence" in rows["silence.high"]
    assert "3 pulses   waiting, approval" in rows["waiting.medium"]
    assert "10 pulses  waiting after 15 min, approval after 15 min" in rows["waiting.high"]
    assert rows["silence.low"].endswith("no alarm today")
    told = done.stdout.replace(",", " ").split()
    assert not [kind for kind in AlarmKind if kind not in told], "every kind has its sound"


def test_play_claims_nothing_without_a_device(home: Path, tmp_path: Path, no_device: Path) -> None:
    done = praxmonitor("play", "default", "mail", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (4, "")
    assert "no device" in done.stderr


def test_play_obeys_mute(home: Path, tmp_path: Path, pulse: Pulse) -> None:
    pulse.start()
    pulse.record()
    made = create.create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    save_mutes(mutes_path(made.root), Mutes(FOREVER), 0.0)
    done = praxmonitor("play", "default", "silence", cwd=made.root)

    assert (done.returncode, done.stdout) == (3, "")
    assert "muted" in done.stderr and not pulse.heard()
    assert "XDG_STATE_HOME" in os.environ
