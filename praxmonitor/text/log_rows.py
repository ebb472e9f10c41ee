"""One line of a log as a view holds it, and the page of them that was read. Values; their text is untrusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

import msgspec

from mailcore.model.activity import Kind
from mailcore.model.log import LogSource

RowKey: TypeAlias = tuple[str, int, int]
Place: TypeAlias = Any
"""Where reading goes on: only who reads the pages looks into it."""


class LevelFilter(IntEnum):
    """Which lines a view of a log shows."""

    ALL = 0
    WARNINGS = 1
    """Warnings and errors."""
    ERRORS = 2

    def keeps(self, kind: Kind) -> bool:
        """Whether a line of this level is shown."""
        return self is LevelFilter.ALL or kind is Kind.ERROR or (self is LevelFilter.WARNINGS and kind is Kind.WARNING)


class LogViewRow(msgspec.Struct, frozen=True, gc=False):
    """One line."""

    source: LogSource
    offset: int
    """Bytes before it in its file."""
    text: str
    """As it stands in the file, without its end, escape sequences and all."""
    at: float = 0.0
    """Seconds since the epoch; of a line without a time that of the one before it; 0.0: unknown."""
    level: Kind = Kind.LOG
    stamp: int = 0
    """How many characters at the beginning say its time and nothing else."""
    further: bool = False
    """It belongs to the message of the line above it."""
    left_out: int = 0
    """Bytes of the line that are not in `text`: it is longer than is read."""

    line: int = 0
    """Of an entry of several lines, the how-manieth it is; its `offset` is then that of the first."""

    @property
    def key(self) -> RowKey:
        """What it is known by, whatever else is read."""
        return self.source.path, self.offset, self.line


@dataclass(frozen=True, slots=True)
class RowPage:
    """Lines that follow each other, oldest first; and where reading goes on at both ends."""

    rows: tuple[LogViewRow, ...] = ()
    low: Place = None
    """Before the first."""
    high: Place = None
    """Behind the last."""
    at_begin: bool = False
    """Nothing stands before it."""
    at_end: bool = False
    """Nothing stood behind it when it was read."""
    open_rows: int = 0
    """How many rows at the end are not written to their end: they are read again with what follows them."""
    cursor: int = -1
    """The place in `rows` of the one that was asked for; -1: none was."""


@dataclass(frozen=True, slots=True)
class RowPosition:
    """Where a row stands in its log."""

    share: float = 0.0
    """How much of the log lies before it, from 0 to 1."""
    number: int | None = None
    """Of the line, from 1; None: not known yet, or of several logs together."""
    total: int | None = None
    """Lines of the log; None: not known yet."""
    whole: bool = True
    """Nothing of it is still being counted."""


@dataclass(frozen=True, slots=True)
class SearchState:
    """How far a search is."""

    count: int = 0
    """Hits that were found so far."""
    done: bool = True
    progress: float = 1.0
    """How much was searched, from 0 to 1."""
    trouble: str = ""
    """Why it did not get to the end, in words; untrusted."""
    number: int | None = None
    """Which hit the row under the cursor is, from 1; None: none, or not known."""
