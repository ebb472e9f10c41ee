"""Mutes outlive a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from praxmonitor.sound import Cue, Sound
from praxmonitor.sound.gate import Gate, GateRules
from praxmonitor.sound.kinds import KIND_OF, SOUND_KINDS
from praxmonitor.sound.mutes import FOREVER, Mutes, load_mutes, mutes_path, save_mutes


def test_what_is_muted_is_muted_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state" / "mutes.json"
    kept = Mutes(130.0).with_agent("@writer", FOREVER).with_agent("@editor", 99.0)
    save_mutes(path, kept, 100.0)
    again = load_mutes(path)

    assert again.all(129.0) and not again.all(130.0)
    assert again.agent("@writer", 1e12) and not again.agent("@other", 0.0)
    assert "@editor" not in again.agents, "what is over is not kept"
    assert [file.name for file in path.parent.iterdir()] == ["mutes.json"]


def test_forever_is_until_it_is_switched_on(tmp_path: Path) -> None:
    save_mutes(tmp_path / "m", Mutes(FOREVER), 1.0)
    assert load_mutes(tmp_path / "m").all(1e15)
    save_mutes(tmp_path / "m", Mutes(), 1.0)
    assert load_mutes(tmp_path / "m") == Mutes()


def test_an_agent_is_heard_again() -> None:
    muted = Mutes().with_agent("@writer", FOREVER)

    assert muted.agent("@writer", 5.0)
    assert muted.with_agent("@writer", 0.0) == Mutes()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"until": "x", "agents": 1}', '{"until": NaN, "agents": {}}', "[" * 100_000]
)
def test_a_file_that_is_not_ours_mutes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "m").write_text(text)

    assert load_mutes(tmp_path / "m") == Mutes()
    assert load_mutes(tmp_path / "absent") == Mutes()


def test_a_file_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "x").touch()

    with pytest.raises(OSError):
        save_mutes(tmp_path / "m", Mutes(5.0), 1.0)
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_each_workspace_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, two = mutes_path(tmp_path / "a"), mutes_path(tmp_path / "b")

    assert one != two
    assert one.is_relative_to(tmp_path) and one == mutes_path(tmp_path / "a" / ".." / "a")


def test_a_kind_is_muted_alone_and_stays_so_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "mutes.json"
    save_mutes(path, Mutes().with_kind("ticks", 130.0).with_kind("mails", 90.0), 100.0)
    again = load_mutes(path)
    assert again.kind("ticks", 129.0) and not again.kind("ticks", 130.0) and "mails" not in again.kinds

    gate = Gate(GateRules())
    gate.mutes = again
    assert not gate.passes(Cue(Sound.TOOL, "@writer"), 100.0) and gate.passes(Cue(Sound.DONE, "@writer"), 100.0)
    assert gate.passes(Cue(Sound.TOOL, "@writer"), 131.0)


def test_a_file_of_before_has_no_kinds(tmp_path: Path) -> None:
    (tmp_path / "m").write_text('{"until": "forever", "agents": {"@a": 5.0}}')
    assert load_mutes(tmp_path / "m") == Mutes(FOREVER, {"@a": 5.0})


def test_each_sound_is_of_one_kind() -> None:
    assert set(KIND_OF) == set(Sound)
    assert sum(len(group.sounds) for group in SOUND_KINDS.values()) == len(Sound)
