"""A request for permission, whole: what would be done, where, by whom, until when. Pure; all of it is untrusted."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from rich.cells import chop_cells

from mailcore.model.permission import SUBJECT_KEYS, PermissionRequest, remembered
from mailcore.text.units import clock_time, duration, since
from praxmonitor.text.lines import Line, plain, wrap

NAME_CELLS = 12
"""Cells before what is said of it."""
MOST_HINTED = 8
"""Lines of what would be done where only a part of it is shown."""
MOST_COMPARED = 2000
"""Lines of an edit that are compared; of a longer one all that goes is shown, then all that comes."""
SLICE = 4096
"""Characters of a long line that are made harmless and broken at a time."""
_SIGNS = {"+": "state-done", "-": "state-failed"}


def request_title(request: PermissionRequest) -> str:
    """Who asks for what, in a few words that may be drawn."""
    return f"{plain(request.agent)} asks for permission: {plain(request.tool) or 'a tool'}"


def permission_lines(request: PermissionRequest, now: float, width: int) -> list[Line]:
    """All of it, in lines of `width` cells."""
    return [*deed_lines(request, width), (), *circumstances(request, now, width)]


def deed_lines(request: PermissionRequest, width: int) -> list[Line]:
    """What would be done: the tool, then all that it is given; of an edit what it takes away and what it puts there."""
    return list(_deed(request, width))


def _deed(request: PermissionRequest, width: int) -> Iterator[Line]:
    yield from _labelled("tool", plain(request.tool) or "unknown", width)
    given = dict(request.tool_input)
    for key in [key for key in SUBJECT_KEYS if key in given]:
        yield from _value(key, given.pop(key), width)
    yield from _changes(given, width)
    for key, value in given.items():
        yield from _value(key, value, width)


def hinted(request: PermissionRequest, width: int, key: str, most: int = MOST_HINTED) -> list[Line]:
    """The first `most` lines of what would be done; `key` shows all of it."""
    lines = list(islice(_deed(request, width), most + 1))
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], ((f"{'':<{NAME_CELLS}}… and more: {key or 'the palette'} shows all of it", "warn"),)]


def circumstances(request: PermissionRequest, now: float, width: int) -> Iterator[Line]:
    """Where, by whom, since when, until when, and what an answer for the session would allow."""
    yield from _labelled("agent", plain(request.agent), width)
    yield from _labelled("subagent", plain(request.subagent), width)
    yield from _labelled("in", plain(request.directory), width)
    yield from _labelled("asked", f"{clock_time(request.at)}, {since(request.at, now)} ago", width)
    left = max(0.0, request.until - now)
    yield from _labelled("until", f"{clock_time(request.until)}, {duration(left)} more", width)
    there = (
        "its program asks at its own terminal at the same time; the first answer counts"
        if request.beside
        else "its program asks at its own terminal when nobody answers here until then"
    )
    yield from _labelled("there", there, width)
    yield from _labelled("always", "; ".join(map(plain, always_words(request))), width)


def always_words(request: PermissionRequest) -> list[str]:
    """Exactly what an answer for the whole session would let be done without asking."""
    if not request.remembers:
        return ["its program takes an answer for this once alone"]
    rules = [rule for one in remembered(request) for rule in _rules(one)]
    return [f"until the session ends, without asking: {', '.join(rules)}"]


def _rules(update: Mapping[str, Any]) -> Iterator[str]:
    rules = update.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict):
            content = rule.get("ruleContent")
            yield f"{rule.get('toolName', 'a tool')}" + (f"({content})" if content is not None else ", whatever it is")
        else:
            yield json.dumps(rule)


def _changes(given: dict[str, Any], width: int) -> Iterator[Line]:
    """The edits and the new text of a file, which are taken out of what is given."""
    edits = given.pop("edits", None) if _are_edits(given.get("edits")) else []
    if isinstance(given.get("old_string"), str) and isinstance(given.get("new_string"), str):
        edits = [*edits, {"old_string": given.pop("old_string"), "new_string": given.pop("new_string")}]
    for edit in map(dict, edits):
        yield from _diff(edit.pop("old_string"), edit.pop("new_string"), width)
        for key, value in edit.items():
            yield from _value(key, value, width)
    for key in ("content", "new_source"):
        if isinstance(given.get(key), str):
            yield from _labelled("writes", "all of the file:" if key == "content" else "the cell:", width)
            for text in _lines(given.pop(key)):
                yield from _sign("+", text, width)


def _are_edits(edits: object) -> bool:
    keys = ("old_string", "new_string")
    return isinstance(edits, list) and all(
        isinstance(edit, dict) and all(isinstance(edit.get(key), str) for key in keys) for edit in edits
    )


def _diff(old: str, new: str, width: int) -> Iterator[Line]:
    if old.count("\n") + new.count("\n") + 2 > MOST_COMPARED:
        found = chain((f"-{line}" for line in _lines(old)), (f"+{line}" for line in _lines(new)))
    else:
        before, after = old.split("\n"), new.split("\n")
        changed = list(difflib.unified_diff(before, after, n=MOST_COMPARED, lineterm=""))[3:]  # one hunk, with no head
        found = chain(changed or (f" {line}" for line in after))
    for text in found:
        yield from _sign(text[:1], text[1:], width)


def _sign(sign: str, text: str, width: int) -> Iterator[Line]:
    for number, part in enumerate(_broken(text, width - 2)):
        yield ((f"{sign if not number else ' '} {part}", _SIGNS.get(sign, "muted")),)


def _value(key: str, value: object, width: int) -> Iterator[Line]:
    """One value under its key, each line of it as it stands: nothing of it is left out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    parts = (part for line in _lines(text) for part in _broken(line, width - NAME_CELLS))
    for number, part in enumerate(parts):
        yield ((f"{plain(key)[: NAME_CELLS - 1] if not number else '':<{NAME_CELLS}}", "faint"), (part, "strong"))


def _lines(text: str) -> Iterator[str]:
    """Its lines, one after another: of a text of which only the beginning is drawn no more is looked at."""
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin:end]
        begin = end + 1
    yield text[begin:]


def _broken(text: str, width: int) -> Iterator[str]:
    """One line in parts of at most `width` cells, none of it left out; again no more is looked at than is drawn."""
    rest = ""
    for begin in range(0, max(1, len(text)), SLICE):
        rest += plain(text[begin : begin + SLICE].expandtabs(4))
        *full, rest = chop_cells(rest, max(4, width)) or [""]
        yield from full
    yield rest


def _labelled(label: str, text: str, width: int) -> Iterator[Line]:
    for number, part in enumerate(wrap(text, max(10, width - NAME_CELLS)) if text else ()):
        yield ((f"{label if not number else '':<{NAME_CELLS}}", "faint"), (part, ""))
