"""What a person says of a mute, as a mute; or in words what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from mailcore.exceptions import UsageError, did_you_mean
from mailcore.model.message import parse_time
from mailcore.text import line
from mailcore.text.units import date_and_time, duration, seconds_in, soon
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.alarm_mutes import AlarmMute, new_id

LONGEST_MUTE = 30 * 86_400.0
"""Seconds: what is muted for longer is forgotten."""
MOST_WORDS = 200
"""Characters of a reason, and of each matcher."""
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def parse_length(text: str) -> float:
    """Seconds of `30m`, `2h`, `1.5h`, `1d`. UsageError for what is none."""
    if (seconds := seconds_in(text)) is None:
        raise UsageError(f"{text!r} is no length of time: 30m, 2h or 1d")
    return seconds


def parse_end(text: str, now: float) -> float:
    """Seconds since the epoch of `18:00`, the next one that comes, or of a date with a time. UsageError if neither."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        if not (at := parse_time(text.strip())):
            raise UsageError(f"{text!r} is no time: 18:00, or 2027-01-15T18:00")
        return at
    hour, minute = int(found[1]), int(found[2])
    if hour > 23 or minute > 59:
        raise UsageError(f"{text!r} is no time of a day")
    here = datetime.fromtimestamp(now)
    at_that = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (at_that if at_that.timestamp() > now else at_that + timedelta(days=1)).timestamp()


def parse_until(text: str, now: float) -> float:
    """The end of a mute or snooze that begins `now`, from a length or a time. UsageError, saying what it may be."""
    try:
        until = now + length if (length := seconds_in(text)) is not None else parse_end(text, now)
    except UsageError:
        raise UsageError(f"{text!r} says no end: 30m, 2h, 1d, or a time such as 18:00") from None
    return checked_until(until, now)


def checked_until(until: float, now: float) -> float:
    """The same end. UsageError if it is no time to come, or too far away."""
    if until <= now:
        raise UsageError(f"{date_and_time(until, seconds=False)} is past")
    if until - now > LONGEST_MUTE:
        raise UsageError(f"{duration(LONGEST_MUTE)} at most: what is muted for longer is forgotten")
    return until


def kind_named(text: str) -> str:
    """An alarm's kind. UsageError, naming the nearest and all, if there is none of that name."""
    if text in tuple(AlarmKind):
        return text
    raise UsageError(f"no alarm is of kind {text!r}{did_you_mean(text, AlarmKind)}; kinds: {', '.join(AlarmKind)}")


def new_mute(wanted: AlarmMute, taken: Collection[AlarmMute]) -> AlarmMute:
    """The mute that a person wants, with an id that none of `taken` has, its texts as they are compared.

    UsageError if it matches everything, names no kind, or its end is none.
    """
    if wanted.kind:
        kind_named(wanted.kind)
    task, text, cause, why = (
        line(each, MOST_WORDS) for each in (wanted.task.lower(), wanted.text.lower(), wanted.cause, wanted.why)
    )
    if not (wanted.agent or wanted.kind or task or text or cause):
        raise UsageError("a mute says what it hides: an agent, a kind, a task, a cause or a text of the alarm")
    checked_until(wanted.until, wanted.at)
    id = new_id([mute.id for mute in taken])
    return replace(wanted, id=id, task=task, text=text, cause=cause, why=why)


def mute_words(mute: AlarmMute, now: float) -> str:
    """What it hides and until when: `@writer, kind silence until 15:04 (58 min)`."""
    left = mute.until - now
    rest = duration(60 * round(left / 60)) if left >= 120 else duration(round(left))
    return f"{mute.words} until {soon(mute.until, now=now)} ({rest})"


def holding(mutes: Collection[AlarmMute], now: float) -> tuple[AlarmMute, ...]:
    """Those that hold at `now`, the oldest first."""
    return tuple(mute for mute in mutes if now < mute.until)
