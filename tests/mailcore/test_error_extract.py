"""Errors found in lines, each once, whatever the lines are."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.errors.extract import ErrorExtractor, error_in_text
from mailcore.errors.fingerprint import fingerprint
from mailcore.model.error_group import ErrorEvent, ErrorOrigin, Severity, StackFrame
from tests.mailcore.test_log import BLOCKS

NOW = 1_900_000_000.0


def found(*lines: str | bytes, extractor: ErrorExtractor | None = None) -> list[ErrorEvent]:
    extractor = extractor or ErrorExtractor("@a")
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    offsets = [sum(len(one) + 1 for one in raw[:number]) for number in range(len(raw))]
    return [*extractor.feed(list(zip(offsets, raw, strict=True)), NOW), *extractor.flush()]


TITLES = {
    "python": "ValueError: x",
    "chained": "KeyError: 'y'",
    "rust": "panicked: index out of bounds: the len is 3 but the index is 5",
    "go": "panic: runtime error: index out of range [5] with length 3",
    "node": "TypeError: x is not a function",
    "java": "java.io.IOException: gone",
    "logged": "ValueError: x",
}


@pytest.mark.parametrize("name", TITLES)
def test_what_one_event_wrote_in_many_lines_is_one_error(name: str) -> None:
    text = BLOCKS[name][0]
    (event,) = found("before", *text.split("\n"), "after")
    assert event.title == TITLES[name] and event.offset == len("before") + 1
    assert event.sample[0] == text.split("\n")[0]


def test_frames_are_as_the_traceback_writes_them_the_innermost_last() -> None:
    (event,) = found(*BLOCKS["python"][0].split("\n"))
    assert event.frames == (StackFrame("a.py", 3, "<module>"), StackFrame("a.py", 2, "main"))
    assert (event.kind, event.severity) == ("python", Severity.FATAL)


def test_warnings_are_a_count() -> None:
    extractor = ErrorExtractor("@a")
    assert not found("[WARN] slow", "a.py:3: UserWarning: x", "[INFO] fine", "warning: old", extractor=extractor)
    assert extractor.warnings == 3


def test_the_same_error_elsewhere_has_the_same_fingerprint() -> None:
    first, second = (
        found(*text.split("\n"))[0]
        for text in (
            'Traceback (most recent call last):\n  File "/home/ann/p/src/a.py", line 3, in f\nValueError: bad id 17',
            'Traceback (most recent call last):\n  File "/Users/bo/w/src/a.py", line 9, in f\nValueError: bad id 9',
        )
    )
    assert fingerprint(first) == fingerprint(second) and len(fingerprint(first)) == 12


def test_a_text_of_a_failed_tool_is_one_error() -> None:
    event = error_in_text("Exit code 1\n" + BLOCKS["python"][0], NOW, "@a")
    assert (event.title, event.origin) == ("ValueError: x", ErrorOrigin.TOOL)
    assert error_in_text("Exit code 3\nit is not so", NOW, "@a").title == "it is not so"
    assert error_in_text("", NOW, "@a", origin=ErrorOrigin.RESULT).kind == "result"


ROWS = [row.encode() for text, _ in BLOCKS.values() for row in text.split("\n")]


@given(st.lists(st.binary(max_size=200) | st.sampled_from(ROWS), max_size=60), st.data())
def test_the_same_errors_are_found_however_the_lines_come(lines: list[bytes], data: st.DataObject) -> None:
    numbered = list(enumerate(lines))
    whole = ErrorExtractor("@a")
    wanted = [*whole.feed(numbered, NOW), *whole.flush()]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=8)))
    parts, given_events = ErrorExtractor("@a"), []
    for begin, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        given_events += parts.feed(numbered[begin:end], NOW)
    given_events += parts.flush()
    assert given_events == wanted and parts.warnings == whole.warnings
    for event in wanted:
        assert len(fingerprint(event)) == 12 and "\n" not in event.title and len(event.sample) <= 60


HOSTILE: dict[str, bytes] = {
    "spaces": b" ",
    "spaces after a level": b"ERROR \t ",
    "quotes": b"\"'`",
    "open quotes": b'error: "\\',
    "brackets": b"[error ",
    "dots": b"a.B",
    "colons": b"error: ",
    "slashes": b"fail/",
    "escapes": b"\x1b[",
    "returns": b"err\r",
    "frames": b"    at a (",
    "bars": b"| error | ",
    "digits": b"1234567890-e",
    "dashes": b"ERROR - ",
    "json": b'{"error":',
}


def seconds(extractor_lines: Iterable[bytes]) -> float:
    begin = time.process_time()
    for event in found(*extractor_lines):
        fingerprint(event)
    return time.process_time() - begin


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_no_line_takes_more_than_its_length_wants(unit: bytes) -> None:
    def line(size: int) -> list[bytes]:
        raw = unit * (size // len(unit))
        return [raw, b"Traceback (most recent call last):", raw, b"E   " + raw, b"panic: " + raw, raw]

    def least(size: int) -> float:
        return min(seconds(line(size)) for _ in range(3))

    assert least(2_000_000) <= 3 * max(least(1_000_000), 0.01)
