from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.logs import level_look, near
from mailcore.logs.level_look import LevelLook, level_signs, row_level
from mailcore.logs.log_file import LogFile, LogRow
from mailcore.model.activity import Kind

LABELLED = [
    line
    for row in (Path(__file__).parents[1] / "log_lines.txt").read_text().splitlines()
    for label, tab, line in [row.partition("\t")]
    if tab
]
MORE = [
    '{"level":50,"msg":"x"}',
    '{"level": 60, "msg": "x"}',
    "\x1b[31mERROR\x1b[0m it broke",
    "Error: exit",
    "prose about no error",
]


@pytest.mark.parametrize("levels", [{Kind.ERROR}, {Kind.WARNING}, {Kind.ERROR, Kind.WARNING}])
def test_every_line_of_a_level_has_a_sign_of_it(levels: set[Kind]) -> None:
    signs = level_signs(levels).expression
    lines = [line for line in LABELLED + MORE if row_level(line.encode()) in levels]
    assert len(lines) > 20
    assert [line for line in lines if not signs.search(line)] == []


@settings(max_examples=30, deadline=None)
@given(lines=st.lists(st.sampled_from([*LABELLED, *MORE, *["calm"] * 400]), max_size=60), count=st.integers(1, 9))
def test_looks_find_what_a_naive_reading_does(
    lines: list[str], count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.MonkeyPatch.context() as patch:
        for module in (near, level_look):
            patch.setattr(module, "FIRST_LOOK", 64)
        patch.setattr(near, "LOOK_SECONDS", 30.0)
        patch.setattr(level_look, "LEVEL_SECONDS", 30.0)
        log = LogFile(path)
        wanted = [row for row in log.rows(0, 100) if row_level(row.data) is Kind.ERROR]
        look = LevelLook(log)
        forwards: list[LogRow] = []
        at, end = 0, False
        while not end:
            found = look.after(at, count)
            assert len(found.rows) <= count
            forwards += found.rows
            at, end = found.reached, found.at_end
        backwards: list[LogRow] = []
        at, end = log.size, False
        while not end:
            found = look.before(at, count)
            backwards[:0] = found.rows
            at, end = found.reached, found.at_end
    assert forwards == backwards == wanted


def test_a_look_ends_when_its_time_is_over_and_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"a calm line of a log\n" * 200_000 + b"ERROR it broke\n")
    monkeypatch.setattr(near, "LOOK_SECONDS", 30.0)
    monkeypatch.setattr(level_look, "LEVEL_SECONDS", 0.001)
    log = LogFile(path)
    look = LevelLook(log)
    found = look.after(0, 1)
    assert found.rows == () and 0 < found.reached < log.size and not found.at_end
    while not found.rows:
        before = found.reached
        found = look.after(before, 1)
        assert found.reached > before
    assert found.rows[0].data == b"ERROR it broke" and found.at_end
