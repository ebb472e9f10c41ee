"""What `--since WHEN` means."""

from __future__ import annotations

import time

from mailcore.exceptions import UsageError
from mailcore.model.message import parse_time


def parse_since(text: str) -> float:
    """Seconds since the epoch of an ISO time, or of so long ago: 30m, 2h, 7d. UsageError for what is neither."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[-1:] in units and text[:-1].isdecimal() and len(text) < 10:
        return time.time() - int(text[:-1]) * units[text[-1]]
    if not (at := parse_time(text)):
        raise UsageError(f"--since {text!r}: an ISO time, or 30m, 2h, 7d")
    return at
