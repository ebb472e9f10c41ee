"""Rust: panics with their backtrace, errors of its compiler, and the causes that anyhow prints."""

from __future__ import annotations

import re

from mailcore.errors.block import Block, FrameList, Report
from mailcore.model.error_group import Severity, StackFrame
from mailcore.observe.traceback_forms import PANIC

_OLD = re.compile(r"'(.*)', (\S{1,300}?):(\d{1,9}):\d{1,9}")
_WHERE = re.compile(r"(\S{1,300}?):(\d{1,9}):\d{1,9}")
_CALL = re.compile(r"\s{1,8}\d{1,5}: +(?:0x[0-9a-f]+ - )?(.{1,300})")
_AT = re.compile(r"\s{4,40}at (.{1,400}?):(\d{1,9})(?::\d{1,9})?")
_COMPILER = re.compile(r"error(?:\[E\d{4}\])?: (.*)")
_ARROW = re.compile(r"\s{0,12}--> (.{1,400}?):(\d{1,9}):\d{1,9}")
_SNIPPET = re.compile(r"\s{0,12}(?:\d{0,9} *\||=|\.\.\.|:::|-->|[|~+]).*")
_THREADS = ("main", "<unnamed>", "tokio-runtime-worker", "<unknown>")
"""Names that no test has: a test's thread has the test's name."""
_MESSAGE_LINES = 20


class RustPanic:
    """The lines after `thread 'main' panicked at src/main.rs:2:5:`."""

    def __init__(self, thread: str, where: str) -> None:
        self._frames, self._call, self._message, self._more = FrameList(), "", "", 0
        self._test = "" if thread.startswith(_THREADS) or "worker" in thread else thread
        place = _OLD.fullmatch(where)
        if place:
            self._message = place[1]
            self._place = StackFrame(place[2], int(place[3]), self._test)
        else:
            new = _WHERE.fullmatch(where)
            self._place = StackFrame(new[1], int(new[2]), self._test) if new else StackFrame(where, 0, self._test)
        self._trace = False
        self.unfinished = not self._message

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if not self._message:
            self._message, self.unfinished = text.strip(), False
            return True
        if text.startswith(("note: ", "stack backtrace:")):
            self._trace = self._trace or text.startswith("stack")
            return True
        if call := _CALL.fullmatch(text):
            self._call = call[1]
            return True
        if (at := _AT.fullmatch(text)) and self._call:
            self._frames.add(at[1], at[2], self._call)
            self._call = ""
            return True
        if self._trace:
            return text[:1].isspace()
        self._more += 1
        return text[:1].isspace() and self._more <= _MESSAGE_LINES

    def report(self) -> Report:
        """Its message, and where it was."""
        frames = self._frames.in_order(innermost_first=True) or (self._place,)
        where = f" in test {self._test}" if self._test else ""
        return Report("rust", f"panicked{where}: {self._message}", Severity.FATAL, frames)


class CompilerMessage:
    """The lines after `error[E0308]: mismatched types`; without a place below it, it is a message of cargo's."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._place: tuple[StackFrame, ...] = ()
        self._causes: list[str] | None = None
        self.unfinished = False

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if not self._place and (arrow := _ARROW.fullmatch(text)):
            self._place = (StackFrame(arrow[1], int(arrow[2])),)
            return True
        if text.startswith("Caused by:"):
            self._causes = []
            return True
        if self._causes is not None:
            if text[:1].isspace():
                self._causes.append(re.sub(r"^\s*(?:\d+: )?", "", text))
                return True
            return False
        return bool(_SNIPPET.fullmatch(text)) and (bool(self._place) or text[:1].isspace())

    def report(self) -> Report | None:
        """Its title, and the cause at the root."""
        cause = next((one for one in reversed(self._causes or ()) if one), "")
        return Report("rust", f"{self._title}: {cause}" if cause else self._title, Severity.ERROR, self._place)


def rust_form(text: str) -> Block | None:
    """A panic, or an error of the compiler with its code."""
    if text.startswith("thread '") and (panic := PANIC.fullmatch(text)):
        return RustPanic(panic["thread"], panic["where"])
    if text.startswith(("error[E", "error: ")) and _COMPILER.fullmatch(text):
        return CompilerMessage(text)
    return None
