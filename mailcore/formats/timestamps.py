"""Times as files hold them, each form once. AIPass reads and writes the same files: these bytes are a contract.

What people read is in `units`; `model.message.parse_time` reads all of these.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mailcore.text.units import LATEST

_UNIQUE = "%Y%m%dT%H%M%S_%f"
_UNIQUE_LENGTH = 22


def aipass_time(at: datetime) -> str:
    """`2026-11-22 14:03:07`, local: `timestamp` of a mail, and the beginning of a line in AIPass's logs."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def lock_time(at: datetime) -> str:
    """`2026-11-22T14:03:07`, local: `timestamp` of `.dispatch.lock` and `last_bounce.json`; in UTC, of feedback."""
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def archive_time(at: datetime) -> str:
    """`2026-11-22T14:03:07.854753`, local: `archived_at` and `refused_at` of a mail that is kept."""
    return at.isoformat()


def name_time(at: datetime) -> str:
    """`20261122_140307`, local: how the name of a file in `sent/` and `deleted/` begins."""
    return f"{at:%Y%m%d_%H%M%S}"


def run_time(at: datetime) -> str:
    """`20261122T140307`, local: how the id of a run begins."""
    return f"{at:%Y%m%dT%H%M%S}"


def registry_date(at: datetime) -> str:
    """`2026-11-22`, local: the dates of a registry, a passport and memories."""
    return f"{at:%Y-%m-%d}"


def utc_time(at: float) -> str:
    """`2026-11-22T13:03:07.854753+00:00` of seconds since the epoch: `at` of our journals, `ts` of AIPass's feed.

    What no calendar holds is written as the nearest moment that one holds: a journal takes every line.
    """
    return datetime.fromtimestamp(min(max(0.0, at), LATEST), UTC).isoformat()


def unique_time(at: datetime) -> str:
    """`20261122T130307_854753`: ids of runs (UTC) and names of files that were set aside. They sort."""
    return f"{at:{_UNIQUE}}"


def next_unique(former: str, at: datetime) -> datetime:
    """`at`, or the microsecond after the moment that `former` begins with, if that is later.

    ValueError or OverflowError where `former` begins with no moment.
    """
    earlier = datetime.strptime(f"{former[:_UNIQUE_LENGTH]}+0000", f"{_UNIQUE}%z")
    return max(at, earlier + timedelta(microseconds=1))
