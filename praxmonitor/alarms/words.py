"""Moments and sizes as an alarm says them. Absolute, so that the text of an alarm does not change while it stands."""

from __future__ import annotations

from praxmonitor.dates import local


def moment(at: float, now: float) -> str:
    """`14:03:07`, with its date where it is not of the day of `now`; `never` for 0.0, `unknown` for no real time."""
    if at <= 0:
        return "never"
    date, clock = local("%Y-%m-%d", at), local("%H:%M:%S", at)
    return (clock if date == local("%Y-%m-%d", now) else f"{date} {clock}") or "unknown"


def day(at: float) -> str:
    """`2026-11-22 14:03`; `never` for 0.0, `unknown` for no real time."""
    return (local("%Y-%m-%d %H:%M", at) or "unknown") if at > 0 else "never"


def size(count: int) -> str:
    """Bytes: `120 MB`, `1.4 GB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def span(seconds: float) -> str:
    """`45 s`, `10 min`, `2 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
