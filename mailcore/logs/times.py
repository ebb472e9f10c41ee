"""Where in one log a time stands: found by bisection, as a log is written in the order of its times."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.logs.log_file import LogFile, LogRow
from mailcore.observe.log_levels import own_time

TIMED_CHARACTERS = 256
"""Of a row's beginning, in which its time is looked for; of a JSON object all that was read."""
NARROW = 64 * 1024
"""Bytes that are read row by row."""
LOOK_AHEAD = 1024 * 1024
"""Bytes without a time behind which none is looked for."""


def row_time(row: LogRow) -> float:
    """Seconds since the epoch at which a row says it was written; 0.0 if it does not, or not with a date."""
    said = row.data if row.data.startswith(b"{") else row.data[:TIMED_CHARACTERS]
    return own_time(said.decode("utf-8", "replace")) or 0.0


def offset_at(log: LogFile, seconds: float) -> int | None:
    """Where the first row begins that was written at this time or later, the log's size if all are earlier.

    None if it has no times. Where times fall, as when a clock was set back, it is one of the places that fit.
    """
    if _timed(log, 0, log.size) is None:
        return None
    low, high = 0, log.size
    while high - low > NARROW:
        middle = log.start_of((low + high) // 2)
        if middle <= low:
            break
        found = _timed(log, middle, high)
        if found is not None and row_time(found) < seconds:
            low = found.offset
        else:
            high = middle
    for row in _rows(log, low, log.size):
        if row_time(row) >= seconds:
            return row.offset
    return log.size


def _timed(log: LogFile, offset: int, stop: int) -> LogRow | None:
    """The first row that has a time, from one on, not far from it."""
    return next((row for row in _rows(log, offset, min(stop, offset + LOOK_AHEAD)) if row_time(row)), None)


def _rows(log: LogFile, offset: int, stop: int) -> Iterator[LogRow]:
    count = 8
    while offset < stop and (rows := log.rows(offset, count)):
        yield from (row for row in rows if row.offset < stop)
        offset, count = rows[-1].end, 512
