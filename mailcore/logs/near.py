"""A look at a part of a log for lines that match: the first, the last, how many. It ends when its time is over."""

from __future__ import annotations

import time

from mailcore.logs.log_file import LogFile
from mailcore.logs.patterns import LogPattern
from mailcore.system.line_filter import filtered

LOOK_SECONDS = 0.2
"""So long a look may take for what may not be there."""
KNOWN_SECONDS = 5.0
"""The same for what is there: a child of Python's takes a while to start."""
FIRST_LOOK = 64 * 1024
"""Bytes of the first part that is looked at; each further one is four times as large."""
LARGEST_LOOK = 16 * 1024 * 1024


class NearLook:
    """Looks for a pattern in parts of a log, each given to a child. For any thread."""

    def __init__(self, log: LogFile, pattern: LogPattern) -> None:
        self._log = log
        self._pattern = pattern

    def first(self, start: int, stop: int, *, known: bool = False) -> int | None:
        """The first line that matches and begins in this part; None also if that was not found out in time.

        `known`: that there is one.
        """
        at, size, deadline = self._line_from(start), FIRST_LOOK, _deadline(known)
        while at < stop and time.monotonic() < deadline:
            data = self._log.data(at, size)
            if not data:
                return None
            if size < LARGEST_LOOK and len(data) == size and b"\n" not in data:  # the line is longer
                size = min(size * 4, LARGEST_LOOK)
                continue
            data = data[: data.rfind(b"\n") + 1] or data
            if found := self._offsets(data, deadline, "-m", "1"):
                hit = self._log.start_of(at + found[0])
                return hit if hit < stop else None
            at, size = at + len(data), min(size * 4, LARGEST_LOOK)
        return None

    def last(self, start: int, stop: int, *, known: bool = False) -> int | None:
        """The last line that matches and begins in this part, of which `start` is a line's beginning."""
        end, size, deadline = self._line_from(stop), FIRST_LOOK, _deadline(known)
        while end > start and time.monotonic() < deadline:
            begin = self._log.start_of(max(start, end - size))
            if found := self._offsets(self._log.data(begin, end - begin), deadline):
                return begin + found[-1]
            end, size = begin, min(size * 4, LARGEST_LOOK)
        return None

    def count(self, start: int, stop: int) -> int | None:
        """How many lines match, of whole lines; None where that takes too long."""
        if stop - start > 4 * LARGEST_LOOK:
            return None
        said = self._filtered(self._log.data(start, stop - start), _deadline(True), "-c")
        return int(said) if said else None

    def offsets(self, start: int, stop: int) -> list[int] | None:
        """All lines that match, of whole lines; None where that takes too long."""
        found = self._offsets(self._log.data(start, stop - start), _deadline(True))
        return None if found is None else [start + place for place in found]

    def _line_from(self, offset: int) -> int:
        """The first line's beginning that is no earlier."""
        return offset if self._log.start_of(offset) == offset else self._log.row_at(offset).end

    def _offsets(self, data: bytes, deadline: float, *options: str) -> list[int] | None:
        said = self._filtered(data, deadline, "-b", *options)
        return None if said is None else [int(line.partition(b":")[0]) for line in said.split(b"\n") if line]

    def _filtered(self, data: bytes, deadline: float, *options: str) -> bytes | None:
        for command in self._pattern.filters(*options):
            said = filtered(command, data, max(0.01, deadline - time.monotonic()))
            if said is not None:
                return said
        return None


def _deadline(known: bool) -> float:
    return time.monotonic() + (KNOWN_SECONDS if known else LOOK_SECONDS)
