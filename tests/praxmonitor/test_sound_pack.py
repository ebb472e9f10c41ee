"""CESP packs: what is accepted, what is refused and why, what is picked."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from praxmonitor.sound import Sound
from praxmonitor.sound.pack import MAX_FILE, MAX_FILES, SOUND_KEYS, PackError, Picker, find_pack, load_pack

WAV = b"RIFF\0\0\0\0WAVE"


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "cesp_version": "1.0", "name": "test", "display_name": "Test", "version": "1.2.3-rc.1+x", "categories": {}
    } | changes  # fmt: skip


def sounds(*files: str, **more: str) -> dict[str, Any]:
    return {"sounds": [{"file": file, "label": file, **more} for file in files]}


def write(root: Path, content: object, **files: bytes) -> Path:
    (root / "sounds").mkdir(parents=True)
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (root / "openpeon.json").write_bytes(text)
    for name, data in files.items():
        (root / "sounds" / name.replace("_", ".")).write_bytes(data)
    return root


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def test_every_sound_is_looked_up_in_our_own_file_and_then_in_its_category(tmp_path: Path) -> None:
    categories = {sound.category: sounds(f"sounds/{sound}.wav") for sound in Sound if sound.category}
    ours = {key: sounds(f"sounds/{key}.wav") for key in SOUND_KEYS if "." in key or not Sound(key).category}
    root = write(tmp_path / "p", manifest(categories=categories), **{f"{sound}_wav": WAV for sound in Sound})
    for key in ours:
        (root / "sounds" / f"{key}.wav").write_bytes(WAV)
    (root / "praxmonitor.json").write_text(json.dumps({"tuned": True, "sounds": ours}))
    pack = load_pack(root)

    assert (pack.name, pack.display_name, pack.version, pack.tuned) == ("test", "Test", "1.2.3-rc.1+x", True)
    shared = {"error": "failed"}  # both are CESP's task.error; the pack names one file for it
    assert {key: names(files) for key, files in pack.sounds.items()} == {
        k: [f"{shared.get(k, k)}.wav"] for k in SOUND_KEYS
    }
    assert pack.refused == ()
    assert categories.keys() == {
        "session.start", "task.progress", "task.acknowledge", "task.complete", "task.error", "input.required",
        "resource.limit",
    }  # fmt: skip


def test_our_own_file_comes_first(tmp_path: Path) -> None:
    categories = {"task.error": sounds("sounds/a.wav")}
    root = write(tmp_path / "p", manifest(categories=categories), a_wav=WAV, b_wav=WAV)
    (root / "praxmonitor.json").write_text(json.dumps({"sounds": {"error": sounds("sounds/b.wav")}}))
    pack = load_pack(root)

    assert names(pack.sounds["error"]) == ["b.wav"]
    assert names(pack.sounds["failed"]) == ["a.wav"]
    assert not pack.tuned


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"{", "not JSON"), (b"[]", "must be a JSON object"), (b'{"sounds": []}', "'sounds' must be"),
     (b'{"sounds": {"silence": 1}}', "'silence'")],
)  # fmt: skip
def test_a_bad_file_of_our_own_is_named(tmp_path: Path, content: bytes, cause: str) -> None:
    root = write(tmp_path / "p", manifest())
    (root / "praxmonitor.json").write_bytes(content)

    with pytest.raises(PackError) as raised:
        load_pack(root)
    assert str(root / "praxmonitor.json") in str(raised.value)
    assert cause in str(raised.value)


def test_an_empty_or_missing_category_is_no_sound_and_no_error(tmp_path: Path) -> None:
    pack = load_pack(write(tmp_path / "p", manifest(categories={"task.error": {"sounds": []}})))

    assert set(pack.sounds.values()) == {()}
    assert pack.refused == ()


@pytest.mark.parametrize(
    ("category", "aliases"),
    [("greeting", {"session.start": "greeting"}), ("greeting", {"greeting": "session.start"})],
    ids=["from the name", "to the name"],
)
def test_an_alias_is_followed(tmp_path: Path, category: str, aliases: dict[str, str]) -> None:
    content = manifest(categories={category: sounds("sounds/a.wav")}, category_aliases=aliases)
    pack = load_pack(write(tmp_path / "p", content, a_wav=WAV))

    assert names(pack.sounds[Sound.SESSION]) == ["a.wav"]


def test_a_category_comes_before_its_alias(tmp_path: Path) -> None:
    content = manifest(
        categories={"old": sounds("sounds/a.wav"), "session.start": sounds("sounds/b.wav")},
        category_aliases={"session.start": "old"},
    )
    pack = load_pack(write(tmp_path / "p", content, a_wav=WAV, b_wav=WAV))

    assert names(pack.sounds[Sound.SESSION]) == ["b.wav"]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("../outside.wav", "relative path"),
        ("sounds/../../outside.wav", "relative path"),
        ("/outside.wav", "relative path"),
        ("sounds\\good.wav", "relative path"),
        ("sounds/a b.wav", "relative path"),
        ("sounds/ä.wav", "relative path"),
        ("sounds/good.wav\n", "relative path"),
        ("sounds/link.wav", "leads out of the pack"),
        ("sounds/none.wav", "no such file"),
        ("sounds", "no such file"),
        ("sounds/big.wav", "1000000 at most"),
        ("sounds/text.wav", "first bytes"),
        ("sounds/wav.mp3", "first bytes"),
        ("sounds/wav.exe", "must be .wav, .mp3 or .ogg"),
        (7, "must be a string"),
    ],
)
def test_a_bad_file_is_refused_and_the_rest_plays(tmp_path: Path, file: str, reason: str) -> None:
    root = write(
        tmp_path / "p", manifest(categories={"session.start": sounds(file, "sounds/good.wav")}),
        good_wav=WAV, text_wav=b"#!/bin/sh", wav_mp3=WAV, wav_exe=WAV, big_wav=WAV + bytes(MAX_FILE),
    )  # fmt: skip
    (tmp_path / "outside.wav").write_bytes(WAV)
    (root / "sounds" / "link.wav").symlink_to(tmp_path / "outside.wav")
    pack = load_pack(root)

    assert names(pack.sounds[Sound.SESSION]) == ["good.wav"]
    assert [refused.file for refused in pack.refused] == [str(file)]
    assert reason in pack.refused[0].reason


def test_a_link_inside_the_pack_is_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "p", manifest(categories={"session.start": sounds("sounds/link.wav")}), good_wav=WAV)
    (root / "sounds" / "link.wav").symlink_to("good.wav")

    assert names(load_pack(root).sounds[Sound.SESSION]) == ["link.wav"]


@pytest.mark.parametrize(
    ("data", "suffix"), [(b"ID3x", "mp3"), (b"\xff\xfb", "mp3"), (b"\xff\xf3", "mp3"), (b"OggS", "ogg"), (WAV, "WAV")]
)
def test_the_known_formats_pass(tmp_path: Path, data: bytes, suffix: str) -> None:
    content = manifest(categories={"session.start": sounds(f"sounds/a.{suffix}")})

    assert load_pack(write(tmp_path / "p", content, **{f"a_{suffix}": data})).sounds[Sound.SESSION]


def test_the_sha256_is_checked_where_it_is_given(tmp_path: Path) -> None:
    right, wrong = hashlib.sha256(WAV).hexdigest(), "0" * 64
    categories = {
        "session.start": sounds("sounds/a.wav", sha256=right), "task.error": sounds("sounds/b.wav", sha256=wrong)
    }  # fmt: skip
    pack = load_pack(write(tmp_path / "p", manifest(categories=categories), a_wav=WAV, b_wav=WAV))

    assert pack.sounds[Sound.SESSION] and not pack.sounds[Sound.FAILED]
    assert [refused.file for refused in pack.refused] == ["sounds/b.wav"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "must be a JSON object"),
        (manifest(cesp_version="2.0"), "'2.0' is not supported"),
        (manifest(cesp_version=1.0), "'cesp_version' must be a string"),
        (manifest(name="../up"), "'name' must be"),
        (manifest(name="a" * 65), "'name' must be"),
        (manifest(version="1.0"), "'version' must be"),
        (manifest(display_name=None), "'display_name' must be"),
        (manifest(categories=[]), "'categories' must be"),
        (manifest(categories={"task.complete": []}), "'done'"),
        (manifest(categories={"task.complete": {"sounds": {}}}), "'done'"),
        (manifest(category_aliases=3), "'category_aliases' must be"),
        ({"cesp_version": "1.0", "name": "a", "display_name": "a", "version": "1.0.0"}, "'categories' must be"),
    ],
)
def test_a_bad_manifest_names_file_and_cause(tmp_path: Path, content: object, cause: str) -> None:
    root = write(tmp_path / "p", content)

    with pytest.raises(PackError) as raised:
        load_pack(root)
    assert str(root / "openpeon.json") in str(raised.value)
    assert cause in str(raised.value)


def test_a_later_minor_version_is_read(tmp_path: Path) -> None:
    assert load_pack(write(tmp_path / "p", manifest(cesp_version="1.7"))).name == "test"


def test_a_pack_that_is_too_big_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "p", manifest())
    with (root / "filler").open("wb") as filler:
        filler.truncate(50_000_001)

    with pytest.raises(PackError, match="50000000 at most"):
        load_pack(root)


def test_no_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"openpeon\.json: No such file"):
        load_pack(tmp_path)


def test_the_project_comes_before_the_user_before_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user, project = tmp_path / "user", tmp_path / "project"
    monkeypatch.setenv("HOME", str(user))
    shipped = find_pack("default", project)
    mine = write(user / ".openpeon" / "packs" / "default", manifest())
    assert find_pack("default", project) == mine
    ours = write(project / ".openpeon" / "packs" / "default", manifest())

    assert find_pack("default", project) == ours
    assert find_pack("default") == mine
    assert shipped.parent.name == "sounds"


@pytest.mark.parametrize("name", ["absent", "../default", "", "Default"])
def test_a_pack_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(PackError) as raised:
        find_pack(name)
    assert repr(name) in str(raised.value)


def test_the_same_file_is_never_picked_twice_running() -> None:
    files = tuple(Path(name) for name in "abc")
    picker = Picker(random.Random(1))
    picked = [picker.pick(files) for _ in range(300)]

    assert all(one != two for one, two in pairwise(picked))
    assert all(picked.count(file) > 50 for file in files)


def test_a_single_file_is_picked_again_and_none_is_none() -> None:
    picker = Picker(random.Random(1))

    assert [picker.pick((Path("a"),)) for _ in range(3)] == [Path("a")] * 3
    assert picker.pick(()) is None


@pytest.mark.parametrize("name", ["openpeon.json", "praxmonitor.json"])
@pytest.mark.parametrize("kind", ["fifo", "sparse", "device", "directory", "circle", "deep"])
def test_what_stands_in_a_manifests_place_is_refused_in_words(tmp_path: Path, name: str, kind: str) -> None:
    root = write(tmp_path / "p", manifest())
    path = root / name
    path.unlink(missing_ok=True)
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "sparse":
            path.touch()
            os.truncate(path, 8_000_000_000)
        case "device":
            path.symlink_to("/dev/zero")
        case "directory":
            path.mkdir()
        case "circle":
            path.symlink_to(path)
        case "deep":
            path.write_bytes(b"[" * 900_000)
    with pytest.raises(PackError, match=re.escape(str(root))):
        load_pack(root)


def test_a_pack_of_a_million_files_or_choices_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "p", manifest(categories={"task.complete": sounds(*["sounds/a.wav"] * 65)}), a_wav=WAV)
    with pytest.raises(PackError, match="65 sounds; 64 at most"):
        load_pack(root)
    (root / "openpeon.json").write_text(json.dumps(manifest()))
    for number in range(MAX_FILES):
        (root / "sounds" / str(number)).touch()
    with pytest.raises(PackError, match="may have 2000 files"):
        load_pack(root)
