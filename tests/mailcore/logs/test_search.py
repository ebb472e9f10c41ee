from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.logs import near, search
from mailcore.logs.log_file import LogFile
from mailcore.logs.patterns import gnu_grep
from mailcore.logs.search import LogSearch

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
    r"took\s\d+?ms", r"\x00",
]  # fmt: skip


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.001)


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
    monkeypatch.setattr(near, "LOOK_SECONDS", 30.0)
    monkeypatch.setattr(near, "FIRST_LOOK", 16)
    monkeypatch.setattr(search, "DENSE", 10_000 if request.param == "counted" else 0)
    monkeypatch.setattr(search, "MAX_BATCH", 16)


@settings(max_examples=25, deadline=None)
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


@pytest.fixture
def no_grep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Where grep is BusyBox's, or none."""
    gnu_grep.cache_clear()
    (tmp_path / "bin").mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"))
        assert gnu_grep() == ""
        yield
    gnu_grep.cache_clear()
