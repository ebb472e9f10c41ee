"""Moments and sizes as an alarm says them. Absolute, so that the text of an alarm does not change while it stands."""

from __future__ import annotations

import time


def moment(at: float, now: float) -> str:
    """`14:03:07`, with its date where it is not of the day of `now`; `never` for 0.0."""
    if at <= 0:
        return "never"
    local = time.localtime(at)
    return time.strftime("%H:%M:%S" if local[:3] == time.localtime(now)[:3] else "%Y-%m-%d %H:%M:%S", local)


def day(at: float) -> str:
    """`2026-11-22 14:03`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at > 0 else "never"


def size(count: int) -> str:
    """Bytes: `120 MB`, `1.4 GB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def span(seconds: float) -> str:
    """`45 s`, `10 min`, `2 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
