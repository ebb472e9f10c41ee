"""What a record of a log tells beside its message: how bad it was, and the stack that it carries."""

from __future__ import annotations

import json
import re
from typing import Any

from mailcore.observe.log_levels import LogLine

_FATAL = re.compile(r"(?i:\b(?:fatal|critical|crit|panic|dpanic|alert|emerg|emergency)\b)|^F\d{4} |\[F\]")
_FATAL_LEVEL = re.compile(
    r'(?i)"(?:level|severity|lvl|levelname|log\.level|loglevel)" ?: ?(?:"(?:fatal|critical|crit|panic|dpanic'
    r"|alert|emerg)|[6-9]0\b)"
)
_STACKS = (
    "stack",
    "stacktrace",
    "stack_trace",
    "stackTrace",
    "exc_info",
    "exception",
    "traceback",
    "error.stack_trace",
)
_HOLDERS = ("err", "error", "exception")
MAX_STACK_LINES = 200


def is_fatal(whole: str, line: LogLine) -> bool:
    """Whether its level is one after which nothing went on."""
    if line.form == "json":
        return _FATAL_LEVEL.search(whole) is not None
    before = whole[: len(whole) - len(line.text)] if line.text and whole.endswith(line.text) else whole[:100]
    return _FATAL.search(before) is not None


def stack_of_record(whole: str) -> list[str]:
    """The lines of the stack that a JSON record carries; none if it has none."""
    try:
        record: Any = json.loads(whole)
    except (ValueError, RecursionError):
        return []
    for holder in (record, *(record.get(name) for name in _HOLDERS if isinstance(record, dict))):
        if isinstance(holder, dict):
            for name in _STACKS:
                if isinstance(stack := holder.get(name), str) and "\n" in stack:
                    return [line for line in stack.split("\n")[:MAX_STACK_LINES] if line.strip()]
    return []


def with_record(text: str) -> str:
    """`API Error: 529 {"error": {"type": "overloaded", …}}` with the type and the message in place of the JSON."""
    before, brace, after = text.partition("{")
    try:
        record: Any = json.loads(brace + after)
    except (ValueError, RecursionError):
        return text
    inner = record.get("error", record) if isinstance(record, dict) else None
    told = [inner.get(key) for key in ("type", "message")] if isinstance(inner, dict) else [inner]
    words = ": ".join(word for word in told if isinstance(word, str) and word)
    return f"{before.strip()} {words}".strip() if words else text
