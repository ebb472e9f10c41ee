"""What outlives a restart: answers from any screen, what was told; broken files count as none."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED, Episode, ReportedEpisode
from praxmonitor.alarms.store import AlarmStore

ALARM = Alarm(AlarmKind.SILENCE, "@writer", 5.0, "silent: x", id="7")


def test_answers_are_read_by_every_other_screen(tmp_path: Path) -> None:
    one, other = AlarmStore(tmp_path), AlarmStore(tmp_path)
    assert other.answers() == {}
    one.answer(["a", "b"], ACKNOWLEDGED)
    one.answer(["b", "c"], 99.5)
    assert other.answers() == {"a": ACKNOWLEDGED, "b": 99.5, "c": 99.5}
    assert other.answers() is other.answers()
    other.answer(["a"], 0.0)
    assert one.answers() == {"b": 99.5, "c": 99.5}


def test_what_stands_until_it_is_acknowledged_comes_back_whole(tmp_path: Path) -> None:
    lost = Alarm(AlarmKind.UNDELIVERED, "@writer", 5.0, "completed, and", "that it", "ended", "tell it", "r7")
    AlarmStore(tmp_path).save_reported({lost.key: Episode(lost, 10.0, 3, 70.0)})
    assert AlarmStore(tmp_path).reported() == {lost.key: ReportedEpisode(10.0, 3, 70.0, lost)}


def test_what_was_told_comes_back(tmp_path: Path) -> None:
    AlarmStore(tmp_path).save_reported({"k": Episode(ALARM, 10.0, 3, 70.0), "never": Episode(ALARM, 10.0)})
    assert AlarmStore(tmp_path).reported() == {
        "k": ReportedEpisode(10.0, 3, 70.0),
        "never": ReportedEpisode(10.0, 1, math.inf),
    }


@pytest.mark.parametrize(
    "broken",
    [
        "", "{", "[]", '{"k": []}', '{"k": "x"}', '{"k": {"a": 1}}', '{"k": [1, 1, 1, {}]}', "\0" * 99,
        pytest.param(f'{{"k": 1{400 * "0"}}}', id="a number beyond all numbers"),
    ],
)  # fmt: skip
def test_a_broken_file_counts_as_none(tmp_path: Path, broken: str) -> None:
    (tmp_path / "answers.json").write_text(broken)
    (tmp_path / "told.json").write_text(broken)
    assert AlarmStore(tmp_path).answers() == {} and AlarmStore(tmp_path).reported() == {}
    AlarmStore(tmp_path).answer(["a"], ACKNOWLEDGED)
    assert AlarmStore(tmp_path).answers() == {"a": ACKNOWLEDGED}


def test_many_screens_answering_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from praxmonitor.alarms.store import AlarmStore\n"
        "for n in range(25): AlarmStore(Path(sys.argv[1])).answer([f'{sys.argv[2]}-{n}'], 5.0)"
    )
    screens = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in range(4)]
    assert [screen.wait(60) for screen in screens] == [0] * 4
    assert len(AlarmStore(tmp_path).answers()) == 100


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        AlarmStore(tmp_path / "file").answer(["a"], 1.0)
    with pytest.raises(OSError, match="file"):
        AlarmStore(tmp_path / "file").save_reported({})
