"""Times, sizes and counts as people read them. Each has one form, and it is written here alone.

A moment is seconds since the epoch, shown in local time. 0.0 stands for no moment at all; each function takes what is
said of it as `never`. A file of another program may hold any other number: what no calendar holds is shown as unknown,
and nothing here raises. What files hold is in `timestamps`.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from math import inf

UNKNOWN_TIME = "unknown"
LATEST = 253_370_764_800.0
"""The first second of the year 9999, UTC: the last day that every time zone can tell is later."""
MAX_DURATION = 9999
"""Days; what is older is said to be so old, for a card has five cells for an age."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def is_known_time(at: float) -> bool:
    """Whether a calendar holds the moment. Not 0.0, no negative number, no infinity, not NaN."""
    return 0.0 < at < LATEST


def clock_time(at: float, *, seconds: bool = True, never: str = "never") -> str:
    """`14:03:07`, without its seconds `14:03`."""
    return _local("%H:%M:%S" if seconds else "%H:%M", at, never)


def clock_cells(at: float) -> str:
    """`clock_time` in eight cells, for a column; blanks where there is no moment."""
    return f"{clock_time(at, never=''):<8}"


def date(at: float, *, never: str = "never") -> str:
    """`2026-11-22`: such dates sort."""
    return _local("%Y-%m-%d", at, never)


def date_and_time(at: float, *, seconds: bool = True, never: str = "never") -> str:
    """`2026-11-22 14:03:07`, without its seconds `2026-11-22 14:03`."""
    return _local("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M", at, never)


def soon(at: float, *, now: float | None = None) -> str:
    """A moment to come: `03:30`; with its date where it is not within a day: `2026-12-03 09:00`."""
    near = abs(at - (time.time() if now is None else now)) < _DAY
    return clock_time(at, seconds=False) if near else date_and_time(at, seconds=False)


def moment(at: float, now: float, *, never: str = "never") -> str:
    """`14:03:07`, with its date where that is not the date of `now`."""
    return clock_time(at, never=never) if date(at) == date(now) else date_and_time(at, never=never)


def iso(at: float, *, milliseconds: bool = False) -> str | None:
    """ISO 8601 with the local offset, for JSON; None where the moment is not known."""
    if not is_known_time(at):
        return None
    local = datetime.fromtimestamp(at, UTC).astimezone()
    return local.isoformat(timespec="milliseconds" if milliseconds else "auto")


def end_of(day: str) -> float:
    """The moment at which the day of that `date` is over; never where it is no date."""
    try:
        return (datetime.fromisoformat(day) + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError):
        return inf


def age(seconds: float) -> str:
    """`12s`, `4m`, `2h`, `3d`: the largest unit alone, at most five cells. `?` for NaN."""
    if seconds != seconds:
        return "?"
    whole = int(min(max(0.0, seconds), MAX_DURATION * _DAY))
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def since(at: float, now: float) -> str:
    """The age of a moment; empty where there is none, `?` where no calendar holds it."""
    if not at:
        return ""
    return age(now - at) if is_known_time(at) else "?"


def next_step(at: float, now: float) -> float:
    """From when on `since` says something else of this moment than `now`; infinite for never."""
    if not at or not is_known_time(at) or now != now:
        return inf
    passed = max(0.0, now - at)
    size = next((size for size in (_DAY, _HOUR, _MINUTE) if passed >= size), 1)
    return at + (passed // size + 1) * size


def duration(seconds: float) -> str:
    """`0.25 s`, `90 s`, `5 min 3 s`, `10 min`, `2 h 5 min`, `3 d 4 h`: no more than two units, none that is zero."""
    if not 0 <= seconds < LATEST:
        return UNKNOWN_TIME
    whole = round(seconds)
    if whole < 10:
        return f"{round(seconds, 3):.2g} s"
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    if whole < 2 * _DAY:
        return _two(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")
    return _two(whole // _DAY, "d", whole % _DAY // _HOUR, "h")


def seconds_in(text: str) -> float | None:
    """Seconds of a length as people write it: `90s`, `30m`, `1.5h`, `2 d`; None for what is none."""
    found = re.fullmatch(r"\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(s|m|min|h|d)\s*", text.lower())
    units = {"s": 1, "m": _MINUTE, "min": _MINUTE, "h": _HOUR, "d": _DAY}
    return float(found[1]) * units[found[2]] if found is not None else None


def size(count: float) -> str:
    """Bytes: `512 B`, `84 MB`, `1.2 GB`.

    1 kB is 1,000 bytes, as makers of disks, `df -H` and this program's own config count.
    """
    return f"{int(count)} B" if 0 <= count < 1000 else _scaled(count, ("kB", "MB", "GB", "TB", "PB"))


def tokens(count: int) -> str:
    """`950`, `12 k`, `1.2 M`."""
    return str(count) if 0 <= count < 10_000 else _scaled(count, ("k", "M", "G", "T"))


def _local(form: str, at: float, never: str) -> str:
    if is_known_time(at):
        return time.strftime(form, time.localtime(at))
    return UNKNOWN_TIME if at else never


def _two(many: int, unit: str, few: int, smaller: str) -> str:
    return f"{many} {unit} {few} {smaller}" if few else f"{many} {unit}"


def _scaled(count: float, units: tuple[str, ...]) -> str:
    """In the unit in which it has three digits at most, one of them after the point below ten."""
    if not 0 <= count < 1000 ** (len(units) + 1):
        return UNKNOWN_TIME
    value = float(count)
    for unit in units:
        value /= 1000
        if round(value) < 1000 or unit == units[-1]:
            break
    return f"{value:.1f} {unit}" if round(value, 1) < 10 else f"{value:.0f} {unit}"
