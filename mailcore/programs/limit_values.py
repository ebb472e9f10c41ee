"""What the values of a limit mean, whichever program reports them: when it is lifted, how much is used, its window.

What is not understood is unknown, never guessed: another release may say it otherwise, and by what is read here work
waits. Nothing here raises, whatever it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from datetime import time as clock

from mailcore.model.limit import FARTHEST_RESET, MAX_LIMIT_WORDS
from mailcore.text.clusters import cut

MAX_TEXT = 2000
"""Characters of a text in which a reset is looked for."""
HOUR, DAY, WEEK = 3600.0, 86400.0, 604_800.0

_SECONDS = {"d": DAY, "h": HOUR, "m": 60.0, "s": 1.0, "ms": 0.001}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_PART = r"\d{1,7}(?:\.\d{1,9})?\s*(?:days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)(?![a-z])"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_RESET = re.compile(
    rf"""
    (?i:\b(?:resets?|try\ again|retry)\b:?\s*)
    (?:
        (?i:(?:in|after)\s+(?P<delay>{_PART}(?:(?:[\s,]|\band\b)*{_PART})*+)(?![\s,]*\d))
      |
        (?i:(?:at|on)\s+)?
        (?>
            (?P<iso>\d{{4}}-\d\d-\d\d)(?:T|\s+)
          | (?i:(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?
            (?:,?\s+(?P<year>\d{{4}}))?(?:,?\s+at|,)?\s+)
        )?+
        (?P<hour>\d{{1,2}})(?:(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?+)(?i:\s*(?P<half>[ap])\.?m\b\.?)?+
                           |(?i:\s*(?P<half_of_hour>[ap])\.?m\b\.?))
        (?>\s*\((?P<named>[^()]*)\)|\s*(?P<bare>Z|[+-]\d\d:?\d\d)|[^\S\n]+(?P<short>[A-Z]{{2,5}}))?+
        (?![\w:]|[^\S\n]+[A-Z])
    )
    """,
    re.VERBOSE,
)
"""`resets 3:30am (Europe/Berlin)`, `try again at Dec 3rd, 2026 9:00 AM`, `retry in 2 hours 5 minutes`.

A time without minutes has its am or pm, a time without them its minutes. What is named after it must be a time zone.
"""
_LONG_PART = re.compile(r"([\d.]+)\s*(ms|[a-z])", re.IGNORECASE)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def field_time(value: object, seen_at: float) -> float:
    """A field that holds the moment of a reset, in seconds since the epoch; 0.0 of what cannot be one.

    Seen at `seen_at`: a reset is later, and no more than `FARTHEST_RESET` later.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        return 0.0
    return _ahead(float(value), seen_at)


def field_delay(value: object, seen_at: float) -> float:
    """The same of a field that holds the seconds until then."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= FARTHEST_RESET:
        return 0.0
    return _ahead(seen_at + value, seen_at)


def field_share(value: object, whole: float = 1.0) -> float | None:
    """How much is used of a whole, 0.0 to 1.0 and more; None of what can be no share."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100 * whole:
        return None
    return value / whole


def words_time(text: str, seen_at: float, *, zone: tzinfo | None = None, window: float = 0.0) -> float:
    """When the words of a program say that it resets, in seconds since the epoch; 0.0 where they do not.

    A clock time is the next such moment after `seen_at`, in the zone that is named, else in `zone`, else the machine's
    own. `window`: seconds from one reset to the next, which no wait exceeds; 0.0: unknown.
    """
    most = min(window + 60, FARTHEST_RESET) if window else FARTHEST_RESET  # words are as exact as the minute
    for found in _RESET.finditer(text[:MAX_TEXT]):
        at = _after(found["delay"], seen_at) if found["delay"] else _next_moment(found, seen_at, zone)
        if at := _ahead(at, seen_at, most):
            return at
    return 0.0


def said_words(text: str) -> str:
    """What a program says of a limit, in one line that a journal can hold."""
    return cut(" ".join(text[: MAX_LIMIT_WORDS * 4].split()), MAX_LIMIT_WORDS)


def window_words(seconds: float) -> str:
    """What a limit of such a window is of, in few words: `5 h`, `week`; empty if it is unknown."""
    for size, word in ((WEEK, "week"), (DAY, "day"), (HOUR, "h"), (60.0, "min")):
        if seconds >= size and seconds % size == 0:
            count = round(seconds / size)
            return f"{count} {word}" if size < DAY else word if count == 1 else f"{count} {word}s"
    return ""


def _ahead(at: float, seen_at: float, most: float = FARTHEST_RESET) -> float:
    """The moment, if it lies ahead and not too far; else 0.0."""
    return at if seen_at < at <= seen_at + most else 0.0


def _after(words: str, seen_at: float) -> float:
    """The moment `2 hours 5 minutes` after another."""
    return seen_at + sum(float(count) * _SECONDS[unit.lower()] for count, unit in _LONG_PART.findall(words))


def _next_moment(found: re.Match[str], seen_at: float, zone: tzinfo | None) -> float:
    """The next moment that a clock in the zone shows so; 0.0 if there is none, or the zone is not known."""
    try:
        zone = _zone_named(name) if (name := found["named"] or found["bare"] or found["short"]) else zone
        shown = _clock_time(found)
        exact = 1.0 if found["second"] else 60.0
        for day in _days(found, datetime.fromtimestamp(seen_at, zone).date()):
            for at in _moments(datetime.combine(day, shown), zone):
                if at > seen_at:
                    return at
                if at + exact > seen_at:  # within what the clock shows so: over at its end, not a day later
                    return at + exact
    except (ValueError, KeyError, OverflowError, OSError):
        pass
    return 0.0


def _moments(shown: datetime, zone: tzinfo | None) -> Iterator[float]:
    """When clocks in the zone show this: once, twice where they are set back, never where they are set forward."""
    moments = {shown.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
    for at in sorted(moments):
        if datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0) == shown:
            yield at


def _clock_time(found: re.Match[str]) -> clock:
    """ValueError if there is no such time."""
    hour, half = int(found["hour"]), (found["half"] or found["half_of_hour"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half == "p" else 0)
    return clock(hour, int(found["minute"] or 0), int(found["second"] or 0))


def _days(found: re.Match[str], today: date) -> Iterator[date]:
    """The days that may be meant, the earliest first."""
    if found["iso"]:
        yield date.fromisoformat(found["iso"])
    elif found["month"]:
        month = _MONTHS.index(found["month"][:3].lower()) + 1
        for year in [int(found["year"])] if found["year"] else [today.year, today.year + 1]:
            yield date(year, month, int(found["day"]))
    else:
        yield from (today + timedelta(days=days) for days in range(3))  # one of them may lack the hour


def _zone_named(name: str) -> tzinfo:
    """The zone of that name. Of abbreviations only UTC's: others mean several. ValueError, KeyError, OSError."""
    if name in ("UTC", "GMT", "Z"):
        return UTC
    if offset := _OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-ahead if offset[1] == "-" else ahead)
    if "/" not in name or name.startswith(("right/", "posix/")):
        raise ValueError(name)
    from zoneinfo import ZoneInfo  # 8 ms, which a run's end would take longer

    return ZoneInfo(name)
