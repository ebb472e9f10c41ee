from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailcore.logs import times
from mailcore.logs.log_file import LogFile
from mailcore.logs.times import offset_at, row_time

START = 1_790_000_000


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@settings(max_examples=60, deadline=None)
@example(steps=[(0, 0)] * 20, asked=0)
@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=80),
    asked=st.integers(-5, 200),
)
def test_a_place_is_found_as_by_reading_all(
    steps: list[tuple[int, int]], asked: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows of later and later times, each with some that have none behind it."""
    at, text, wanted = START, "", None
    for step, untimed in steps:
        at += step
        if at >= START + asked and wanted is None:
            wanted = len(text)
        text += f"{stamp(at)} INFO something\n" + "  more of it, without a time\n" * untimed
    path = tmp_path_factory.mktemp("log") / "a.log"
    path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "NARROW", 64)
        assert offset_at(LogFile(path), START + asked) == (len(text) if wanted is None else wanted)


def test_a_log_without_times_has_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\ntwo\n" * 9)
    assert offset_at(LogFile(tmp_path / "a.log"), START) is None


def test_a_large_log_is_not_read_through(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"{stamp(START + n)} INFO line {n}\n" for n in range(200_000)))
    log = LogFile(path)
    read = []
    data = log.data
    log.data = lambda offset, length: read.append(length) or data(offset, length)  # type: ignore[method-assign, func-returns-value]
    place = offset_at(log, START + 123_456)
    assert place is not None and log.rows(place, 1)[0].data.endswith(b"line 123456")
    assert sum(read) < log.size / 2


def test_times_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(f'{stamp(START)} x\n{{"time": "{stamp(START)}", "level": "info", "msg": "y"}}\n12:00:00 z\nw\n')
    assert [row_time(row) for row in LogFile(path).rows(0, 9)] == [START, START, 0.0, 0.0]
