"""The usage limits that Claude Code reports: in what it prints and in its session files, by fields, else by words.

A refused request stands in the session file with `quotaLimits`, in the stream that it prints as a `rate_limit_event`;
the result object alone has no more than a status and the words that a person is shown (contract claude-code).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mailcore.model.limit import SERVICE, Certainty, Limit
from mailcore.programs.base import tail
from mailcore.programs.limit_values import HOUR, WEEK, field_share, field_time, said_words, words_time
from mailcore.programs.transcript_reader import list_of, parse_line, table_of, text_of

OVERLOADED = (503, 529)
LIMITED = (429, *OVERLOADED)
"""HTTP status of an overloaded service, and of that or a rate limit."""
CREDITS = "usage credits"
"""The scope of what an account may spend beyond its plan."""

_NONE = Limit("claude")
_OF_TYPE = {
    "five_hour": Limit("claude", "5 h", window=5 * HOUR),
    "seven_day": Limit("claude", "week", window=WEEK),
    "seven_day_overage_included": Limit("claude", "week of fable", window=WEEK, model="fable"),
    "overage": Limit("claude", CREDITS),
}
"""What a `rateLimitType` is of; others are `seven_day_MODEL`."""
_OF_NAME = {"session": "five_hour", "5-hour": "five_hour", "weekly": "seven_day", "usage credit": "overage"}
"""The types that it has names for when it tells a person."""
_NAMED = re.compile(
    r"^You(?:['’]ve| have) (?:hit|reached) your (?P<name>[^·|\n]{0,60}?)\s*\blimit\b"
    r"|^(?P<reached>Claude AI usage|(?:\d-hour|weekly|session|usage)|(?:opus|sonnet)(?: weekly)?) limit reached\b"
    r"|^You['’]re out of (?P<credits>extra usage|usage credits)\b",
    re.IGNORECASE,
)
"""How its words for a reached limit begin: `You've hit your weekly limit`, `5-hour limit reached`."""
_MODEL = re.compile(r"(?:weekly )?(opus|sonnet|haiku|fable)\b[\w. ]*", re.IGNORECASE)
_MONEY = re.compile(r"\b(?:spend|monthly|individual|credits?)\b", re.IGNORECASE)
_SERVICES = ("not your usage limit", "is experiencing high load")
"""In the words of a refusal with 429 that is none of the account's."""
_MOMENT = re.compile(r"\|(\d{9,11})\b")
"""Older releases write the moment itself: `Claude AI usage limit reached|1764460800`."""


class PrintedLimits:
    """Reads the limits in the lines that it prints with `--output-format stream-json`; what else those say is known."""

    def read(self, line: bytes, now: float) -> list[Limit] | None:
        """As of `OutputReader.read`."""
        if not line.startswith(b"{"):
            return None
        event = parse_line(line) if b'"rate_limit_event"' in line else None
        return printed_limits(event, now) if event is not None else []


def printed_limits(event: Mapping[str, Any], seen_at: float) -> list[Limit]:
    """What a line reports that it prints, or writes into its session file; empty of what is about no limit."""
    match event.get("type"):
        case "rate_limit_event":
            return list(quota_limits(table_of(event, "rate_limit_info"), seen_at))
        case "assistant" if True in (event.get("isApiErrorMessage"), event.get("is_api_error_message")):
            status = event.get("apiErrorStatus", event.get("api_error_status"))
            if status is None and (error := event.get("error")) is not None:
                status = 429 if error == "rate_limit" else 0
            blocks = list_of(table_of(event, "message"), "content")
            words = " ".join(text_of(block, "text") for block in blocks if isinstance(block, dict))
            if event.get("apiErrorIsTransient") is True and status == 429:
                return [_overload(words, seen_at)]
            params = table_of(event, "apiErrorParams") or table_of(event, "api_error_params")
            quota = table_of(event, "quotaLimits") or table_of(params, "rate_limit_info")
            limit = refusal_limit(status, words, seen_at, quota)
            return [limit] if limit is not None else []
        case _:
            return []


def quota_limits(info: Mapping[str, Any], seen_at: float) -> Iterator[Limit]:
    """What `rate_limit_info` and `quotaLimits` report: the limit that decides, then the other windows."""
    kind, windows = text_of(info, "rateLimitType"), table_of(info, "unifiedWindows")
    served = info.get("isUsingOverage") is True  # what exceeds the limit is paid for
    decisive = {**table_of(windows, kind), **{key: value for key, value in info.items() if value is not None}}
    if not decisive.get("resetsAt"):
        decisive["resetsAt"] = info.get("overageResetsAt")
    found = _window(kind, decisive, seen_at)
    if (found.reached and (kind or found.resets_at)) or found.used is not None:
        yield replace(found, reached=found.reached and not served)
    for other in windows:
        if other != kind and (window := _window(other, table_of(windows, other), seen_at)).used is not None:
            yield window


def refusal_limit(status: object, words: str, seen_at: float, quota: Mapping[str, Any] | None = None) -> Limit | None:
    """The limit that a refused request met; None if it was refused for something else.

    `status`: the service's HTTP status, None where an older release reports none; `quota`: the limit's own fields.
    """
    if status in OVERLOADED or (status == 429 and any(mark in words for mark in _SERVICES)):
        return _overload(words, seen_at)
    named = _NAMED.search(words)
    if status != 429 and (status is not None or named is None):
        return None
    limit = replace(_of_words(named) if named is not None else _NONE, seen_at=seen_at, words=said_words(words))
    if quota and (reported := next(quota_limits(quota, seen_at), _NONE)).resets_at:
        return replace(reported, reached=True, words=limit.words, scope=reported.scope or limit.scope)
    moment = field_time(int(found[1]), seen_at) if (found := _MOMENT.search(words)) else 0.0
    at = moment or words_time(words, seen_at, window=limit.window)
    return replace(limit, resets_at=at, certainty=Certainty.READ if at else Certainty.UNKNOWN)


def ending_limit(
    status: object, words: str, sessions: Iterable[Path], printed: Iterable[str], seen_at: float
) -> Limit | None:
    """The limit that ended a run, as its result says by status and words; better by the fields of what led to it.

    `printed`: the lines before the result, the last first. Where they have none, the files of its `sessions` are looked
    into.
    """
    limit = refusal_limit(status, words, seen_at)
    if limit is None or limit.scope == SERVICE:
        return limit
    written = (line for path in sessions for line in reversed(tail(path)))
    for lines in (printed, written):
        for line in lines:
            event = parse_line(line.encode("utf-8", "replace")) if "imit" in line else None
            for one in printed_limits(event, seen_at) if event is not None else ():
                if one.reached and one.certainty is Certainty.REPORTED and one.words in ("", limit.words):
                    return replace(one, words=limit.words)
    return limit


def _overload(words: str, seen_at: float) -> Limit:
    """The service refuses whomever: that is none of the account's limits."""
    return replace(_NONE, scope=SERVICE, seen_at=seen_at, words=said_words(words))


def _window(kind: str, values: Mapping[str, Any], seen_at: float) -> Limit:
    at = field_time(values.get("resetsAt"), seen_at)
    certainty = Certainty.REPORTED if at else Certainty.UNKNOWN
    reached, used = values.get("status") == "rejected", field_share(values.get("utilization"))
    return replace(_of_type(kind), reached=reached, used=used, resets_at=at, seen_at=seen_at, certainty=certainty)


def _of_type(kind: str) -> Limit:
    model = kind.removeprefix("seven_day_")
    if kind in _OF_TYPE or model == kind:
        return _OF_TYPE.get(kind) or replace(_NONE, scope=kind.replace("_", " ")[:60])
    return replace(_NONE, scope=f"week of {model.replace('_', ' ')[:60]}", window=WEEK, model=model)


def _of_words(named: re.Match[str]) -> Limit:
    """What a limit is of that has such a name: a window, a model, money; where that says nothing, all of it."""
    name = " ".join((named["name"] or named["reached"] or "").lower().split())
    if named["credits"] or (name not in _OF_NAME and _MONEY.search(name)):
        return _OF_TYPE["overage"]
    if name in _OF_NAME:
        return _OF_TYPE[_OF_NAME[name]]
    if model := _MODEL.fullmatch(name):
        return _of_type(f"seven_day_{model[1]}")
    return _NONE if name in ("", "usage", "claude ai usage") else replace(_NONE, scope=name)
