"""What `--since WHEN` means."""

from __future__ import annotations

import time

from mailcore.exceptions import UsageError
from mailcore.model.message import parse_time
from mailcore.text.units import seconds_in


def parse_since(text: str) -> float:
    """Seconds since the epoch of an ISO time, or of so long ago: 30m, 2h, 7d. UsageError for what is neither."""
    if (ago := seconds_in(text)) is not None:
        return time.time() - ago
    if not (at := parse_time(text)):
        raise UsageError(f"--since {text!r}: an ISO time, or 30m, 2h, 7d")
    return at
