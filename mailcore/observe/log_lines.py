"""The lines of one log → activities: each with its level, and what one event wrote in many lines as one.

A traceback or a panic is reported as the error that it is of, its frames belong to it. Its head is kept back until its
end comes, or the next line that is none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mailcore.model.activity import Activity, Kind
from mailcore.observe.activities import MAX_ACTIVITY_TEXT, neutral
from mailcore.observe.traceback_forms import CHAINED, JAVA_HEAD, PANIC, RAISED, TRACEBACK_HEAD

MAX_EVENT_LINES = 1000
"""Lines that belong to one event, at most."""

_FRAME = re.compile(
    r"\s{1,99}(?:at |File \"|in |\.\.\. \d+ more|\d+: |\^|~|\||\S.*[.:]\w+:\d+).*|Caused by: .*|created by .*|"
    r"[\w./\-]+(?:\(\*?\w+\))?[\w./\-]*\(.*\)|\[signal .*\]|exit status \d+|Node\.js v\d.*|"
    r"note: run with `RUST_BACKTRACE.*|"
    r"(?:goroutine \d+ \[.*\]|stack backtrace):"
)


class LogLineReader:
    """Reads the lines of one log as they come."""

    def __init__(self, agent: str) -> None:
        """`agent`: the address of whose log it is."""
        self._agent = agent
        self._held: Activity | None = None
        """The event whose lines are not over yet."""
        self._of_python = self._wants_text = self._from_head = False
        self._backlog = False
        """The line at hand stood there when the file was first seen, and others after it."""
        self._after_error = 0
        """How many lines more may belong to the error that was reported last."""
        self.begins = True
        """The last line began an event; else it belongs to that of the line before it."""

    def read(self, lines: Sequence[bytes], at: float, *, backlog: bool = False) -> Iterator[Activity]:
        """What the lines report; `at` is the time of those that carry none, and none is later.

        Of a `backlog`, which was there before the file was seen, it is that of the last line, and the others' at most.
        """
        for number, raw in enumerate(lines, start=1):
            text = line_as_shown(raw)
            self._backlog = backlog and number < len(lines)
            if text.strip():
                yield from self._line(text, at)
        if not self._of_python and not self._wants_text:
            yield from self._release()

    def _line(self, text: str, at: float) -> Iterator[Activity]:
        self.begins = not self._of_python and not self._wants_text
        if self._of_python:
            yield from self._in_traceback(text, at)
            return
        if self._wants_text:  # Rust says what it was on the line after where it was
            self._wants_text = False
            assert self._held is not None
            self._held = self._activity(self._held.at, Kind.ERROR, f"{text.strip()} ({self._held.text})")
            return
        belongs = self._held is not None or self._after_error > 0
        if belongs and (_FRAME.fullmatch(text) or CHAINED.fullmatch(text)):
            self._after_error, self.begins = max(0, self._after_error - 1), False
            return
        if TRACEBACK_HEAD.fullmatch(text):
            self._of_python = "Traceback" in text
            if belongs:
                self.begins = False
                return  # of the error that was reported before it
            self._from_head = True
            self._held = self._activity(at, Kind.ERROR, text.strip())
            return
        yield from self._release()
        if panic := PANIC.fullmatch(text):
            where, go = panic["where"], panic["go"]
            self._held = self._activity(at, Kind.ERROR, f"panicked at {where}" if where is not None else f"panic: {go}")
            self._wants_text = where is not None and not where.startswith(("'", '"'))
        elif java := JAVA_HEAD.fullmatch(text):
            self._held = self._activity(at, Kind.ERROR, java["text"])
        else:
            from mailcore.observe.log_levels import parse_log_line  # its patterns take 12 ms

            line = parse_log_line(text.strip())
            activity = self._activity(min(line.at or at, at), line.kind, line.text, timed=line.at > 0)
            if line.kind is Kind.ERROR:
                self._held = activity
            else:
                self._after_error = 0
                yield activity

    def _in_traceback(self, text: str, at: float) -> Iterator[Activity]:
        if text[0].isspace() or TRACEBACK_HEAD.fullmatch(text) or CHAINED.fullmatch(text):
            return
        self._of_python = False
        if not RAISED.fullmatch(text):  # it was interrupted: this line is none of it
            yield from self._release()
            yield from self._line(text, at)
        elif self._from_head and self._held is not None:
            self._held = self._activity(self._held.at, Kind.ERROR, text)

    def _release(self) -> Iterator[Activity]:
        if self._held is not None:
            yield self._held
            self._held, self._after_error, self._from_head = None, MAX_EVENT_LINES, False

    def _activity(self, at: float, kind: Kind, text: str, *, timed: bool = False) -> Activity:
        return Activity(at, self._agent, kind, neutral(text), "log", before=self._backlog and not timed)


def terminal_text(raw: bytes) -> str:
    """What a terminal shows of a line, made harmless."""
    return neutral(line_as_shown(raw).strip())


def line_as_shown(raw: bytes) -> str:
    """What a terminal would show of a line: what it was overwritten with, and nothing of a hole in the file.

    The text is untrusted.
    """
    shown = raw.strip(b"\0\r\n").rpartition(b"\r")[2]
    return shown.strip(b"\0")[: MAX_ACTIVITY_TEXT * 32].decode("utf-8", "replace").rstrip()
