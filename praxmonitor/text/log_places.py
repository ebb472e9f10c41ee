"""A place in a log, as a person types it: a line, a share of it, a time. Pure."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime

from mailcore.text.units import seconds_in

_DAY = 86_400
_TIME = re.compile(r"(?:(\d{4})-(\d\d?)-(\d\d?)[ T]+)?(\d\d?):(\d\d)(?::(\d\d))?")
HOW = "a line (1200), a share (50%), a time (14:30, 2026-11-29 14:30:05) or how long ago (10m)"


@dataclass(frozen=True, slots=True)
class TypedPlace:
    """Where to go; one of these."""

    line: int = 0
    """From 1."""
    share: float = -1.0
    """From 0 to 1."""
    at: float = 0.0
    """Seconds since the epoch."""


def typed_place(text: str, now: float) -> TypedPlace | None:
    """What is meant; None if it is none of these. A time without a date is the last such time before `now`."""
    text = text.strip()
    if (number := text.replace(",", "").replace("_", "")).isascii() and number.isdigit():
        return TypedPlace(line=int(number[:18])) if int(number[:18]) else None
    if (share := re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%", text)) and float(share[1]) <= 100:
        return TypedPlace(share=float(share[1]) / 100)
    if (ago := seconds_in(text.removesuffix("ago"))) is not None:
        return TypedPlace(at=now - ago)
    if found := _TIME.fullmatch(text):
        return _time(found, now)
    return None


def _time(found: re.Match[str], now: float) -> TypedPlace | None:
    clock = int(found[4]), int(found[5]), int(found[6] or 0)
    today = time.localtime(now)
    year, month, day = (int(found[n]) for n in (1, 2, 3)) if found[1] else today[:3]
    try:
        at = datetime(year, month, day, *clock).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return TypedPlace(at=at - _DAY if not found[1] and at > now else at)
