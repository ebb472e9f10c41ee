"""Today's use in a session file, before the place where the live tail began: found by bisection, read bit by bit."""

from __future__ import annotations

import json
import os
import tempfile
import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailcore.model.usage import Spent, Usage
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.session_reader import SessionReader
from mailcore.observe.usage_backlog import UsageBacklog, first_at
from mailcore.programs.claude.sessions import ClaudeSessions
from mailcore.programs.session_files import timestamp_of
from mailcore.programs.transcript_reader import Counted
from mailcore.system.open_files import OpenFiles
from tests.mailcore.session_lines import BEGAN, backlog, counted_before, line, money, read_from, said, text

DAY = 86400.0


def write(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(raw + b"\n" for raw in lines))


def everything(backlog: UsageBacklog, limit: int) -> list[Spent]:
    found: list[Spent] = []
    while not backlog.done:
        found += backlog.read(limit)
    return found


GAPS = st.sampled_from([0.0, 0.001, 1.0, 600.0, DAY / 2])
STEPS = st.lists(st.tuples(GAPS, st.sampled_from(["money", "message", "other"]), st.sampled_from([0, 300, 70_000])))


def built(steps: list[tuple[float, str, int]]) -> list[bytes]:
    """Lines whose times only grow, some without a time, of very different lengths; the first is a message."""
    at = BEGAN
    lines = [said(at, "first", text("x"))]
    for n, (gap, what, size) in enumerate(steps):
        at += gap
        if what == "money":
            lines.append(money(n / 10))
        else:
            message = said(at, f"m{n}", text("x" * size))
            lines.append(message if what == "message" else line(at, "attachment", about="x" * size))
    return lines


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(0, 41), st.floats(BEGAN - DAY, BEGAN + 20 * DAY), st.integers(1, 5000))
@example(
    [(DAY / 2, "money", 0), (DAY / 2, "message", 70_000), (1.0, "other", 0), (0.0, "money", 0)], 5, BEGAN + DAY + 1, 1
)
def test_it_tells_what_reading_all_of_it_tells(
    steps: list[tuple[float, str, int]], count: int, since: float, limit: int
) -> None:
    """Up to any line, in pieces of any size: each message of the day once, and none of another."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "5e55.jsonl"
        lines = built(steps)
        write(path, lines)
        until = sum(len(raw) + 1 for raw in lines[:count])
        whole = read_from("@a", path, 0)
        spent = [one for raw in lines[:count] for one in whole.spent(raw, BEGAN + 99 * DAY)]
        found = everything(backlog("@a", path, since, until), limit)
        assert found == [one for one in spent if one.at >= since]


@settings(max_examples=150, deadline=None)
@given(STEPS, st.floats(BEGAN - DAY, BEGAN + 20 * DAY))
def test_the_first_line_of_a_day_is_the_first_one(steps: list[tuple[float, str, int]], since: float) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "5e55.jsonl"
        lines = built(steps)
        write(path, lines)
        with path.open("rb") as file:
            found = first_at(file, since, path.stat().st_size, timestamp_of)
        reader = read_from("@a", path, 0)
        before = [one for raw in path.read_bytes()[:found].splitlines() for one in reader.spent(raw, BEGAN + 99 * DAY)]
        after = path.read_bytes()[found:]
        assert [one for one in before if one.at >= since] == []
        assert found == 0 or path.read_bytes()[found - 1 : found] == b"\n"
        timed = next((raw for raw in after.splitlines() if b'"timestamp"' in raw), b"")
        assert timed == next((raw for raw in lines if b'"timestamp"' in raw and _at(raw) >= since), b"")


def _at(raw: bytes) -> float:
    return datetime.fromisoformat(json.loads(raw)["timestamp"]).timestamp()


def test_backlog_and_live_tail_together_are_the_whole_day(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    old = [said(BEGAN + n, f"old{n}", text("x" * 400)) for n in range(500)]
    new = [said(BEGAN + DAY + n, f"new{n // 2}", text("x" * 400), output=n + 1) for n in range(800)]
    write(path, [*old, money(5.0), *new[:600], money(6.0), *new[600:], money(8.0)])
    since = BEGAN + DAY
    total = sum((s.usage for s in everything(backlog("@a", path, since, path.stat().st_size), 1 << 20)), Usage())
    assert total == Usage(400 * 100, sum(range(2, 801, 2)), 400 * 20, 400 * 10, 3.0)
    lines = path.read_bytes().splitlines()
    for count in (0, 501, 502, 777, 1101, 1102, 1302):
        start = sum(len(raw) + 1 for raw in lines[:count])
        live = read_from("@a", path, start, counted_before(path, start))
        told = [s for raw in lines[count:] for s in live.spent(raw, BEGAN + 9 * DAY) if s.at >= since]
        found = everything(backlog("@a", path, since, start), 4096)
        assert sum((s.usage for s in [*found, *told]), Usage()) == total, count


def test_a_line_of_another_day_among_todays_is_not_todays(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    todays = [said(BEGAN + DAY + n, f"m{n}") for n in range(10)]
    write(path, [*todays[:8], said(BEGAN, "copied"), *todays[8:]])
    found = everything(backlog("@a", path, BEGAN + DAY, path.stat().st_size), 1 << 20)
    assert [one.at - BEGAN - DAY for one in found] == list(range(10))


def test_a_message_that_was_copied_into_a_second_file_counts_once(tmp_path: Path) -> None:
    counted = Counted(100)
    for name, expected in (("5e55.jsonl", 1), ("fork.jsonl", 0)):
        write(tmp_path / name, [said(BEGAN, "m1")])
        size = (tmp_path / name).stat().st_size
        assert len(everything(backlog("@a", tmp_path / name, BEGAN, size, counted), 1 << 20)) == expected


def test_a_read_costs_what_it_may(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    write(path, [said(BEGAN + n, f"m{n}", text("x" * 200)) for n in range(100)])
    size = len(path.read_bytes()) // 100
    whole = backlog("@a", path, BEGAN, path.stat().st_size)
    assert [len(whole.read(limit)) for limit in (1, size * 10, size * 20)] == [1, 10, 20]
    assert not whole.done
    assert len(whole.read(1 << 20)) == 69 and whole.done and whole.read(1 << 20) == []


def test_a_file_that_goes_or_shrinks_is_done(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    gone = backlog("@a", path, BEGAN, 1000)
    assert gone.read(1 << 20) == [] and gone.done
    write(path, [said(BEGAN, f"m{n}", text("x")) for n in range(10)])
    shrunk = backlog("@a", path, BEGAN, path.stat().st_size)
    assert len(shrunk.read(1)) == 1
    path.write_bytes(b"")
    assert shrunk.read(1 << 20) == [] and shrunk.done


@pytest.mark.parametrize("junk", [b"", b"\n\n\n", b"no json\n" * 50, b'{"timestamp": 7}\n' * 50, b"x" * 300_000])
def test_a_file_without_times_tells_nothing(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "5e55.jsonl"
    path.write_bytes(junk)
    assert everything(backlog("@a", path, BEGAN, len(junk)), 1000) == []


def test_a_file_with_a_hole_without_end_is_given_up_soon(tmp_path: Path) -> None:
    path = tmp_path / "5e55.jsonl"
    write(path, [said(BEGAN, "m1", text("x"))])
    os.truncate(path, 1 << 40)
    began = time.process_time()
    assert backlog("@a", path, BEGAN + DAY, 1 << 40).read(1 << 20) == []
    assert time.process_time() - began < 5


@pytest.mark.parametrize("before", [0, 1])
def test_a_line_that_is_still_being_written_is_counted_once_it_is_whole(tmp_path: Path, before: int) -> None:
    """In a file that is counted and not followed; also where it is the file's first line."""
    path = tmp_path / "5e55.jsonl"
    now = time.time()
    earlier = b"".join(said(now, f"m{n}", text("x")) + b"\n" for n in range(before))
    last = said(now, "last", text("x")) + b"\n"
    path.write_bytes(earlier + last[:-20])
    sessions = SessionReader("@a", OpenFiles(), Deduplicator())
    sessions.count(path, ClaudeSessions(tmp_path))
    assert len(sessions.catch_up(1 << 20)[0]) == before
    path.write_bytes(earlier + last)
    sessions.count(path, ClaudeSessions(tmp_path))
    assert len(sessions.catch_up(1 << 20)[0]) == 1
