"""The lines of a log, of a tool's output or of a program's → the errors that they report.

An error of many lines is one: its head opens a block, which takes the lines that belong to it. The lines of several
writers in one file (`web_1  | …`, syslog) are told apart by what stands before them, and each has a block of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mailcore.errors.block import Block, Form, Report
from mailcore.errors.forms.go import go_form
from mailcore.errors.forms.log_block import LogBlock, raised_title, suspicion_form
from mailcore.errors.forms.native import native_form
from mailcore.errors.forms.python import python_form
from mailcore.errors.forms.runners import PytestReport, script_test_form, unittest_name
from mailcore.errors.forms.rust import rust_form
from mailcore.errors.forms.scripts import script_form, system_form
from mailcore.errors.forms.stacks import java_form
from mailcore.errors.forms.tools import build_form, command_form
from mailcore.errors.line_text import carried, may_tell, shown_text
from mailcore.errors.log_record import is_fatal, stack_of_record
from mailcore.model.activity import Kind
from mailcore.model.error_group import ErrorEvent, ErrorOrigin, Severity
from mailcore.observe.log_levels import LogLine, parse_log_line
from mailcore.text import line as one_line

MAX_SAMPLE_LINES, MAX_SAMPLE_LINE, MAX_SAMPLE_BYTES = 60, 500, 16_384
MAX_TITLE = 300
MAX_BLOCK_LINES = 10_000
"""Lines of one error that are read, at most."""
MAX_STREAMS = 16
"""Writers in one file that have a block open at the same time."""
MAX_QUIET = 200
"""Lines of other writers after which a block is over."""
MAX_BETWEEN = 20
"""Lines of another writer within a traceback that do not end it; after what may be its end, `MAX_AFTER`."""
MAX_AFTER = 2
NEAR = 50
"""Lines after an error within which what only follows from it is not one of its own."""

_FOLLOWS = re.compile(
    r"(?:error: (?:could not compile|aborting due to|test failed, to rerun|build failed|failed to push some refs).*"
    r"|collect2: error: ld returned .*|error Command failed.*|.*Process completed with exit code \d+\.?"
    r"|\s*ELIFECYCLE .*|Aborted(?: \(core dumped\))?|FAILED \((?:failures|errors)=.*"
    r"|Some errors have detailed explanations.*"
    r"|error: Recipe `.*` failed.*|compilation terminated\.|ERROR: No matching distribution found for .*)"
)
_GOES_ON = ("Caused by: ", "Traceback ", "During handling of ", "The above exception ", "goroutine ")
_UNINDENTED = ("command", "upper", "yarn", "letter", "words")
"""Forms of levels that begin a line; indented they are code."""
_NO_LOG = ("", "raised", "command", "words", "letter", "yarn", "stars", "upper")
"""Forms of levels that the last line of a traceback may have, too."""


@dataclass(slots=True)
class _Open:
    """A block whose end has not come."""

    block: Block
    at: float
    offset: int
    number: int
    """Of its last line, among all that were fed."""
    timed: bool
    sample: list[str] = field(default_factory=list)
    size: int = 0
    lines: int = 1
    between: int = 0
    last: str = " "
    """Its last line but the first."""

    def may_take(self, text: str) -> bool:
        """After another writer's lines only a stack goes on, or what was raised after the line that logs it."""
        go_on = not self.between or self.block.unfinished or text[0].isspace() or text.startswith(_GOES_ON)
        return go_on or (self.lines == 1 and bool(raised_title(text)))

    def keep(self, text: str) -> None:
        """One more line of its sample."""
        kept = text[:MAX_SAMPLE_LINE]
        self.size += len(kept.encode("utf-8", "replace"))
        if len(self.sample) < MAX_SAMPLE_LINES and self.size <= MAX_SAMPLE_BYTES:
            self.sample.append(kept)


class ErrorExtractor:
    """Finds the errors in the lines of one file as they come. Whatever the bytes are, it reads on."""

    def __init__(self, agent: str, *, path: str = "", origin: ErrorOrigin = ErrorOrigin.LOG, run_id: str = "") -> None:
        """`agent`: the address of who reports them; `path`, `origin` and `run_id` are told with each."""
        self._agent, self._path, self._origin, self._run_id = agent, path, origin, run_id
        self._open: dict[str, _Open] = {}
        self._number = 0
        self._last_error = -NEAR - 1
        self._forms: tuple[Form, ...] = (
            python_form, PytestReport(), java_form, go_form, rust_form, script_test_form, script_form, build_form,
            native_form, system_form, command_form,
        )  # fmt: skip
        self.warnings = 0
        """Lines so far that warn."""

    def feed(self, lines: Sequence[tuple[int, bytes]], at: float) -> list[ErrorEvent]:
        """The errors that are over, each once; a line is (bytes before it in its file, its bytes).

        `at`: the time of those that carry none, and none is later.
        """
        found: list[ErrorEvent] = []
        for offset, raw in lines:
            self._number += 1
            if self._open or may_tell(raw):
                found.extend(self._line(offset, raw, at))
        return found

    def flush(self) -> list[ErrorEvent]:
        """What is still open: no more lines come."""
        events = [event for key in list(self._open) for event in self._close(key)]
        return sorted(events, key=lambda event: event.offset)

    def _line(self, offset: int, raw: bytes, at: float) -> Iterator[ErrorEvent]:
        whole = shown_text(raw)
        if not whole:
            return
        stream, text = carried(whole)
        if not text or text.isspace():
            return
        for key in [key for key, one in self._open.items() if self._number - one.number > MAX_QUIET]:
            yield from self._close(key)
        opened = self._open.get(stream)
        if opened is not None:
            if self._is_between(opened, whole, text):
                yield from self._alone(whole, text, offset, at)
                return
            if opened.may_take(text) and opened.lines < MAX_BLOCK_LINES and opened.block.take(text):
                opened.keep(whole)
                opened.lines += 1
                opened.last = text
                opened.number, opened.between = self._number, 0
                return
            if self._may_go_on(opened, whole):
                self._count(whole)
                return
            yield from self._close(stream)
        if may_tell(raw) and (begun := self._begin(whole, text)) is not None:
            block, log_line = begun
            if len(self._open) >= MAX_STREAMS:
                yield from self._close(next(iter(self._open)))
            own = min(log_line.at, at) if log_line.at else at
            self._open[stream] = _Open(block, own, offset, self._number, log_line.at > 0)
            self._open[stream].keep(whole)

    def _begin(self, whole: str, text: str) -> tuple[Block, LogLine] | None:
        """The block that the line opens, and the line as one of a log."""
        if self._number - self._last_error <= NEAR and _FOLLOWS.fullmatch(text):
            return None
        log_line = parse_log_line(whole.strip())
        for form in self._forms:
            if (block := form(text)) is not None:
                return block, log_line
        if test := unittest_name(text):
            return LogBlock("pytest", f"FAIL: {test}", Severity.ERROR, raised=False), log_line
        if title := raised_title(text):
            return LogBlock("log", title, Severity.ERROR, raised=True), log_line
        if log_line.kind is Kind.WARNING:
            self.warnings += 1
        if log_line.kind is not Kind.ERROR:
            of_text = parse_log_line(text.strip()) if text is not whole else log_line
            if of_text.kind is not Kind.ERROR:
                suspicion = suspicion_form(text) if log_line.kind is Kind.LOG else None
                return (suspicion, log_line) if suspicion is not None else None
            log_line = of_text
        if text[0].isspace() and log_line.form in _UNINDENTED:
            return None
        severity = Severity.FATAL if is_fatal(whole, log_line) else Severity.ERROR
        block = LogBlock("log", log_line.text, severity, raised=log_line.form == "raised")
        for inner in stack_of_record(whole) if log_line.form == "json" else ():
            if not block.take(inner):
                break
        return block, log_line

    def _is_between(self, opened: _Open, whole: str, text: str) -> bool:
        """The line is another writer's, within a traceback."""
        if not opened.block.unfinished or opened.between >= MAX_BETWEEN or whole[0].isspace():
            return False
        line = parse_log_line(whole)
        if line.form in _NO_LOG and not (line.at and not opened.timed):
            return False
        if line.form in _NO_LOG and text is not whole and opened.block.take(text):
            opened.keep(whole)
            return False
        opened.between += 1
        return True

    def _may_go_on(self, opened: _Open, whole: str) -> bool:
        """A line that tells no error, after which the lines of a stack may go on."""
        if (
            opened.between >= MAX_AFTER
            or not (opened.last[0].isspace() or raised_title(opened.last))
            or whole[0].isspace()
        ):
            return False
        line = parse_log_line(whole)
        if line.kind is Kind.ERROR or (line.form in _NO_LOG and not line.at):
            return False
        opened.between += 1
        return True

    def _count(self, whole: str) -> None:
        if parse_log_line(whole).kind is Kind.WARNING:
            self.warnings += 1

    def _alone(self, whole: str, text: str, offset: int, at: float) -> Iterator[ErrorEvent]:
        """The error of a line within the lines of another."""
        if (begun := self._begin(whole, text)) is None or (report := begun[0].report()) is None:
            return
        own = min(begun[1].at, at) if begun[1].at else at
        opened = _Open(begun[0], own, offset, self._number, begun[1].at > 0)
        opened.keep(whole)
        yield self._event(report, opened)

    def _close(self, stream: str) -> Iterator[ErrorEvent]:
        opened = self._open.pop(stream)
        if (report := opened.block.report()) is not None:
            self._last_error = self._number
            yield self._event(report, opened)

    def _event(self, report: Report, opened: _Open) -> ErrorEvent:
        return ErrorEvent(
            at=opened.at,
            agent=self._agent,
            kind=report.kind,
            title=one_line(report.title[: MAX_TITLE * 4], MAX_TITLE) or report.kind,
            severity=report.severity,
            frames=report.frames,
            sample=tuple(opened.sample),
            origin=self._origin,
            path=self._path,
            offset=opened.offset,
            run_id=self._run_id,
        )
