"""A small file is parsed once as long as it is the same, and never believed to be what it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailcore.system import file_cache, writing
from mailcore.system.file_cache import FileCache


def old(path: Path) -> None:
    """Let it have changed a while ago, by the clock of the cache; the kernel's own time of a change cannot be set."""
    os.utime(path, (1e9, 1e9))


def test_what_is_replaced_written_in_place_removed_or_unreadable_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cache, "STAMP_GRAIN", -1.0)
    parsed: list[Path] = []

    def parse(path: Path) -> str:
        parsed.append(path)
        return path.read_text() if path.exists() else "none"

    path, cache = tmp_path / "a", FileCache(parse)
    assert cache.read(path) == "none"
    path.write_text("one")
    old(path)
    assert [cache.read(path) for _ in range(3)] == ["one"] * 3 and len(parsed) == 2
    writing.replace(path, b"two")
    old(path)  # of the same size, and as old by what can be set
    assert [cache.read(path) for _ in range(3)] == ["two"] * 3 and len(parsed) == 3
    path.write_text("three")
    assert cache.read(path) == "three"
    path.unlink()
    assert cache.read(path) == "none"
    path.write_text("three")
    assert cache.read(path) == "three"
    (tmp_path / "b").write_text("else")
    assert cache.read(tmp_path / "b") == "else"


def test_what_changed_a_moment_ago_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_cache, "STAMP_GRAIN", 3600.0)
    parsed: list[Path] = []

    def parse(path: Path) -> str:
        parsed.append(path)
        return path.read_text()

    path, cache = tmp_path / "a", FileCache(parse)
    path.write_text("one")
    assert [cache.read(path), cache.read(path)] == ["one", "one"] and len(parsed) == 2


def test_what_is_kept_is_bounded_and_what_is_raised_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cache, "STAMP_GRAIN", -1.0)
    monkeypatch.setattr(file_cache, "MOST_CACHED", 2)
    parsed: list[str] = []

    def parse(path: Path) -> str:
        parsed.append(path.name)
        if path.read_text() == "bad":
            raise ValueError
        return path.read_text()

    cache = FileCache(parse)
    for name in ("a", "b", "c", "a"):
        (tmp_path / name).write_text(name)
        assert cache.read(tmp_path / name) == name
    (tmp_path / "a").write_text("bad")
    for _ in range(2):
        with pytest.raises(ValueError):
            cache.read(tmp_path / "a")
    assert parsed == ["a", "b", "c", "a", "a", "a"]
