"""How a headless run of Gemini CLI came out: its last events and its exit code, never the text of an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mailcore.model.message import parse_time
from mailcore.programs.base import Ending, Output, exit_words, tail
from mailcore.programs.gemini.limits import HTTP_STATUSES, quota_limit, suggested_delay
from mailcore.programs.json_schema import shaped
from mailcore.programs.transcript_reader import parse_line, short_result, text_of
from mailcore.system.safe_open import open_regular

LIMITS = {status & 0xFF: status for status in HTTP_STATUSES}
"""The HTTP status that ended it is its exit code, of which the system keeps eight bits; these it takes for a limit."""
EXITS = {
    41: "it is not logged in",
    42: "it refused its prompt or session",
    44: "its sandbox failed",
    52: "its settings are wrong",
    53: "its limit of turns is reached",
    54: "a tool failed",
    55: "the branch is no trusted folder",
    130: "it was cancelled",
}
FINAL_EXITS = {41, 52, 55}
"""Of these a further attempt would find the same."""
READ = 1 << 20
"""Bytes of the end of its output that are read."""


class Failure(msgspec.Struct):
    """What went wrong, of a tool use or of the run."""

    type: str | None = None
    message: str | None = None


class Event(msgspec.Struct):
    """An event that has a part in the outcome."""

    status: str | None = None
    """Of `result` and `tool_result`: success or error."""
    error: Failure | None = None
    severity: str | None = None
    """Of `error`: error or warning."""
    message: str | None = None
    role: str | None = None
    """Of `message`, which brings a piece of a text."""
    content: str | None = None
    tool_id: str | None = None
    tool_name: str | None = None


@dataclass(slots=True)
class _Outcome:
    """What the events report."""

    result: Event | None = None
    ended_at: float = 0.0
    """When that was written, in seconds since the epoch; 0.0: not said."""
    model: str = ""
    """The one that the run began with."""
    said: str = ""
    error: str = ""
    warning: str = ""
    refused: tuple[str, ...] = ()
    odd: dict[str, str] = field(default_factory=dict)
    """What of them does not fit, in words."""


def ending(exit_code: int, output: Output) -> Ending:
    """Success is exit 0 and a `result` of status success: an answer that makes no sense to it also exits with 0."""
    outcome = _read_events(tail(output.stdout, READ))
    words = exit_words(exit_code)
    if exit_code == 0 and outcome.result is not None and outcome.result.status == "success":
        refused = f"not permitted: {', '.join(outcome.refused)}" if outcome.refused else ""
        return Ending(
            True, ", ".join(filter(None, (words, refused, outcome.warning, *outcome.odd.values()))), result=outcome.said
        )
    failure = outcome.result.error if outcome.result is not None else None
    message = (failure.message if failure is not None else None) or ""
    why = short_result(_words(message)) or outcome.error or "; ".join(outcome.odd.values()) or EXITS.get(exit_code, "")
    if exit_code in LIMITS:
        status = LIMITS[exit_code]
        delay = f", to be tried again after {told}" if (told := suggested_delay(message)) else ""
        seen_at = min(outcome.ended_at or output.written_at, output.written_at)
        # Without an event that says why it failed, any command may end with that exit code.
        limit = quota_limit(status, message, why, outcome.model, seen_at) if message or outcome.error else None
        return Ending(False, f"API {status}{delay}{f': {why}' if why else ''}", True, outcome.said, limit=limit)
    if not why and outcome.result is None:
        why = "the stream ended without a result"
    return Ending(False, f"{words}: {why}" if why else words, result=outcome.said, final=exit_code in FINAL_EXITS)


def session_id(stdout: Path) -> str:
    """The session that the first event names; empty while there is none."""
    try:
        with open_regular(stdout) as file:
            for event in map(parse_line, file.read(READ).splitlines()):
                if event is not None and event.get("type") == "init":
                    return text_of(event, "session_id")
    except OSError:
        pass
    return ""


def _words(message: str) -> str:
    """`[API Error: The model is overloaded.]` and advice: the error itself."""
    first = message.partition("\n")[0]
    return first.removeprefix("[API Error: ").removesuffix("]")


def _read_events(lines: Iterable[str]) -> _Outcome:
    outcome, tools = _Outcome(), dict[str, str]()
    for values in (parse_line(line.encode("utf-8", "replace")) for line in lines):
        kind = values.get("type") if values is not None else None
        if values is not None and kind == "init":
            outcome.model = text_of(values, "model")
        if values is None or kind not in ("result", "message", "tool_use", "tool_result", "error"):
            continue
        try:
            event, wrong = shaped(values, Event, f"gemini's {kind}")
        except UnicodeError:  # half of a surrogate pair, as a key or where a table is expected
            continue
        outcome.odd |= wrong
        match kind:
            case "result":
                outcome.result, outcome.ended_at = event, parse_time(values.get("timestamp"))
            case "message" if event.role == "assistant":
                outcome.said += event.content or ""
            case "tool_use":
                outcome.said = ""  # what is said before a tool is used is not the answer
                tools[event.tool_id or ""] = event.tool_name or ""
            case "tool_result" if event.error is not None and event.error.type == "policy_violation":
                tool = tools.get(event.tool_id or "") or "a tool"
                outcome.refused = tuple(dict.fromkeys((*outcome.refused, tool)))
            case "error" if event.severity == "warning":
                outcome.warning = short_result(event.message or "")
            case "error":
                outcome.error = short_result(event.message or "")
    return outcome
