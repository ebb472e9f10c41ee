from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mailcore.logs import log_file
from mailcore.logs.log_file import LogChange, LogFile, LogRow

PIECES = st.sampled_from(
    [b"\n", b"\r\n", b"a", b"word", b"\x00" * 7, b"\xff", b"\x1b[31m", b"longer than a chunk " * 3]
)
CONTENTS = st.lists(PIECES, max_size=60).map(b"".join)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "CHUNK", 16)
    monkeypatch.setattr(log_file, "MAX_ROW", 24)
    monkeypatch.setattr(log_file, "PIECE", 64)


def naive(contents: bytes) -> list[LogRow]:
    """All rows, by what the words say: split at newlines, and where as many bytes before a multiple of PIECE have
    none."""
    piece = log_file.PIECE
    ends = {at + 1 for at, byte in enumerate(contents) if byte == 10} | {len(contents)}
    ends |= {at for at in range(piece, len(contents), piece) if b"\n" not in contents[at - piece : at]}
    rows, begin = [], 0
    for end in sorted(ends - {0}):
        line = contents[begin:end]
        text = line[:-1].removesuffix(b"\r") if line.endswith(b"\n") else line
        rows.append(LogRow(begin, end, text[: log_file.MAX_ROW], len(text) > log_file.MAX_ROW))
        begin = end
    return rows


def compare(log: LogFile, contents: bytes) -> None:
    rows = naive(contents)
    assert log.size == len(contents)
    assert log.rows(0, len(rows) + 1) == rows
    assert log.last_rows(len(rows) + 1) == rows
    for number, row in enumerate(rows):
        assert log.rows(row.offset, 3) == rows[number : number + 3]
        assert log.rows_before(row.offset, 3) == rows[max(0, number - 3) : number]
        for offset in {row.offset, row.end - 1, (row.offset + row.end) // 2}:
            assert log.row_at(offset) == row
    assert log.row_at(len(contents)) == (rows[-1] if rows else LogRow(0, 0, b""))


@given(contents=CONTENTS)
def test_rows_are_those_of_a_naive_split(contents: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    path.write_bytes(contents)
    log = LogFile(path)
    compare(log, contents)
    assert log.size == len(contents)


class ChangingLog(RuleBasedStateMachine):
    """A log that grows, is cut, moved and removed between looks."""

    directory: Path

    @initialize()
    def begin(self) -> None:
        self.path = self.directory / "a.log"
        self.path.write_bytes(b"")
        self.open, self.named = b"", b""
        self.held: Path | None = self.path
        """Where the open file lies; None if it was removed."""
        self.cut = False
        self.log = LogFile(self.path)

    @rule(more=CONTENTS)
    def grow(self, more: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(more)
        self.named += more
        if self.held == self.path:
            self.open += more

    @precondition(lambda self: self.held == self.path)
    @rule(to=st.integers(0, 200), more=CONTENTS)
    def cut_and_grow(self, to: int, more: bytes) -> None:
        mark = self.open[: self.log.size][-64:]
        os.truncate(self.path, min(to, len(self.open)))
        self.open = self.named = self.named[:to]
        self.grow(more)
        kept = self.open[: self.log.size][-64:]
        self.cut = self.cut or len(self.open) < self.log.size or kept != mark

    @rule(more=CONTENTS)
    def rename(self, more: bytes) -> None:
        if self.held == self.path:
            self.held = self.path.with_name("a.log.1")
        if self.path.exists():
            self.path.rename(self.path.with_name("a.log.1"))
        self.named = b""
        self.grow(more)

    @rule()
    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.named = b""
        if self.held == self.path:
            self.held = None

    @rule()
    def look(self) -> None:
        grew = len(self.open) > self.log.size
        if self.cut:
            expected = LogChange.CUT
        elif not self.path.exists():
            expected = LogChange.GONE
        elif self.held != self.path:
            expected = LogChange.REPLACED
        else:
            expected = LogChange.GREW if grew else LogChange.SAME
        assert self.log.look() is expected
        self.cut = False
        compare(self.log, self.open)
        if expected is LogChange.REPLACED:
            self.log.reopen()
            self.held, self.open = self.path, self.named
            compare(self.log, self.open)

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()


def test_a_log_that_changes_between_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(type("Here", (ChangingLog,), {"directory": tmp_path}))
    assert (tmp_path / "a.log").parent.is_dir() and list(tmp_path.iterdir()), "it was played"


def test_a_hole_and_a_line_without_end_cost_no_more_than_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        file.write(b"first\n")
        file.truncate(1 << 40)
        file.seek(1 << 40)
        file.write(b"\nlast\n")
    log = LogFile(path)
    assert [row.data for row in log.last_rows(1)] == [b"last"]
    before = log.rows_before(log.last_rows(2)[0].offset, 2)
    assert [row.end - row.offset for row in before] == [log_file.PIECE] * 2
    assert before[0].data == bytes(log_file.MAX_ROW) and before[0].cut
    assert log.rows(0, 1)[0].data == b"first"


def test_a_line_of_ten_megabytes_is_one_row_and_its_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = tmp_path / "a.log"
    path.write_bytes(b"before\n" + b"x" * 10_000_000 + b"end\nafter\n")
    log = LogFile(path)
    before, long, after = log.last_rows(9)
    assert (before.data, after.data) == (b"before", b"after")
    assert len(long.data) == log_file.MAX_ROW and long.cut
    assert log.data(long.end - 4, 3) == b"end"
    assert log.row_at(5_000_000) == long


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        LogFile(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        LogFile(tmp_path / "none")


def test_many_long_rows_are_given_in_several_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 100)
    path = tmp_path / "a.log"
    path.write_bytes(b"0123456789\n" * 50)
    log = LogFile(path)
    some = log.rows(0, 50)
    assert 0 < len(some) < 50
    assert some + log.rows(some[-1].end, 50 - len(some)) != some
    last = log.last_rows(50)
    assert 0 < len(last) < 50 and last[-1].end == log.size


def test_a_copy_is_read_on_when_the_first_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    log = LogFile(path)
    twin = log.another()
    log.close()
    assert log.last_rows(1) == []
    assert twin.last_rows(1) == [LogRow(0, 4, b"one")]
