"""Moments that agents wrote, as dates. A file may hold any number: what no date can tell is said as unknown."""

from __future__ import annotations

import time
from datetime import datetime

_UNTELLABLE = (ValueError, OverflowError, OSError)
"""What the standard library raises for NaN, an infinity, the year 10000, and years beyond 32 bits."""


def iso(at: float) -> str | None:
    """ISO 8601 with offset, local time; None where `at` (seconds since the epoch) is unknown or no date can tell it."""
    try:
        return datetime.fromtimestamp(at).astimezone().isoformat() if at > 0 else None
    except _UNTELLABLE:
        return None


def local(form: str, at: float) -> str:
    """`at` (seconds since the epoch) by `time.strftime`, local time; empty where no date can tell it."""
    try:
        return time.strftime(form, time.localtime(at))
    except _UNTELLABLE:
        return ""
