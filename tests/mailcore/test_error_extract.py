"""Errors found in lines, each once, whatever the lines are."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.errors.extract import ErrorExtractor
from mailcore.errors.fingerprint import fingerprint
from mailcore.errors.line_text import carried
from mailcore.errors.one_text import error_in_text
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
            'Traceback (most recent call last):\n  File "/srv/ann/p/src/a.py", line 3, in f\nValueError: bad id 17',
            'Traceback (most recent call last):\n  File "/opt/bo/w/src/a.py", line 9, in f\nValueError: bad id 9',
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


def test_the_lines_of_two_writers_are_told_apart() -> None:
    first, second = BLOCKS["python"][0].split("\n"), BLOCKS["node"][0].split("\n")
    mixed = [
        f"{name}  | {line}"
        for pair in zip(first, second, strict=False)
        for name, line in zip(("a", "b"), pair, strict=True)
    ]
    mixed += [f"a  | {line}" for line in first[len(second) :]]
    assert sorted(event.title for event in found(*mixed)) == ["TypeError: x is not a function", "ValueError: x"]


@pytest.mark.parametrize("name", ["python", "chained", "node", "java", "go", "logged"])
def test_a_line_of_another_logger_does_not_end_a_traceback(name: str) -> None:
    lines = BLOCKS[name][0].split("\n")
    (wanted,) = found(*lines)
    other = "2026-11-23 01:03:02,123 - heartbeat - INFO - alive, 14 jobs"
    for place in range(2, min(len(lines), 7)):
        (event,) = found(*lines[:place], other, *lines[place:])
        assert fingerprint(event) == fingerprint(wanted), place


def test_an_error_of_another_logger_within_a_traceback_is_its_own() -> None:
    lines = BLOCKS["python"][0].split("\n")
    titles = [event.title for event in found(*lines[:2], "2026-11-23 01:03:02 - b - ERROR - it broke", *lines[2:])]
    assert sorted(titles) == ["ValueError: x", "it broke"]


def test_of_a_chain_the_cause_is_told_where_it_was_said_to_be_the_cause() -> None:
    chained = BLOCKS["chained"][0]
    cause = "The above exception was the direct cause of the following exception:"
    assert [event.title for event in found(*chained.split("\n"))] == ["KeyError: 'y'"]
    direct = [cause if line.startswith("During") else line for line in chained.split("\n")]
    assert [event.title for event in found(*direct)] == ["ValueError: x"]


def test_an_error_has_the_time_of_its_line() -> None:
    (event,) = found("2026-11-22T01:03:29Z ERROR it broke")
    assert event.at == 1_795_309_409.0
    (late,) = found("2999-11-22T01:03:29Z ERROR it broke")
    assert late.at == NOW, "none is later than when it was read"


def test_the_stack_of_a_record_is_read() -> None:
    (event,) = found('{"level":"error","msg":"failed","stack":"RangeError: too far\\n    at go (/a/b.js:1:2)"}')
    assert (event.kind, event.title) == ("node", "RangeError: too far")
    assert event.frames == (StackFrame("/a/b.js", 1, "go"),)
    (fatal,) = found('{"level":60,"msg":"dying"}')
    assert fatal.severity is Severity.FATAL


def test_what_follows_from_an_error_is_no_other() -> None:
    found_once = found(
        "src/main.c:3:5: error: 'x' undeclared",
        "make[1]: *** [Makefile:3: main.o] Error 1",
        "make[1]: Leaving directory '/a'",
        "make: *** [Makefile:1: all] Error 2",
        "collect2: error: ld returned 1 exit status",
    )
    assert [event.kind for event in found_once] == ["native", "make"]
    assert [event.title for event in found("error: could not compile `app`")] == ["error: could not compile `app`"]


def test_what_pytest_repeats_in_its_summary_is_told_once_and_again_in_the_next_run() -> None:
    section = ["= FAILURES =", "_____ test_a _____", "E   ValueError: x", "", "tests/test_a.py:3: ValueError"]
    summary = ["=========== short test summary info ===========", "FAILED tests/test_a.py::test_a - ValueError: x"]
    assert len(found(*section, *summary)) == 1
    assert len(found(*section, *summary, *summary)) == 2


def test_what_is_kept_of_an_error_is_bounded() -> None:
    frames = [f'  File "/{"a" * 450}.py", line {n}, in f{n}' for n in range(3000)]
    (event,) = found("Traceback (most recent call last):", *frames, "    " + "x" * 900, "ValueError: x")
    assert event.title == "ValueError: x"
    assert len(event.sample) <= 60 and sum(len(line.encode()) for line in event.sample) <= 16_384
    assert len(event.frames) == 100 and (event.frames[0].function, event.frames[-1].function) == ("f0", "f2999")
    (short,) = found("ERROR it broke", *(f"  {'x' * 900} {n}" for n in range(20)))
    assert len(short.sample) == 21 and max(map(len, short.sample)) == 500


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


HEADS = (
    "", "error: ", "panic: ", "    at ", '  File "', "goroutine 1 [", "E   ", "npm ERR! ", "FAILED a.py::", "___ ",
    "src/a.c:1:2: error: ", "==1==ERROR: AddressSanitizer: ", "    #0 0x1 in ", "thread 'a' panicked at ", " --> ",
    "error[E0001]: ", "   1: ", "ERROR ", "2026-11-22 01:03:29 ERROR ", "web-1 | ", "Nov 22 01:03:29 ", "  | ",
    '{"level":"error","msg":"', 'Exception in thread "', "\tat a.b.C.d(", "  ● ", " FAIL  a.ts > ", "not ok 1 ", "  +-",
    "make: *** [", "a.ts(1,2): error TS1: ", "CONFLICT (", " ! [rejected] ", "a.sh: line 1: ", "ls: ", "a.rb:1:in `",
    "PHP Fatal error:  ", "#0 ", "Out of memory: Killed process 1 (", "terminate called ", "x: a.c:1: f: Assertion ",
    "│ ", 'level=error msg="', "** (A) ", "API Error: {",
)  # fmt: skip
UNITS = (
    "a",
    " ",
    "a.",
    "a:",
    "/a",
    "A.",
    "1:",
    "1.",
    "--",
    "'",
    '"',
    "`",
    "(",
    "()",
    "[",
    "{",
    "| ",
    "\t",
    "::",
    "a-1",
    "é",
)
MOST = 0.25
"""Seconds of CPU for a few lines, each of which takes one or two milliseconds: a pattern that tries all ways would take
minutes."""


@pytest.mark.parametrize("head", HEADS)
def test_no_pattern_tries_all_ways(head: str) -> None:
    for unit in UNITS:
        raw = ((head + unit * (2500 // len(unit)))[:1900] + "!").encode()
        assert seconds([raw, raw, raw]) < MOST, unit


@pytest.mark.parametrize(("line", "own"), [
    ("2026-11-22 01:03:29,123 - app.main - ERROR - no such host", None),
    ("[2026-11-22 01:03:29] - app - ERROR - no such host", None),
    ("01:03:29 - app - ERROR - no such host", None),
    ("01:03:29 | ERROR    | app:main:3 - no such host", None),
    ("2026-11-22T01:03:29Z ERROR no such host", "ERROR no such host"),
    ("[01:03:29] - no such host", "- no such host"),
    ("2026-11-22 01:03:29 (1, 60) - no such host", "(1, 60) - no such host"),
])  # fmt: skip
def test_a_time_that_a_log_s_own_form_begins_with_is_no_carrier_s(line: str, own: str | None) -> None:
    assert carried(line) == ("", line if own is None else own)
