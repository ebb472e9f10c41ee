"""Words of others as they are handed to a language model: framed, so that nothing in them can end their frame.

Each output draws a boundary of its own, which no text in it holds; only this program writes its two lines. What stands
within a sentence of ours is quoted as JSON instead: on one line, its quotes escaped.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from mailcore.text import counted, hidden_characters, line, plain
from mailcore.text.clusters import clusters

_BRACKETS = str.maketrans("<>", "‹›")
TAB = 4


def boundary(texts: Iterable[str]) -> str:
    """A word that stands in none of the texts, and that nobody could know when they were written."""
    texts = list(texts)
    while any((word := os.urandom(8).hex()) in text for text in texts):
        pass
    return word


def framed(word: str, head: Sequence[str], body: str, number: int = 1, count: int = 1) -> str:
    """One message between the two lines of its boundary; each line of `head` is ours, made with `quoted` or `line`."""
    which = f"{word} ({number} of {count})"
    unseen = hidden_characters(body)
    size = counted(len(body.splitlines()), "line") + (
        f", {counted(unseen, 'unseen character')} removed" if unseen else ""
    )
    return "\n".join(
        [f"=== message {which} begins ===", *head, f"body: {size}", "", plain(body), f"=== message {which} ends ==="]
    )


def quoted(text: str, limit: int = 120) -> str:
    """Untrusted text within a sentence of ours: one line, in quotes that it cannot close, and no tags."""
    return json.dumps(line(text.translate(_BRACKETS), limit), ensure_ascii=False)


def harmless(value: Any) -> Any:
    """A JSON value with every text `plain`, keys too: for a program that decodes it and hands it to a model."""
    match value:
        case str():
            return plain(value)
        case dict():
            return {plain(key) if isinstance(key, str) else key: harmless(inner) for key, inner in value.items()}
        case list() | tuple():
            return [harmless(inner) for inner in value]
    return value


def indented(text: str, width: int) -> str:
    """Untrusted text for a terminal of so many cells: every line of it begins with two blanks, folded ones too.

    Lines of ours begin at the margin: none of these can be taken for one.
    """
    lines = []
    for raw in plain(text).expandtabs(TAB).split("\n"):
        lines += [f"  {part}" for part in _folded(raw, max(10, width - 3))]
    return "\n".join(lines)


def _folded(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at blanks where there is one."""
    if text.isascii() and len(text) <= width:
        return [text]
    parts: list[str] = []
    line, taken, blank = "", 0, -1
    for sign in clusters(text):
        wide = _most_cells(sign)
        if taken + wide > width and line:
            # At the last blank of the line, if it has one.
            end = blank + 1 if blank > 0 else len(line)
            parts.append(line[:end].rstrip())
            line = line[end:]
            taken, blank = _most_cells(line), -1
        if sign == " ":
            blank = len(line)
        line += sign
        taken += wide
    return [*parts, line]


def _most_cells(text: str) -> int:
    """As many cells as any terminal gives it: some draw each part of a joined sign, and signs of doubtful width wide.

    A line that is folded by the terminal itself would begin at the margin.
    """
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" or ord(one) > 0x1F000 else 1 for one in text)
