"""How a headless run of Gemini CLI came out: its last events and its exit code, never the text of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.files import opened
from mailcore.programs.base import Ending, Output, exit_words, tail
from mailcore.programs.transcript import parsed, short, table_of, text_of

LIMITS = {status & 0xFF: status for status in (429, 499, 503)}
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
FINAL = {41, 52, 55}
"""Of these a further attempt would find the same."""
READ = 1 << 20
"""Bytes of the end of its output that are read."""

_DELAY = re.compile(r"^Suggested retry after ([0-9.]{1,12}s)\.?\]?$", re.MULTILINE)
"""The line that it makes itself of a delay which the service told in a field of its own."""


@dataclass(slots=True)
class _Told:
    """What the events tell."""

    result: Mapping[str, Any] | None = None
    said: str = ""
    error: str = ""
    warning: str = ""
    refused: tuple[str, ...] = ()


def ending(exit_code: int, output: Output) -> Ending:
    """Success is exit 0 and a `result` of status success: an answer that makes no sense to it also exits with 0."""
    told = _told(_events(tail(output.stdout, READ)))
    words = exit_words(exit_code)
    if exit_code == 0 and told.result is not None and told.result.get("status") == "success":
        refused = f"not permitted: {', '.join(told.refused)}" if told.refused else ""
        return Ending(True, ", ".join(filter(None, (words, refused, told.warning))), result=told.said)
    message = text_of(table_of(told.result or {}, "error"), "message")
    why = short(_words(message)) or told.error or EXITS.get(exit_code, "")
    if exit_code in LIMITS:
        status = LIMITS[exit_code]
        delay = f", to be tried again after {found[1]}" if (found := _DELAY.search(message)) else ""
        return Ending(False, f"API {status}{delay}: {why}".removesuffix(": "), True, told.said)
    if not why and told.result is None:
        why = "the stream ended without a result"
    return Ending(False, f"{words}: {why}" if why else words, result=told.said, final=exit_code in FINAL)


def _words(message: str) -> str:
    """`[API Error: The model is overloaded.]` and advice: the error itself."""
    first = message.partition("\n")[0]
    return first.removeprefix("[API Error: ").removesuffix("]")


def session_id(stdout: Path) -> str:
    """The session that the first event names; empty while there is none."""
    try:
        with opened(stdout) as file:
            for event in _events(file.read(READ).decode("utf-8", "replace").splitlines()):
                if event.get("type") == "init":
                    return text_of(event, "session_id")
    except OSError:
        pass
    return ""


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        event = parsed(line.encode("utf-8", "replace"))
        if event is not None:
            yield event


def _told(events: Iterable[Mapping[str, Any]]) -> _Told:
    told, tools = _Told(), dict[str, str]()
    for event in events:
        match event.get("type"):
            case "result":
                told.result = event
            case "message" if event.get("role") == "assistant":
                told.said += text_of(event, "content")
            case "tool_use":
                told.said = ""  # what is said before a tool is used is not the answer
                tools[text_of(event, "tool_id")] = text_of(event, "tool_name")
            case "tool_result" if text_of(table_of(event, "error"), "type") == "policy_violation":
                tool = tools.get(text_of(event, "tool_id")) or "a tool"
                told.refused = tuple(dict.fromkeys((*told.refused, tool)))
            case "error" if event.get("severity") == "error":
                told.error = short(text_of(event, "message"))
            case "error":
                told.warning = short(text_of(event, "message"))
    return told
