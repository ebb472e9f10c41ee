"""What a line of a log says: its level in every common form, its time, and one event of many lines as one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.observe.log_levels import parse_log_line
from mailcore.observe.log_lines import LogLineReader
from mailcore.text import line

NOW = 1_900_000_000.0
LABELS = {"E": Kind.ERROR, "W": Kind.WARNING, "L": Kind.LOG}
HELD_OUT = "# --- held out"


def told(*lines: str | bytes, log: LogLineReader | None = None) -> list[Activity]:
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    return list((log or LogLineReader("@a")).read(raw, NOW))


def said(*lines: str | bytes) -> list[tuple[str, str]]:
    return [(one.kind.value, one.text) for one in told(*lines)]


def kind_of(line: str) -> Kind:
    """Its level, once what follows shows that it is over."""
    return told(line, "and on it goes")[0].kind


def labelled() -> list[tuple[bool, Kind, str]]:
    held_out, rows = False, []
    for row in Path(__file__).with_name("log_lines.txt").read_text().splitlines():
        held_out |= row.startswith(HELD_OUT)
        label, tab, line = row.partition("\t")
        if tab:
            rows.append((held_out, LABELS[label], line))
    return rows


@pytest.mark.parametrize(("held_out", "least_precision", "least_recall"), [(False, 1.0, 0.97), (True, 0.95, 0.75)])
def test_levels_of_labelled_lines(held_out: bool, least_precision: float, least_recall: float) -> None:
    rows = [(wanted, line, kind_of(line)) for part, wanted, line in labelled() if part is held_out]
    right = sum(wanted is found and found is not Kind.LOG for wanted, _, found in rows)
    found, wanted = (sum(row[place] is not Kind.LOG for row in rows) for place in (2, 0))
    wrong = [row for row in rows if row[0] is not row[2]]
    print(f"\n{len(rows)} lines{', held out' if held_out else ''}: precision {right / found:.2f}, "
          f"recall {right / wanted:.2f}; {wrong}")  # fmt: skip
    assert right / found >= least_precision and right / wanted >= least_recall


def test_there_are_enough_lines() -> None:
    assert len(labelled()) >= 240 and sum(part for part, _, _ in labelled()) >= 40


TRACEBACK = """Traceback (most recent call last):
  File "a.py", line 3, in <module>
    main()
  File "a.py", line 2, in main
    raise ValueError("x")
ValueError: x"""
CHAINED = f"""{TRACEBACK}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 9, in <module>
    raise KeyError("y")
KeyError: 'y'"""
RUST = """thread 'main' panicked at src/main.rs:2:5:
index out of bounds: the len is 3 but the index is 5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
stack backtrace:
   0: rust_begin_unwind
             at /rustc/x/library/std/src/panicking.rs:645:5"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
	/tmp/x.go:5 +0x1b
exit status 2"""
NODE = """TypeError: x is not a function
    at Object.<anonymous> (/a/b.js:1:1)
    at Module._compile (node:internal/modules/cjs/loader:1364:14)
Node.js v18.20.0"""
JAVA = """Exception in thread "main" java.lang.IllegalStateException: closed
	at com.x.Y.run(Y.java:3)
Caused by: java.io.IOException: gone
	... 5 more"""
LOGGED = f"2026-11-22 01:03:29,123 - app - ERROR - it broke\n{TRACEBACK}"
BLOCKS = {
    "python": (TRACEBACK, "ValueError: x"),
    "chained": (CHAINED, "KeyError: 'y'"),
    "rust": (RUST, "index out of bounds: the len is 3 but the index is 5 (panicked at src/main.rs:2:5)"),
    "go": (GO, "panic: runtime error: index out of range [5] with length 3"),
    "node": (NODE, "TypeError: x is not a function"),
    "java": (JAVA, "java.lang.IllegalStateException: closed"),
    "logged": (LOGGED, "it broke"),
}


@pytest.mark.parametrize(("text", "event"), BLOCKS.values(), ids=BLOCKS)
def test_what_one_event_wrote_in_many_lines_is_one(text: str, event: str) -> None:
    lines = ["before", *text.split("\n"), "after"]
    assert said(*lines) == [("log", "before"), ("error", event), ("log", "after")]


@pytest.mark.parametrize(("text", "event"), BLOCKS.values(), ids=BLOCKS)
def test_it_is_one_however_it_comes(text: str, event: str) -> None:
    """Each line at a time of its own. The chained one's first half is told by then."""
    log = LogLineReader("@a")
    found = [one for line in [*text.split("\n"), "after"] for one in told(line, log=log)]
    errors = [one.text for one in found if one.kind is Kind.ERROR]
    assert errors == [event if text is not CHAINED else "ValueError: x"]
    assert [one.text for one in found if one.kind is Kind.LOG] == ["after"]


def test_a_traceback_that_is_cut_off_keeps_nothing_back() -> None:
    cut = TRACEBACK.split("\n")[:3]
    assert said(*cut, "[INFO] on") == [("error", "Traceback (most recent call last):"), ("log", "on")]
    assert said(*cut) == []  # its end is still to come


def test_two_events_are_two() -> None:
    found = said(*TRACEBACK.split("\n"), "up again", *TRACEBACK.split("\n"), "ERROR:root:third")
    assert [kind for kind, _ in found] == ["error", "log", "error", "error"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"10 %\r20 %\r30 %", "30 %"),
        (b"\rdone\r", "done"),
        (b"\0\0\0\0after a hole", "after a hole"),
        (b"\0" * 9000 + b"far", "far"),
        (b"x" * 20 + b"\r" + b"last" * 3, "last" * 3),
    ],
)
def test_a_line_is_what_a_terminal_shows_of_it(raw: bytes, text: str) -> None:
    assert [one.text for one in told(raw)] == [text]


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("2026-11-22T01:03:29Z x", 1795309409.0),
        ("[2026-11-22T01:03:29.5Z] [ERROR] x", 1795309409.5),
        ("2026-11-22 02:03:29.123456789+01:00 x", 1795309409.123456),
        ('{"level":"error","time":1795309409000,"msg":"x"}', 1795309409.0),
        ('{"level":"error","ts":1795309409.5,"msg":"x"}', 1795309409.5),
        ("time=2026-11-22T01:03:29Z level=info msg=x", 1795309409.0),
        ("01:03:29 x", 0.0),
        ("9999-99-99 99:99:99 x", 0.0),
        ("x 2026-11-22T01:03:29Z", 0.0),
    ],
)
def test_a_lines_own_time(line: str, at: float) -> None:
    assert parse_log_line(line).at == pytest.approx(at)
    assert told(line, "on")[0].at == (pytest.approx(at) if at else NOW)


def test_of_a_backlog_a_line_without_a_time_was_at_most_then() -> None:
    lines = [b"first", b"2026-11-22 10:00:00 ERROR db is away", b"second", b"last"]
    first, error, second, last = LogLineReader("@a").read(lines, NOW, backlog=True)
    assert [one.before for one in (first, error, second, last)] == [True, False, True, False]
    assert (error.at, last.at) == (parse_log_line("2026-11-22 10:00:00 ERROR db is away").at, NOW)
    assert not any(one.before for one in told("first", "last")), "what comes has the time at which it came"


def test_no_line_is_later_than_now() -> None:
    assert told("2099-01-01T00:00:00Z x")[0].at == NOW


ROWS = [row.encode() for row in (LOGGED + CHAINED + GO).split("\n")]


@example([b"!  !"])
@given(st.lists(st.binary(max_size=300) | st.sampled_from(ROWS)))
def test_any_bytes_are_told_harmlessly(lines: list[bytes]) -> None:
    for one in told(*[raw.replace(b"\n", b"") for raw in lines]):
        assert one.text == line(one.text) and len(one.text) <= 200 and one.at <= NOW


@pytest.mark.parametrize("text", ["(" * 6400, " " + "a.b:" * 1600, "\t" * 6000 + "x", "[" * 6000, "a - " * 1600])
def test_no_line_takes_long(text: str) -> None:
    """After an error, where most forms are tried; a tenth of a second is a hundred times what the longest takes."""
    log = LogLineReader("@a")
    told("ERROR:root:x", log=log)
    began = time.process_time()
    told(text, log=log)
    assert time.process_time() - began < 0.1
