"""The rows of a log that say a level: the next errors from a place on, and the last ones before it.

What may say one is found by a child, as a search does; whether it does is asked of those alone. A look has a bound and
says how far it came: in a log of gigabytes without an error somebody asks again, or does not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass

from mailcore.logs.log_file import LogFile, LogRow
from mailcore.logs.near import FIRST_LOOK, NearLook
from mailcore.logs.patterns import LogPattern, log_pattern
from mailcore.model.activity import Kind
from mailcore.observe.log_levels import ERRORS, WARNINGS, parse_log_line

LEVEL_SECONDS = 0.2
"""So long a look may take."""
LARGEST_PART = 4 * 1024 * 1024
"""Bytes that are given to one child at most."""
MAX_SIGNED = 2000
"""Characters of a line in which its level is looked for."""
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_OTHER_SIGNS = r'\b[EFWC](?:\d{4} |: |\]|\)|>)|\*\* ?\(|\*\*\*|[a-z]"?: ?[4-6]\d\b|[a-z_]\w*\.[A-Z]\w+: '
_OTHER_WORDS = (
    "fault", "abort", "illegal instruction", "not found", "no such", "denied", "terminate called", "unhandled",
    "interrupt", "exit",
)  # fmt: skip


def row_level(data: bytes) -> Kind:
    """What a row says of itself: ERROR, WARNING, or LOG where it says none."""
    return parse_log_line(_COLOURS.sub("", data[:MAX_SIGNED].decode("utf-8", "surrogateescape"))).kind


def level_signs(levels: Collection[Kind]) -> LogPattern:
    """What is found in every line of these levels, ERROR or WARNING, and in others too."""
    words = {*_OTHER_WORDS, *(ERRORS if Kind.ERROR in levels else ()), *(WARNINGS if Kind.WARNING in levels else ())}
    shortest = sorted(word for word in words if not any(other != word and other in word for other in words))
    any_case = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in word) for word in shortest)
    return log_pattern(f"{'|'.join(any_case)}|{_OTHER_SIGNS}", by_automaton=True)


@dataclass(frozen=True, slots=True)
class LevelRows:
    """What a look found."""

    rows: tuple[LogRow, ...]
    """In the file's order."""
    reached: int
    """Up to here, or down to here, it looked: the next look goes on there."""
    at_end: bool
    """True if there is nothing further to look at, on this way."""


class LevelLook:
    """Looks for the rows of some levels in a log. For any thread that need not draw."""

    def __init__(self, log: LogFile, levels: Collection[Kind] = (Kind.ERROR,)) -> None:
        self._log = log
        self._levels = frozenset(levels)
        self._near = NearLook(log, level_signs(levels))

    def after(self, offset: int, count: int) -> LevelRows:
        """At most `count` rows from the one that begins at `offset` on."""
        found: list[LogRow] = []
        size, deadline = FIRST_LOOK, time.monotonic() + LEVEL_SECONDS
        while len(found) < count and offset < self._log.size and time.monotonic() < deadline:
            stop = self._log.start_of(min(offset + size, self._log.size))
            if stop <= offset:
                stop = self._log.row_at(offset).end
            if (rows := self._rows(offset, stop)) is None:
                break
            found += rows[: count - len(found)]
            offset = stop if len(found) < count else found[-1].end
            size = min(size * 4, LARGEST_PART) if len(rows) < count else size
        return LevelRows(tuple(found), offset, offset >= self._log.size)

    def before(self, offset: int, count: int) -> LevelRows:
        """At most `count` rows, the last of those that end at `offset` or before, which is a row's beginning."""
        found: list[LogRow] = []
        offset = min(offset, self._log.size)
        size, deadline = FIRST_LOOK, time.monotonic() + LEVEL_SECONDS
        while len(found) < count and offset > 0 and time.monotonic() < deadline:
            start = self._log.start_of(max(0, offset - size))
            if (rows := self._rows(start, offset)) is None:
                break
            found[:0] = rows[max(0, len(rows) - (count - len(found))) :]
            offset = start if len(found) < count else found[0].offset
            size = min(size * 4, LARGEST_PART)
        return LevelRows(tuple(found), offset, offset <= 0)

    def _rows(self, start: int, stop: int) -> list[LogRow] | None:
        """All of them in this part, of whole rows; None where that takes too long."""
        offsets = self._near.offsets(start, stop)
        if offsets is None:
            return None
        rows = (row for offset in offsets for row in self._log.rows(offset, 1))
        return [row for row in rows if row_level(row.data) in self._levels]
