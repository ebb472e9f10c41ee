"""What a view of a log reads it by, page for page: of one file, or of all logs of an agent. For a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailcore.model.log import LogSource
from praxmonitor.state.log_hits import LogHits
from praxmonitor.text.log_rows import LevelFilter, LogViewRow, Place, RowKey, RowPage, RowPosition

PAGE_ROWS = 300
"""Rows of a page."""


@dataclass(frozen=True, slots=True)
class LogGrowth:
    """What became of a log since the last look."""

    came: bool = False
    """Something was written to it."""
    lines: int | None = 0
    """Lines that came; None: they were not counted."""
    size: int = 0
    """Bytes of it now."""
    trouble: str = ""
    """What became of its file, in words: it was rotated, cut, deleted; empty if nothing did."""
    page: RowPage | None = None
    """The rows that came; None: they are to be read behind what is shown."""
    anew: bool = False
    """What was read of it holds no more: it is to be read again."""


class LogPages(Protocol):
    """A log."""

    @property
    def sources(self) -> tuple[LogSource, ...]:
        """What it is made of."""

    def last(self, level: LevelFilter) -> RowPage:
        """The end of it."""

    def first(self, level: LevelFilter) -> RowPage:
        """Its beginning."""

    def before(self, place: Place, level: LevelFilter) -> RowPage:
        """The rows before a place, where there are any that are kept near it."""

    def after(self, place: Place, level: LevelFilter) -> RowPage:
        """The rows behind a place."""

    def around(self, path: str, offset: int, level: LevelFilter) -> RowPage:
        """The rows around that byte of one of its files."""

    def at_time(self, at: float, level: LevelFilter) -> RowPage | None:
        """Those around the first that was written at that time or later; None where no line says a time."""

    def at_line(self, number: int, level: LevelFilter) -> RowPage | None:
        """Those around this line, from 1; None where that is not known."""

    def error(self, row: LogViewRow, way: int) -> RowKey | None:
        """The key of the next error behind a row (1), or before it (-1); None where there is none."""

    def hit(self, hits: LogHits, row: LogViewRow, way: int) -> RowKey | None:
        """The key of the next hit behind a row (1), or before it (-1); None where none is known."""

    def look(self, level: LevelFilter) -> LogGrowth:
        """What came since the last look."""

    def add(self, sources: Sequence[LogSource]) -> None:
        """The agent has these logs by now."""

    def position(self, row: LogViewRow) -> RowPosition:
        """Where a row stands."""

    def at_share(self, share: float, level: LevelFilter) -> RowPage:
        """Those around the row that so much of the log lies before, from 0 to 1."""

    def between(self, rows: Sequence[LogViewRow], most: int) -> Sequence[str]:
        """The lines from the first of these rows to the last, both among them; `most` at most."""

    def file_line(self, row: LogViewRow) -> tuple[Path, int]:
        """The file that a row stands in, and its line there, from 1."""

    def close(self) -> None:
        """Let go of its files."""
