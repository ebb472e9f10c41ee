"""When a limit will be used up, at the rate at which it was used since its window began. Pure."""

from __future__ import annotations

from mailcore.model.limit import Limit

LEAST_SHARE, LEAST_SECONDS = 0.02, 300.0
"""A rate is read from no less of the limit, and of its window."""


def used_up_at(limit: Limit) -> float:
    """In seconds since the epoch; 0.0 where it lasts until the reset, or where that cannot be told."""
    if limit.reached or not (limit.used and limit.resets_at and limit.window):
        return 0.0
    began = limit.resets_at - limit.window
    elapsed = limit.seen_at - began
    if limit.used < LEAST_SHARE or not LEAST_SECONDS <= elapsed <= limit.window:
        return 0.0
    end = began + elapsed / limit.used
    return end if end < limit.resets_at else 0.0
