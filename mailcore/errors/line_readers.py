"""What makes errors of the lines of each kind of log: text, the output of an agent's program, its session.

Of what a program writes in a form of its own, its own reader says which tools failed and which limits it met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailcore.errors.error_causes import LIMIT
from mailcore.errors.extract import ErrorExtractor
from mailcore.model.activity import Activity, Kind
from mailcore.model.error_group import ErrorEvent, ErrorOrigin
from mailcore.model.limit import SERVICE, Limit
from mailcore.model.log import LogKind, LogSource
from mailcore.model.usage import Spent
from mailcore.text import line as one_line

MAX_TOOL_TITLE = 300
_ORIGINS = {LogKind.STDOUT: ErrorOrigin.STDOUT, LogKind.STDERR: ErrorOrigin.STDERR}


def text_extractor(source: LogSource) -> ErrorExtractor:
    """What reads a log that is text."""
    origin = _ORIGINS.get(source.kind, ErrorOrigin.LOG)
    return ErrorExtractor(source.agent, path=source.path, origin=origin, run_id=source.run_id)


class Reports(Protocol):
    """A program's own reader of one of its files, as `OutputReader` and `Transcript` are."""

    def read(self, line: bytes, now: float) -> Sequence[Activity | Spent | Limit] | None:
        """What a line reports; None: it is a log's."""


class ProgramLines:
    """Reads what a program writes in a form of its own, and its other lines as text."""

    def __init__(self, source: LogSource, reports: Reports) -> None:
        self._source, self._reports = source, reports
        self._text = text_extractor(source)
        self.causes: dict[str, float] = {}
        """When a limit or an overload was told last."""

    @property
    def warnings(self) -> int:
        """Lines so far that warn."""
        return self._text.warnings

    def feed(self, lines: Sequence[tuple[int, bytes]], at: float) -> list[ErrorEvent]:
        """The errors that are over, each once."""
        events: list[ErrorEvent] = []
        for offset, raw in lines:
            try:
                told = self._reports.read(raw, at)
            except Exception:  # of anybody's plug-in
                told = None if self._source.kind is LogKind.STDOUT else ()
            if told is None:
                events += self._text.feed([(offset, raw)], at)
                continue
            for one in told:
                events += self._told(one, offset, at)
        return events

    def flush(self) -> list[ErrorEvent]:
        """What is still open."""
        return self._text.flush()

    def _told(self, one: Activity | Spent | Limit, offset: int, at: float) -> list[ErrorEvent]:
        if isinstance(one, Limit) and one.reached:
            self._cause(SERVICE if one.scope == SERVICE else LIMIT, one.seen_at or at)
        elif isinstance(one, Activity) and one.kind is Kind.LIMIT:
            self._cause(LIMIT, one.at)
        elif isinstance(one, Activity) and one.kind is Kind.TOOL_FAILED:
            title = one_line(f"{one.tool}: {one.text}" if one.tool else one.text, MAX_TOOL_TITLE)
            return [
                ErrorEvent(
                    min(one.at, at), self._source.agent, "tool", title, sample=tuple(one.text.splitlines()),
                    origin=ErrorOrigin.TOOL, path=self._source.path, offset=offset, run_id=self._source.run_id,
                )
            ]  # fmt: skip
        return []

    def _cause(self, cause: str, at: float) -> None:
        self.causes[cause] = max(at, self.causes.get(cause, 0.0))
