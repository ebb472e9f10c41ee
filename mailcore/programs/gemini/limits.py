"""The quota that ended a run of Gemini CLI: its status is a field, how long it lasts stands in the words alone."""

from __future__ import annotations

import re

from mailcore.model.limit import SERVICE, Certainty, Limit
from mailcore.programs.limit_values import DAY, field_delay, words_time

HTTP_STATUSES = (429, 499, 503)
"""The HTTP status of what it takes for a limit: a quota, and of what is overloaded."""

_DELAY = re.compile(r"^Suggested retry after (([0-9.]{1,12})s)\.?\]?$", re.MULTILINE)
"""The line that it makes itself of a delay which the service reported in a field of its own."""
_MODEL = re.compile(r"\bmodel: ([\w.-]{1,80}\w)")
_DAILY = "your daily quota"


def suggested_delay(message: str) -> str:
    """How long to wait, as the service told it: `3600s`; empty if it did not."""
    return found[1] if (found := _DELAY.search(message)) else ""


def quota_limit(status: int, message: str, words: str, model: str, seen_at: float) -> Limit:
    """The limit that an error of that status is, by its message.

    `words`: the same in few, for people; `model`: the one that the run used, empty: unknown.
    """
    if status != 429:
        return Limit("gemini", SERVICE, seen_at=seen_at, words=words)
    named = _MODEL.search(message)
    model = named[1] if named is not None else "" if model.startswith("auto") else model
    at = field_delay(_seconds(message), seen_at) or words_time(message, seen_at)
    daily = _DAILY in message  # which day that is nobody says
    scope = " of ".join(filter(None, ("day", model))) if daily else model
    certainty = Certainty.READ if at else Certainty.UNKNOWN
    return Limit("gemini", scope, True, None, at, seen_at, certainty, words, DAY if daily else 0.0, model)


def _seconds(message: str) -> float:
    try:
        return float(found[2]) if (found := _DELAY.search(message)) else 0.0
    except ValueError:
        return 0.0
