"""A session file is read from any place on as if it had been read from its beginning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailcore.model.activity import Activity
from mailcore.model.limit import Limit
from mailcore.model.usage import Spent
from mailcore.programs import session_files
from mailcore.programs.claude import sessions as claude_sessions
from tests.mailcore.session_lines import (
    CWD,
    codex,
    counted_before,
    cwd_of,
    event,
    item,
    line,
    money,
    read_from,
    record,
    said,
    text,
    tokens,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
NOW = 1_800_000_000.0
ROLLOUT = "rollout-2026-11-22T02-01-23-01a200fc.jsonl"


def read(path: Path, offset: int) -> list[Activity | Spent | Limit]:
    reader = read_from("@a", path, offset, counted_before(path, offset))
    lines = path.read_bytes()[offset:].splitlines()
    return [found for raw in lines for found in reader.read(raw, NOW)]


def claude(path: Path, filler: int) -> None:
    """Messages of several lines, and money told before and after a stretch that is longer than what is learned from."""
    lines = [said(1, "m1", text("a")), money(1.0), line(2, "user", cwd=f"{CWD}/sub", message={"content": "go"})]
    lines += [line(3, "attachment", about="x" * 1000) for _ in range(filler)]
    lines += [said(4, "m2", text("b")), said(5, "m2", text("c"), output=50), said(6, "m3", text("d")), money(3.0)]
    path.write_bytes(b"\n".join(lines) + b"\n")


def rollout(path: Path, filler: int) -> None:
    one, two = tokens(120, 20, 15), tokens(240, 40, 30)
    lines = [
        codex(1, "session_meta", id="01a200fc", cwd=CWD, source="cli"),
        codex(1, "turn_context", model="gpt-5"),
        event(1, "task_started", model_context_window=1000),
        record(2, one, one),
        *(item(2, "message", about="x" * 1000) for _ in range(filler)),
        item(3, "function_call", name="shell", call_id="c", arguments="{}"),
        event(4, "token_count", info={"last_token_usage": one, "total_token_usage": one}),
        item(5, "function_call_output", call_id="c", output="x"),
        record(6, one, two),
        event(6, "token_count", info={"last_token_usage": one, "total_token_usage": two}),
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")


@pytest.mark.parametrize("filler", [0, 100, 300])
@pytest.mark.parametrize("write", [claude, rollout])
def test_from_every_line_on_it_is_as_if_read_whole(tmp_path: Path, filler: int, write: object) -> None:
    path = tmp_path / (ROLLOUT if write is rollout else "5e55.jsonl")
    (rollout if write is rollout else claude)(path, filler)
    whole = read(path, 0)
    reader = read_from("@a", path, 0)
    offset, told = 0, 0
    for raw in path.read_bytes().splitlines():
        assert read(path, offset) == whole[told:], raw[:80]
        told += len(reader.read(raw, NOW))
        offset += len(raw) + 1
    assert told == len(whole) > 4


def test_where_a_session_was_begun_is_known_from_any_place(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    claude(path, 300)
    assert read_from("@a", path, path.stat().st_size).cwd == CWD
    assert cwd_of(path) == CWD


def test_the_name_says_whose_format_it_is(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "codex" / "rollout.jsonl", tmp_path / ROLLOUT)
    assert len(read(tmp_path / ROLLOUT, 0)) == 9
    assert cwd_of(tmp_path / ROLLOUT) == "/home/op/project/agents/coder"
    assert len(read(FIXTURES / "claude-code" / "transcript.jsonl", 0)) == 12


def test_money_that_was_told_too_far_back_is_not_told_as_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "5e55.jsonl"
    claude(path, 300)
    place = path.read_bytes().index(b'"m2"')
    offset = path.read_bytes().rindex(b"\n", 0, place) + 1
    assert [a.usage.cost for a in read(path, offset) if isinstance(a, Spent) and a.usage.cost] == [2.0]
    monkeypatch.setattr(claude_sessions, "MONEY", 100_000)
    assert [a.usage.cost for a in read(path, offset) if isinstance(a, Spent) and a.usage.cost] == []


@pytest.mark.parametrize("padding", range(0, 330, 3))
def test_money_is_found_wherever_the_blocks_of_a_file_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, padding: int
) -> None:
    monkeypatch.setattr(session_files, "BEFORE", 500)
    monkeypatch.setattr(claude_sessions, "BEFORE", 500)
    monkeypatch.setattr(claude_sessions, "READ_BLOCK", 300)
    monkeypatch.setattr(claude_sessions, "OVERLAP", 200)
    path = tmp_path / "5e55.jsonl"
    before = b"\n".join([money(1.0), said(1, "m1"), money(2.0), b"x" * padding, *[b"y" * 99] * 12]) + b"\n"
    path.write_bytes(before + money(5.0) + b"\n")
    assert [a.usage.cost for a in read(path, len(before)) if isinstance(a, Spent)] == [3.0]


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_from("@a", tmp_path / "gone.jsonl", 70_000)
    assert cwd_of(tmp_path / "gone.jsonl") == ""
