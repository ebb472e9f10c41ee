from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailcore.exceptions import UsageError
from mailcore.logs import near, patterns, search
from mailcore.logs.log_file import LogFile
from mailcore.logs.patterns import gnu_grep, highlights, log_pattern
from mailcore.logs.search import LogSearch
from tests.mailcore.conftest import wait_until

WORDS = [
    b"Error",
    b"error",
    b"warn",
    b"took 12ms",
    b"\x00",
    b"\xff\xfe",
    b"\x1b[31m",
    "äÖ字".encode(),
    b" ",
    b"-e",
    b"\r",
]
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(b"".join), max_size=40)
PATTERNS = [
    "Error", "error", "rror|warn", "[0-9]+ms", "^$", "^error$", r"\d\d", r"\bwarn\b", "-e", "e.*m", "(?i)ERROR",
    r"(r)\1", "r(?=o)", "a{2,}|r{2}", "[äö]", "字", "ö", r"\[31m", "", "(?P<n>E)rror", "w(?:a)r", ".", "r$",
    r"took\s\d+?ms", r"\x00", "r{,2}o",
]  # fmt: skip


def until(what: Callable[[], bool]) -> None:
    wait_until(what, 60, "it is through")


def expected(contents: bytes, pattern: str) -> list[int]:
    """Where the lines begin that Python finds: of bytes, or of characters where the pattern has others than ASCII."""
    flags = 0 if re.search("[A-ZÄÖ]", re.sub(r"\\.|\(\?P?.|(?<=\(\?P<)\w+", "", pattern)) else re.IGNORECASE
    found, at = [], 0
    *lines, last = contents.split(b"\n")
    for line in [*lines, *([last] if last else [])]:
        if pattern.isascii():
            hit = re.search(pattern.encode(), line, flags) is not None
        else:
            hit = re.search(pattern, line.decode("utf-8", "surrogateescape"), flags) is not None
        found += [at] if hit else []
        at += len(line) + 1
    return found


def hits(one: LogSearch, size: int) -> tuple[list[int], list[int]]:
    """All of them, walked forwards and backwards."""
    forwards, at = [], 0
    while (hit := one.next(at)) is not None:
        forwards.append(hit)
        at = hit + 1
    backwards, at = [], size + 1
    while (hit := one.before(at)) is not None:
        backwards.append(hit)
        at = hit
    return forwards, backwards[::-1]


def compare(one: LogSearch, contents: bytes, pattern: str) -> None:
    until(lambda: one.done)
    wanted = expected(contents, pattern)
    assert one.error == ""
    assert one.progress == 1.0
    assert one.count == len(wanted)
    assert hits(one, len(contents)) == (wanted, wanted)
    assert [one.number_of(hit) for hit in wanted] == list(range(1, len(wanted) + 1))


@pytest.fixture(params=["counted", "kept"])
def dense(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With small parts; hits are only counted wherever they can be, or all kept."""
    monkeypatch.setattr(near, "KNOWN_SECONDS", 30.0)
    monkeypatch.setattr(near, "FIRST_LOOK", 16)
    monkeypatch.setattr(search, "DENSE", 10_000 if request.param == "counted" else 0)
    monkeypatch.setattr(search, "MAX_BATCH", 16)


@settings(max_examples=40, deadline=None)
@example(first=[b"Error"], more=[b"Error"], ended=False, pattern="Error")
@given(first=LINES, more=LINES, ended=st.booleans(), pattern=st.sampled_from(PATTERNS))
def run(directory: Path, first: list[bytes], more: list[bytes], ended: bool, pattern: str) -> None:
    path = directory / "a.log"
    contents = b"\n".join(first) + b"\n" * ended
    path.write_bytes(contents)
    one = LogSearch(LogFile(path), pattern)
    compare(one, contents, pattern)
    contents += b"\n".join(more)
    path.write_bytes(contents)
    one.follow()
    compare(one, contents, pattern)
    path.write_bytes(b"")
    one.follow()
    compare(one, b"", pattern)
    one.close()


@pytest.mark.skipif(not gnu_grep(), reason="GNU grep is not installed")
@pytest.mark.usefixtures("dense")
def test_hits_are_those_of_python_while_the_log_grows_and_is_cut(tmp_path: Path) -> None:
    run(tmp_path)
    assert list(tmp_path.iterdir()), "it was played"


@pytest.fixture
def no_grep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Where grep is BusyBox's, or none."""
    gnu_grep.cache_clear()
    (tmp_path / "bin").mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"))
        patch.setattr(near, "KNOWN_SECONDS", 30.0)
        assert gnu_grep() == ""
        yield
    gnu_grep.cache_clear()


@pytest.mark.usefixtures("no_grep")
def test_without_grep_python_finds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    contents = b"".join(b"%d Error \xff\n" % n if n % 7 else b"calm \xc3\xb6\n" for n in range(14)) + b"Error, no end"
    path.write_bytes(contents)
    for pattern, count in (("Error", 13), ("ö", 2)):
        one = LogSearch(LogFile(path), pattern)
        compare(one, contents, pattern)
        assert one.count == count
        one.close()


INVALID = [
    "(",
    "[a",
    "*a",
    "a{2",
    "(?P<n>a",
    r"\1",
    "(?z)",
    "a\nb",
    "a\0b",
    "a{99999999999}",
    "(" * 500,
    r"\q",
    "(?<=a*)b",
]


@pytest.mark.parametrize("pattern", [one for one in INVALID if one != "a{2"])
def test_an_invalid_pattern_is_said_in_words_before_anything_starts(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x\n")
    with pytest.raises(UsageError, match="pattern"):
        LogSearch(LogFile(tmp_path / "a.log"), pattern)


def test_a_pattern_is_no_option_and_no_shell_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"--version\n$(touch x)\n; touch x\n-f/etc/passwd\n")
    for pattern in ("--version", r"\$\(touch x\)", "; touch x", "-f/etc/passwd", "--", "-"):
        one = LogSearch(LogFile(path), pattern)
        compare(one, path.read_bytes(), pattern)
        one.close()
    assert [one.name for one in tmp_path.iterdir()] == ["a.log"]


@pytest.mark.skipif(not gnu_grep(), reason="GNU grep is not installed")
@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b$", "(a*)*ac"])
def test_what_keeps_an_engine_busy_is_left_to_one_that_it_does_not(pattern: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"a" * 5000 + b"x\n" + b"calm\n" + b"aaab\naaac\naaa\n")
    one = LogSearch(LogFile(path), pattern)
    until(lambda: one.done)
    assert one.error == ""
    assert one.count == 1
    one.close()


def test_a_pattern_that_no_engine_manages_is_given_up_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STALL_SECONDS", 0.2)
    path = tmp_path / "a.log"
    path.write_bytes(b"calm\n" + b"a" * 5000 + b"x\n")
    one = LogSearch(LogFile(path), r"(?:(a|aa)+)+(?=y)\1")
    until(lambda: one.done)
    assert "pattern takes too long" in one.error or "limit" in one.error
    assert one.count == 0
    one.close()


def test_closing_ends_the_child_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "gnu_grep", lambda: "")
    path = tmp_path / "a.log"
    path.write_bytes(b"a" * 100 + b"x\n")
    one = LogSearch(LogFile(path), "(a+)+$")
    until(lambda: one._child is not None)
    child = one._child
    assert child is not None
    begun = time.monotonic()
    one.close()
    assert time.monotonic() - begun < 30
    assert child._child.returncode == -9


@pytest.mark.skipif(not gnu_grep(), reason="GNU grep is not installed")
@pytest.mark.parametrize("calm", [0, 1000])
def test_a_hole_larger_than_the_memory_hides_nothing(calm: int, tmp_path: Path) -> None:
    """The second child fails, after it found some; hits are only counted at first, or all kept."""
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        file.write((b"calm\n" * calm + b"Error one\n") * 4)
        file.seek(3 << 30)
        file.write(b"\nError two\n")
        file.truncate(6 << 30)
    one = LogSearch(LogFile(path), "Error")
    until(lambda: one.done)
    assert (one.count, one.error) == (5, "")
    each = 5 * calm + 10
    assert [one.before(one.next(3 << 30) or 0), one.next(2 * each)] == [4 * each - 10, 3 * each - 10]
    one.close()


@pytest.mark.linux_only("elsewhere an open file cannot be opened once more without its name")
def test_a_rotated_log_is_searched_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"Error one\n")
    log = LogFile(path)
    path.unlink()
    path.write_bytes(b"Error two\nError three\n")
    one = LogSearch(log, "Error")
    until(lambda: one.done)
    assert one.count == 1
    one.close()


@pytest.mark.parametrize("grep", [True, False])
def test_highlights(grep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not grep:
        monkeypatch.setattr(patterns, "gnu_grep", lambda: "")
    texts = ["Error and Error", "äö Error", "", "calm", "a\rError\ud800", "Error"]
    assert highlights(log_pattern("Error"), texts, 30) == [[(0, 5), (10, 15)], [(3, 8)], [], [], [(2, 7)], [(0, 5)]]
    assert highlights(log_pattern("[äö]"), texts, 30)[1] == [(0, 1), (1, 2)]
    assert highlights(log_pattern("x*"), texts, 30) == [[] for _ in texts]


def test_highlights_of_a_hostile_pattern_are_none_soon() -> None:
    begun = time.monotonic()
    assert highlights(log_pattern(r"(?:(a|aa)+)+(?=y)\1"), ["a" * 5000 + "x"], 0.2) == [[]]
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("pattern", "ignores"),
    [
        ("error", True),
        ("Error", False),
        (r"\S+\D", True),
        (r"(?P<Name>x)", True),
        (r"\x1B", True),
        ("ä", True),
        ("Ä", False),
    ],
)
def test_case_counts_if_there_is_a_capital(pattern: str, ignores: bool) -> None:
    assert log_pattern(pattern).ignores_case is ignores


def test_a_hit_far_in_a_long_line_is_where_its_line_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "FIRST_LOOK", 16)
    monkeypatch.setattr(near, "KNOWN_SECONDS", 30.0)
    path = tmp_path / "a.log"
    path.write_bytes(b"calm\n" + b"x" * 1000 + b"Error\ncalm\n")
    log = LogFile(path)
    look = near.NearLook(log, log_pattern("Error"))
    assert look.first(0, log.size, known=True) == look.last(0, log.size, known=True) == 5
    monkeypatch.setattr(near, "LARGEST_LOOK", 16)
    assert look.first(0, log.size, known=True) == look.last(0, log.size, known=True) == 5


def test_many_searches_take_turns_and_all_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0
    lock = threading.Lock()
    batch = LogSearch._batch

    def counted(self: LogSearch, *arguments: Any) -> int | None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return batch(self, *arguments)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(LogSearch, "_batch", counted)
    path = tmp_path / "a.log"
    path.write_bytes(b"Error\n" * 1000)
    log = LogFile(path)
    searches = [LogSearch(log, "Error") for _ in range(12)]
    until(lambda: all(one.done for one in searches))
    assert [one.count for one in searches] == [1000] * 12
    assert most <= search.AT_ONCE
    for one in searches:
        one.close()


def test_a_look_that_takes_too_long_answers_nothing_rather_than_another_hit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "DENSE", 10_000)
    path = tmp_path / "a.log"
    path.write_bytes(b"Error\n" * 100)
    one = LogSearch(LogFile(path), "Error")
    until(lambda: one.done)
    assert one.before(0) is None and one.before(1) == 0
    monkeypatch.setattr(near, "KNOWN_SECONDS", -1.0)
    assert one.before(600) is None and one.next(300) is None
    one.close()
