"""Several logs as one stream: in the order of time, from any place, whatever is done with their files meanwhile."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailcore.logs.log_file import LogFile
from mailcore.logs.merged import LogPosition, MergedLog
from mailcore.logs.patterns import log_pattern
from mailcore.logs.wanted import LogFilter
from mailcore.model.activity import Kind
from mailcore.model.log import LogEntry, LogKind, LogSource
from mailcore.observe.log_levels import parse_log_line

BASE = 1_790_000_000


def stamp(second: float) -> str:
    """As a log writes it, in local time."""
    return datetime.fromtimestamp(BASE + second).isoformat(sep=" ", timespec="milliseconds")


def source(path: Path, agent: str = "@writer") -> LogSource:
    return LogSource(str(path), agent, LogKind.OWN)


def texts(entries: tuple[LogEntry, ...]) -> list[str]:
    return ["\n".join(entry.lines) for entry in entries]


def all_before(log: MergedLog, count: int) -> list[LogEntry]:
    """Everything, from the end in pages of so many."""
    found: list[LogEntry] = []
    position = log.end
    while (page := log.before(position, count)).entries:
        found[:0], position = page.entries, page.begin
    return found


def all_after(log: MergedLog, count: int, position: LogPosition | None = None) -> list[LogEntry]:
    found: list[LogEntry] = []
    at = position or log.start
    while (page := log.after(at, count)).entries:
        found += page.entries
        at = page.end
    return found


MESSAGE = st.tuples(
    st.integers(0, 3),  # which file
    st.integers(0, 40),  # seconds since the one before it
    st.sampled_from(["INFO ok", "ERROR bad", "x" * 300, "WARNING é"]),
    st.lists(st.sampled_from(["  detail", "goes on", "", "\tat a.b(C.java:3)", "y" * 300]), max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(messages=st.lists(MESSAGE, min_size=1, max_size=120), count=st.integers(1, 50))
def test_pages_are_what_sorting_everything_gives(messages: list[tuple[int, int, str, list[str]]], count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{number}.log" for number in range(4)]
        wanted: list[tuple[float, int, int, str]] = []
        written = ["", "", "", ""]
        second = 0
        for number, (which, later, head, details) in enumerate(messages):
            second += later
            text = "\n".join([f"{stamp(second)} - {head} {number}", *details])
            wanted.append((second, which, number, text))
            written[which] += text + "\n"
        for path, text in zip(paths, written, strict=True):
            path.write_text(text)
        log = MergedLog([source(path) for path in paths])
        expected = [text for *_, text in sorted(wanted)]
        backwards = all_before(log, count)
        assert texts(tuple(backwards)) == expected
        assert all_after(log, count) == backwards
        log.close()


def test_last_page_and_the_one_before(tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_text("".join(f"{stamp(n)} INFO one {n}\n" for n in range(0, 1000, 2)))
    two.write_text("".join(f"{stamp(n)} INFO two {n}\n" for n in range(1, 1000, 2)))
    log = MergedLog([source(one), source(two)])
    page = log.last(4)
    assert [entry.at - BASE for entry in page.entries] == [996, 997, 998, 999]
    assert [entry.at - BASE for entry in log.before(page.begin, 2).entries] == [994, 995]
    assert log.after(page.begin, 4).entries == page.entries
    middle = log.at_time(BASE + 500)
    assert [entry.at - BASE for entry in log.after(middle, 2).entries] == [500, 501]
    assert [entry.at - BASE for entry in log.before(middle, 2).entries] == [498, 499]


def write(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(st.sampled_from(["write", "write 50", "rename", "copy", "remove", "half", "look"]), max_size=40))
@example(steps=["rename", "half", "copy", "write", "rename"])
def test_rotation_of_every_kind_while_following_loses_and_doubles_nothing(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "app.log"
        write(path, "before")
        log = MergedLog([source(path)])
        seen: list[str] = []
        wanted: list[str] = []
        number = 0
        open_half = False
        for step in [*steps, "look", "end"]:
            if step.startswith("write") or step == "end":
                for _ in range(50 if step == "write 50" else 1):
                    number += 1
                    if open_half:
                        wanted[-1] += f"line {number}"
                    else:
                        wanted.append(f"line {number}")
                    open_half = False
                    write(path, f"line {number}")
            elif step == "half" and not open_half:
                number += 1
                with path.open("a") as file:
                    file.write(f"half {number} ")
                wanted.append(f"half {number} ")
                open_half = True
            elif step in ("rename", "copy") and path.exists():
                for old in range(9, 0, -1):
                    if (older := path.with_name(f"app.log.{old}")).exists():
                        older.rename(path.with_name(f"app.log.{old + 1}"))
                if step == "rename":
                    path.rename(path.with_name("app.log.1"))
                    path.touch()
                elif path.stat().st_size:
                    seen += texts(log.look())
                    path.with_name("app.log.1").write_bytes(path.read_bytes())
                    os.truncate(path, 0)
                open_half = False
            elif step == "remove" and path.exists():
                seen += texts(log.look())
                path.unlink()
                open_half = False
            else:
                seen += texts(log.look())
        for _ in range(3):
            seen += texts(log.look())
        assert sorted(seen) == sorted(wanted)
        log.close()


@settings(max_examples=60, deadline=None)
@given(messages=st.lists(MESSAGE, min_size=1, max_size=200), which=st.sampled_from(["errors", "grep", "both", "time"]))
def test_what_is_wanted_is_found_from_both_sides(messages: list[tuple[int, int, str, list[str]]], which: str) -> None:
    wanted = LogFilter(
        errors=which in ("errors", "both"),
        pattern=log_pattern(r"bad 1|\bok \d+$") if which in ("grep", "both") else None,
        begin=BASE + 500.0 if which == "time" else 0.0,
    )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "app.log"
        second = 0
        parts = []
        for number, (_, later, head, details) in enumerate(messages):
            second += later
            parts.append("\n".join([f"{stamp(second)} - {head} {number}", *details]))
        path.write_text("\n".join(parts))
        log = MergedLog([source(path)])
        everything = log.last(1000).entries
        expected = [entry for entry in everything if wanted.wants(entry)]
        assert list(log.last(1000, wanted).entries) == expected
        assert list(log.after(log.start, 1000, wanted).entries) == expected
        log.close()


def test_no_error_is_passed_over() -> None:
    lines = Path(__file__).parent.parent.joinpath("log_lines.txt").read_text().splitlines()
    candidates = LogFilter(errors=True).candidates
    assert candidates is not None
    found = [line[2:] for line in lines if line[1:2] == "\t" and parse_log_line(line[2:]).kind is Kind.ERROR]
    assert len(found) > 50 and [line for line in found if candidates.first(line.encode()) < 0] == []


LINE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"", b"\0" * 5000, b"x" * 20_000, b"\tat a.b(c)", b"ValueError: x", b"plain"]),
    st.integers(0, 3000).map(lambda second: f"{stamp(second)} - a - INFO - b".encode()),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(LINE, max_size=100), repeated=st.integers(1, 20), count=st.integers(1, 30))
def test_every_line_of_any_file_is_in_one_entry(lines: list[bytes], repeated: int, count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "app.log"
        path.write_bytes(b"\n".join(line.replace(b"\n", b"") for line in lines * repeated))
        log = MergedLog([source(path)])
        rows = LogFile(path).rows(0, 10_000)
        for entries in (all_before(log, count), all_after(log, count)):
            assert [entry.offset for entry in entries] == sorted(entry.offset for entry in entries)
            assert sum(len(entry.lines) for entry in entries) == len(rows)
            begins = {row.offset: number for number, row in enumerate(rows)}
            number = 0
            for entry in entries:
                assert begins[entry.offset] == number
                number += len(entry.lines)
        log.close()
