"""The usage limits that Codex reports: in its session files by windows, in its events by the words of its failure.

`rate_limits` of a `token_count` holds a window or two, each with its share and its reset. What it prints has no such
field: there the thread's own session file is asked first, and only then the words (contract codex).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mailcore.model.limit import SERVICE, Certainty, Limit
from mailcore.programs.base import tail
from mailcore.programs.codex.places import file_of
from mailcore.programs.limit_values import field_delay, field_share, field_time, said_words, window_words, words_time
from mailcore.programs.transcript_reader import count_of, parse_line, table_of, text_of

TAIL = 262_144
"""Bytes of the end of a session file in which its last windows are looked for."""

_NONE = Limit("codex")
_SPENT = re.compile(
    r"You(?:['’]ve| have) hit your usage limit(?: for (?P<model>[^\n,]{1,60}?)\.(?= Switch))?"
    r"|Your workspace is out of credits\b|You hit your spend cap\b"
)
"""Its words for a limit of the account that is reached."""
_STATUS = re.compile(r"\blast status: (429|503|529)\b")
"""It has no status field: the words with which it gives up carry the number."""
_OVERLOADED = ("Selected model is at capacity", "We're currently experiencing high demand")
_ALL_MODELS = ("", "codex")
"""Names of the limit that all models share."""


class SessionLimits:
    """Reads the limits in the events of one session file."""

    def __init__(self) -> None:
        self._reached = 0.0
        """When a window was last reported to be used up, in seconds since the epoch."""

    def read(self, payload: Mapping[str, Any], at: float) -> list[Limit]:
        """What an event of that time reports; empty of what is about no limit."""
        match payload.get("type"):
            case "token_count":
                found = window_limits(table_of(payload, "rate_limits"), at)
                self._reached = at if any(limit.reached for limit in found) else 0.0
                return found
            case "task_complete" | "error" | "turn_failed":
                error = payload if payload.get("type") == "error" else table_of(payload, "error")
                limit = failure_limit(error, at) if error else None
                # The windows that were reported just before say the same, and better.
                return [limit] if limit is not None and (limit.scope == SERVICE or not self._reached) else []
            case _:
                return []


def window_limits(rates: Mapping[str, Any], seen_at: float) -> list[Limit]:
    """What `rate_limits` reports: each window, reached or not."""
    name = text_of(rates, "limit_name") or text_of(rates, "limit_id")
    model = "" if name.lower() in _ALL_MODELS else name[:60]
    found = []
    for key in ("primary", "secondary"):
        window = table_of(rates, key)
        used = field_share(window.get("used_percent"), 100)
        if used is None:
            continue
        seconds = count_of(window, "window_minutes") * 60.0
        at = field_time(window.get("resets_at"), seen_at) or field_delay(window.get("resets_in_seconds"), seen_at)
        certainty = Certainty.REPORTED if at else Certainty.UNKNOWN
        scope = " of ".join(filter(None, (window_words(seconds) or key, model)))
        found.append(Limit("codex", scope, used >= 1.0, used, at, seen_at, certainty, "", seconds, model))
    reached = text_of(rates, "rate_limit_reached_type")
    if reached and not any(limit.reached for limit in found):
        found.append(Limit("codex", model, seen_at=seen_at, words=said_words(reached), model=model))
    return found


def failure_limit(failure: Mapping[str, Any], seen_at: float) -> Limit | None:
    """The limit that a failure is, by its fields, else by the words of its message; None if it is another failure."""
    words, info = text_of(failure, "message"), failure.get("codex_error_info")
    spent = _SPENT.search(words)
    if text_of(failure, "type") == "usage_limit_reached" or info == "usage_limit_exceeded" or spent is not None:
        model = spent["model"] or "" if spent is not None else ""
        limit = replace(_NONE, scope=model, model=model, seen_at=seen_at, words=said_words(words))
        reported = field_time(failure.get("resets_at"), seen_at)
        if at := reported or field_delay(failure.get("resets_in_seconds"), seen_at):
            return replace(limit, resets_at=at, certainty=Certainty.REPORTED)
        at = words_time(words, seen_at)
        return replace(limit, resets_at=at, certainty=Certainty.READ if at else Certainty.UNKNOWN)
    status = _status(info, words)
    if status or info == "server_overloaded" or words.startswith(_OVERLOADED):
        return replace(_NONE, scope="" if status == 429 else SERVICE, seen_at=seen_at, words=said_words(words))
    return None


def _status(info: object, words: str) -> int:
    """The HTTP status of a limit or an overload that it gave up at; 0 of any other failure."""
    fields = next(iter(info.values()), None) if isinstance(info, dict) else None
    if isinstance(fields, dict) and (status := count_of(fields, "http_status_code")):
        return status if status in (429, 503, 529) else 0
    return int(found[1]) if (found := _STATUS.search(words)) else 0


def thread_limit(limit: Limit, thread_id: str, home: Path | None) -> Limit:
    """The limit that ended a thread's turn, better if the last windows in its session file say when it is lifted."""
    path = None
    if home is not None and limit.scope != SERVICE and limit.certainty is not Certainty.REPORTED:
        path = file_of(thread_id, home)
    for line in reversed(tail(path, TAIL)) if path is not None else ():
        event = parse_line(line.encode("utf-8", "replace")) if '"rate_limits"' in line else None
        if event is not None and (rates := table_of(table_of(event, "payload"), "rate_limits")):
            found = [one for one in window_limits(rates, limit.seen_at) if one.reached and one.resets_at]
            last = max(found, key=lambda one: one.resets_at, default=limit)
            return last if last is limit else replace(last, words=limit.words)
    return limit
