"""A request for permission, whole: what would be done, where, by whom, until when. Pure; all of it is untrusted."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby, islice
from typing import Any

from mailcore.model.permission import SUBJECT_KEYS, PermissionRequest, remembered
from mailcore.text.units import clock_time, duration, since
from praxmonitor.text.blocks import SLICE, TextBlock, block_rows
from praxmonitor.text.lines import Line, plain, wrap

NAME_CELLS = 12
"""Cells before what is said of it."""
MAX_TOOL_TITLE = 200
"""Characters of a tool's name in a title."""
MOST_HINTED = 8
"""Lines of what would be done where only a part of it is shown."""
MOST_COMPARED = 2000
"""Lines of an edit that are compared; of a longer one all that goes is shown, then all that comes."""
_SIGNS = {"+": "state-done", "-": "state-failed"}


def request_title(request: PermissionRequest) -> str:
    """Who asks for what, in a few words that may be drawn."""
    return f"{plain(request.agent)} asks for permission: {plain(request.tool[:MAX_TOOL_TITLE]) or 'a tool'}"


def request_blocks(request: PermissionRequest, now: float, width: int) -> Iterator[TextBlock]:
    """All of it."""
    yield from deed_blocks(request, width)
    yield TextBlock("", "", ("", ""))
    yield from _circumstances(request, now, width)


def deed_blocks(request: PermissionRequest, width: int) -> Iterator[TextBlock]:
    """What would be done: the tool, then all that it is given; of an edit what it takes away and what it puts there."""
    yield from _labelled("tool", request.tool or "unknown", width)
    given = dict(request.tool_input)
    for key in [key for key in SUBJECT_KEYS if key in given]:
        yield _value(key, given.pop(key))
    yield from _changes(given, width)
    for key, value in given.items():
        yield _value(key, value)


def first_rows(blocks: Iterable[TextBlock], width: int, most: int) -> list[Line]:
    """The first `most` rows of them; no more is looked at than that."""
    return list(islice(chain.from_iterable(block_rows(block, width) for block in blocks), most))


def hinted(request: PermissionRequest, width: int, key: str, most: int = MOST_HINTED) -> list[Line]:
    """The first `most` lines of what would be done; `key` shows all of it."""
    lines = first_rows(deed_blocks(request, width), width, most + 1)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], ((f"{'':<{NAME_CELLS}}… and more: {key or 'the palette'} shows all of it", "warn"),)]


def circumstances(request: PermissionRequest, now: float, width: int) -> Iterator[Line]:
    """Where, by whom, since when, until when, and what an answer for the session would allow."""
    for block in _circumstances(request, now, width):
        yield from block_rows(block, width)


def _circumstances(request: PermissionRequest, now: float, width: int) -> Iterator[TextBlock]:
    yield from _labelled("agent", request.agent, width)
    yield from _labelled("subagent", request.subagent, width)
    yield from _labelled("in", request.directory, width)
    yield from _labelled("asked", f"{clock_time(request.at)}, {since(request.at, now)} ago", width)
    left = max(0.0, request.until - now)
    yield from _labelled("until", f"{clock_time(request.until)}, {duration(left)} more", width)
    there = (
        "its program asks at its own terminal at the same time; the first answer counts"
        if request.beside
        else "its program asks at its own terminal when nobody answers here until then"
    )
    yield from _labelled("there", there, width)
    yield from _labelled("always", "; ".join(always_words(request)), width)


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


def _changes(given: dict[str, Any], width: int) -> Iterator[TextBlock]:
    """The edits and the new text of a file, which are taken out of what is given."""
    edits = given.pop("edits", None) if _are_edits(given.get("edits")) else []
    if isinstance(given.get("old_string"), str) and isinstance(given.get("new_string"), str):
        edits = [*edits, {"old_string": given.pop("old_string"), "new_string": given.pop("new_string")}]
    for edit in map(dict, edits):
        yield from _diff(edit.pop("old_string"), edit.pop("new_string"))
        for key, value in edit.items():
            yield _value(key, value)
    for key in ("content", "new_source"):
        if isinstance(given.get(key), str):
            yield from _labelled("writes", "all of the file:" if key == "content" else "the cell:", width)
            yield _signed("+", given.pop(key))


def _are_edits(edits: object) -> bool:
    keys = ("old_string", "new_string")
    return isinstance(edits, list) and all(
        isinstance(edit, dict) and all(isinstance(edit.get(key), str) for key in keys) for edit in edits
    )


def _diff(old: str, new: str) -> Iterator[TextBlock]:
    if old.count("\n") + new.count("\n") + 2 > MOST_COMPARED:
        yield from (_signed("-", old), _signed("+", new))
        return
    before, after = old.split("\n"), new.split("\n")
    changed = list(difflib.unified_diff(before, after, n=MOST_COMPARED, lineterm=""))[3:]  # one hunk, with no head
    for sign, lines in groupby(changed or [f" {line}" for line in after], key=lambda line: line[:1]):
        yield _signed(sign, "\n".join(line[1:] for line in lines))


def _signed(sign: str, text: str) -> TextBlock:
    roles = _SIGNS.get(sign, "muted")
    return TextBlock(text, roles, (f"{sign} ", roles), each=True)


def _value(key: str, value: object) -> TextBlock:
    """One value under its key, each line of it as it stands: nothing of it is left out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return TextBlock(text, "strong", (f"{plain(key[:NAME_CELLS])[: NAME_CELLS - 1]:<{NAME_CELLS}}", "faint"))


def _labelled(label: str, text: str, width: int) -> Iterator[TextBlock]:
    """What is said of it, broken at blanks; a text that is longer than anything should be, as a value."""
    if text:
        short = len(text) <= SLICE
        told = "\n".join(wrap(plain(text), max(10, width - NAME_CELLS))) if short else text
        yield TextBlock(told, "", (f"{label:<{NAME_CELLS}}", "faint"))
