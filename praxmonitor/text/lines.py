"""Lines of text and their widths. Pure: no widget, no clock, no disk.

Everything an agent wrote passes `plain` before it is drawn.

A `Line` is a tuple of spans, a span a text and the names of the roles that colour it (`"state-silent strong"`). The
widgets turn roles into styles; a test reads the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size

from mailcore.model.fleet import State
from mailcore.text import names
from mailcore.text import plain as text_plain

Span: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Span, ...]
Respelled: TypeAlias = Callable[[str], str]
"""A text of ours → the same, with the keys that hold where it names others: `kill (D)` may be `kill (X)`."""

ROLES = {
    *(f"state-{state.name.lower().replace('_', '-')}" for state in State),
    "card",
    "selected",
    "strong",
    "emphasis",
    "underlined",
    "struck",
    "reversed",
    "hit",
    "muted",
    "faint",
    "accent",
    "warn",
    "error",
}
"""Every role a span may name. `card` and `selected` are the ground that it stands on."""


# Rich counts two cells for a sign with a variation selector, many terminals draw one; in a joined emoji both count two.
_SELECTOR = re.compile("[\ufe00-\ufe0f](?!\u200d)")
_BREAKS = str.maketrans("\n\t", "  ")


def plain(text: str) -> str:
    """Untrusted text as one harmless line: mailcore's rule, and newlines and tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return _SELECTOR.sub("", text_plain(text)).translate(_BREAKS)


def sender(text: str) -> str:
    """Who wrote, as one harmless line; a name that only looks like another's says so first."""
    return plain(names.safe_sender(text))


def width_of(line: Iterable[Span]) -> int:
    """Width in terminal cells."""
    return sum(cell_len(text) for text, _ in line)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width) if text.isspace() else set_cell_size(text, width - 1).rstrip() + "…"


def pad(text: str, width: int) -> str:
    """`text` in exactly `width` cells."""
    return set_cell_size(cut(text, width), max(0, width))


def fit(line: Iterable[Span], width: int) -> Line:
    """A line of exactly `width` cells: cut with an ellipsis, or filled with blanks."""
    spans: list[Span] = []
    left = width
    for text, role in line:
        taken = cut(text, left)
        spans.append((taken, role))
        left -= cell_len(taken)
        if taken != text:
            break
    if left > 0:
        spans.append((" " * left, ""))
    return tuple(spans)


def on_ground(line: Iterable[Span], ground: str) -> Line:
    """The same line on the ground of that role."""
    return tuple((text, f"{ground} {roles}") for text, roles in line)


def changed_cells(before: Line, after: Line) -> tuple[int, int]:
    """The first cell in which two lines differ, and the one after the last."""
    start = end = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        start += cell_len(one[0])
    widths = width_of(before), width_of(after)
    if widths[0] == widths[1]:
        for one, other in zip(reversed(before), reversed(after), strict=False):
            if one != other:
                break
            end += cell_len(one[0])
    return start, max(start, max(widths) - end)


def spread(left: Iterable[Span], right: Iterable[Span], width: int) -> Line:
    """`left` and `right` pushed apart to `width` cells; `right` is kept whole, `left` is cut."""
    end = tuple(right)
    room = width - width_of(end)
    if room < 4:
        return fit((*left, *end), width)
    return (*fit(left, room - 1), (" ", ""), *end)


def wrap(text: str, width: int) -> list[str]:
    """One line broken at blanks into lines of at most `width` cells; a word too long is broken anywhere."""
    lines: list[str] = []
    line = " " * min(len(text) - len(text.lstrip(" ")), width // 2)
    for word in text.split():
        longer = f"{line} {word}" if line.strip() else f"{line}{word}"
        if cell_len(longer) <= width:
            line = longer
            continue
        if line.strip():
            lines.append(line)
        *full, line = chop_cells(word, max(2, width)) or [""]
        lines += full
    return [*lines, line]


def wrapped(text: str, width: int, most: int) -> list[str]:
    """The first `most` lines of `wrap`, with an ellipsis where something is missing."""
    lines = wrap(text, width)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], cut(f"{lines[most - 1]} {lines[most]}"[: 4 * width + 4] + "…", width)]
