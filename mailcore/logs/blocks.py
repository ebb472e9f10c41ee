"""What stands in a stretch of a log, as entries: which lines are one message, and at what time it stands.

A log is cut into blocks of BLOCK bytes, and what is found in one depends on it and its neighbours alone: so a page at
any place costs the same, and from either side the same entries are met.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mailcore.logs.log_file import PIECE, LogFile, LogRow
from mailcore.model.activity import Kind
from mailcore.observe.log_levels import own_time
from mailcore.observe.log_lines import MAX_EVENT_LINES, LogLineReader, line_as_shown

BLOCK = 8192
"""Bytes of a block; the rows that begin in it are its."""
MAX_TIMED_TEXT = 4096
"""Characters of a line in which its time is looked for."""

_CARRIES_ON = re.compile(
    r"(?:[\w$]+\.)*[A-Za-z_]\w*(?:Error|Exception|Warning|Interrupt|Exit)(?::.*)?|\s.*|Caused by:.*|"
    r"(?:During handling of|The above exception).*"
)
"""A line that goes on with what stands before it, whatever that is."""


@dataclass(frozen=True, slots=True)
class EntryRows:
    """The rows of one entry."""

    rows: tuple[LogRow, ...]
    at: float
    """Its own time, seconds since the epoch; 0.0: it has none that is believed."""
    goes_on: bool = False
    """It goes on with the entry before it, of which so much was taken before it was at its end."""

    @property
    def offset(self) -> int:
        """Bytes before it in its file."""
        return self.rows[0].offset

    @property
    def end(self) -> int:
        """Bytes before what follows it."""
        return self.rows[-1].end


class Grouping:
    """Puts lines that come one after another together to entries."""

    def __init__(self, agent: str) -> None:
        """`agent`: the address of whose log it is."""
        self._agent = agent
        self._reader = LogLineReader(agent)
        self._rows: list[LogRow] = []
        self._lines = 0
        """Of the entry at hand, with those that were taken."""
        self._at = 0.0
        self._timed = False
        self._level: Kind | None = None
        self._goes_on = False

    def add(self, row: LogRow) -> EntryRows | None:
        """Take the next line; returns the entry that ended before it, if it begins another."""
        text = line_as_shown(row.data)
        at = own_time(text[:MAX_TIMED_TEXT])
        level = None
        begins = not self._lines or self._lines >= MAX_EVENT_LINES or at is not None
        if at is not None and not self._timed:
            self._reader = LogLineReader(self._agent)
        elif at is None and text.strip() and not self._timed:
            found = list(self._reader.read([row.data], 0.0))
            level = found[-1].kind if found else None
            detail = text[0].isspace() and self._level in (Kind.ERROR, Kind.WARNING)
            begins = begins or (self._reader.begins and not detail)
        ended = self.take() if begins else None
        if begins:
            self._lines, self._goes_on = 0, False
            self._at, self._timed, self._level = at or 0.0, at is not None, level
        elif self._level is None:
            self._level = level
        self._rows.append(row)
        self._lines += 1
        return ended

    def take(self) -> EntryRows | None:
        """What there is of the entry at hand, and was not taken yet; the next line may go on with it."""
        if not self._rows:
            return None
        taken = EntryRows(tuple(self._rows), self._at, self._goes_on)
        self._rows, self._goes_on = [], True
        return taken


def group(rows: Sequence[LogRow], agent: str) -> list[EntryRows]:
    """Lines that come one after another, as entries."""
    grouping = Grouping(agent)
    found = [grouping.add(row) for row in rows]
    return [entry for entry in (*found, grouping.take()) if entry is not None]


def rows_between(file: LogFile, begin: int, end: int) -> list[LogRow]:
    """The rows that begin from `begin` on, before `end`."""
    if begin > 0 and (newline := file.data(begin - 1, BLOCK).find(b"\n") if begin % PIECE else -1) >= 0:
        begin += newline
    elif begin > 0:
        begin = file.row_at(begin - 1).end
    found: list[LogRow] = []
    while begin < end and (rows := file.rows(begin, 64)):
        found += [row for row in rows if row.offset < end]
        begin = rows[-1].end
    return found


def lead(file: LogFile, begin: int) -> list[LogRow]:
    """The rows at the beginning of a block that go on with what stands before them.

    In a log with times those before the first line that has one, else those that look it. Never all of a block, unless
    the file ends with it.
    """
    rows = rows_between(file, begin, begin + BLOCK) if begin else []
    shown = [line_as_shown(row.data) for row in rows]
    for number, text in enumerate(shown):
        if own_time(text[:MAX_TIMED_TEXT]) is not None:
            return rows[:number]
    for number, text in enumerate(shown):
        if text.strip() and not _CARRIES_ON.fullmatch(text):
            return rows[:number]
    return rows if rows and rows[-1].end >= file.size else []


def block_entries(
    file: LogFile, number: int, entries_of: Callable[[Sequence[LogRow]], list[EntryRows]], *, leads: bool
) -> list[EntryRows]:
    """The entries that begin in a block; `leads`: what the next one begins with may go on with the last of them."""
    begin = number * BLOCK
    rows = rows_between(file, begin, begin + BLOCK)
    if not leads:
        return entries_of(rows)
    entries = entries_of(rows[len(lead(file, begin)) :])
    if entries and (end := entries[-1].end) < file.size:
        entries[-1] = replace(entries[-1], rows=(*entries[-1].rows, *lead(file, max(end // BLOCK, number + 1) * BLOCK)))
    return entries


def believed_times(times: Sequence[float]) -> list[bool]:
    """Of times that stand one after another which ones to believe: the most that do not fall; no zero."""
    ends: list[float] = []
    last_of: list[int] = []
    before: list[int] = []
    for number, at in enumerate(times):
        place = bisect_right(ends, at) if at else -1
        before.append(last_of[place - 1] if place > 0 else -1)
        if place < 0:
            continue
        ends[place : place + 1], last_of[place : place + 1] = [at], [number]
    found = [False] * len(times)
    number = last_of[-1] if last_of else -1
    while number >= 0:
        found[number], number = True, before[number]
    return found
