"""A line of a log in lines of cells: its time, the sign of its source, its text in its own colours. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

from rich.cells import cell_len, chop_cells

from mailcore.model.activity import Kind
from mailcore.text.units import clock_cells, size
from praxmonitor.text.ansi_roles import colour_spans
from praxmonitor.text.lines import Line, Span, cut
from praxmonitor.text.log_rows import LogViewRow

LEVEL_ROLES = {Kind.ERROR: "error", Kind.WARNING: "warn"}
LEVEL_MARKS = {Kind.ERROR: "✗", Kind.WARNING: "!"}
"""A level is said by a sign too, never by colour alone."""
MARKED, POINTER = "•", "▸"
HIT = "hit"
"""The role of what was searched for."""
_AT_MOST = 4
"""Characters of a cell that are looked at when a line is cut: marks upon marks beyond that begin the next one."""
_RAW = 24
"""The same of the file's characters: each cell may have a colour of its own."""
LEAST = 10
"""Cells that a text has at least, however much stands before it."""


Stretch: TypeAlias = tuple[int, int]
"""Where something begins in a text, and where it ends."""


class Times(StrEnum):
    """What is shown of the lines' times."""

    WRITTEN = "as written"
    COLUMN = "in a column"
    """Of each line, by this machine's clock; not in the line itself, where that says nothing else."""
    NONE = "left out"


@dataclass(frozen=True, slots=True)
class LogLook:
    """How the lines of a log are drawn."""

    wrap: bool = False
    column: int = 0
    """Cells of a text that lie left of the view, where lines are not wrapped."""
    times: Times = Times.WRITTEN
    signs: Mapping[str, Span] = field(default_factory=lambda: MappingProxyType({}))
    """Path of a source → its sign; empty: of one source alone none is shown."""


def row_lines(row: LogViewRow, look: LogLook, width: int, hits: Sequence[Stretch] = ()) -> list[Line]:
    """The lines of one line, without the cell of the cursor; one at least, of at most `width` cells each.

    `hits`: stretches of `shown_text` that stand out.
    """
    before = _before(row, look)
    room = max(LEAST, width - sum(cell_len(text) for text, _ in before))
    spans = text_spans(row, look, 0 if look.wrap else _RAW * (look.column + room))
    spans = _with_hits(spans, hits) if hits else spans
    if not look.wrap:
        return [(*before, *cropped(spans, look.column, room))]
    first, *rest = broken(spans, room)
    blank: Span = (" " * sum(cell_len(text) for text, _ in before), "")
    return [(*before, *first), *((blank, *line) for line in rest)]


def _before(row: LogViewRow, look: LogLook) -> list[Span]:
    """What stands before the text: time, sign and level."""
    spans: list[Span] = []
    if look.times is Times.COLUMN:
        spans.append((f"{' ' * 8 if row.further else clock_cells(row.at)} ", "faint"))
    if look.signs:
        sign, role = look.signs.get(row.source.path, ("?", "muted"))
        spans.append((f"{' ' * cell_len(sign) if row.further else sign} ", role))
    mark = " " if row.further else LEVEL_MARKS.get(row.level, " ")
    spans.append((f"{mark} ", LEVEL_ROLES.get(row.level, "")))
    return spans


def column_of(row: LogViewRow, look: LogLook, width: int, hit: Stretch) -> int:
    """The column from which on a stretch of `shown_text` is in view: the first, if that shows it."""
    room = max(LEAST, width - sum(cell_len(text) for text, _ in _before(row, look)))
    text = shown_text(row, look)
    begin, end = cell_len(text[: hit[0]]), cell_len(text[: hit[1]])
    return 0 if end < room else max(0, begin - room // 2)


def text_spans(row: LogViewRow, look: LogLook, most: int = 0) -> Line:
    """The text in the colours that it has, else in that of its level.

    `most`: characters of the file's that are looked at; 0: all.
    """
    begin = 0 if look.times is Times.WRITTEN else row.stamp
    text = row.text[begin : begin + most] if most else row.text[begin:]
    role = LEVEL_ROLES.get(row.level, "")
    spans = tuple((part, own or role) for part, own in colour_spans(text))
    if row.left_out:
        spans = (*spans, (f" … {size(row.left_out)} more in this line", "faint"))
    return spans


def shown_text(row: LogViewRow, look: LogLook) -> str:
    """All of its text as it is shown, without colours."""
    return "".join(part for part, _ in text_spans(row, look))


def _with_hits(spans: Line, found: Sequence[Stretch]) -> Line:
    """The same spans, what matches in a role of its own: a match may begin in one span and end in another."""
    text = "".join(part for part, _ in spans)
    found = _joined(found)
    made: list[Span] = []
    at = 0
    for part, role in spans:
        end = at + len(part)
        cuts = sorted({at, end, *(place for hit in found for place in hit if at < place < end)})
        for start, stop in pairwise(cuts):
            inside = any(first <= start < last for first, last in found)
            made.append((text[start:stop], f"{role} {HIT}".strip() if inside else role))
        at = end
    return tuple(made)


def _joined(found: Sequence[Stretch]) -> list[Stretch]:
    """The same stretches, those that touch as one: `.` matches each letter for itself."""
    joined: list[Stretch] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif end > begin:
            joined.append((begin, end))
    return joined


def cropped(spans: Line, column: int, width: int) -> Line:
    """At most `width` cells from `column` on; an ellipsis where something is missing at the right."""
    found: list[Span] = []
    left, room = column, width
    for text, role in spans:
        part, left = _without(text, left)
        taken = cut(part[: _AT_MOST * room + 8], room)
        found.append((taken, role))
        if len(taken) < len(part):
            break
        room -= cell_len(taken)
    return tuple(span for span in found if span[0])


def _without(text: str, cells: int) -> tuple[str, int]:
    """The text without so many cells at its beginning, and how many are still to go; of a wide sign that is cut in two
    a blank stays."""
    if not cells or text.isascii():
        return text[cells:], max(0, cells - len(text))
    for place, sign in enumerate(text):
        if cells <= 0 and cell_len(sign):
            return " " * -cells + text[place:], 0
        cells -= cell_len(sign)
    return "", max(0, cells)


def broken(spans: Line, width: int) -> list[Line]:
    """The spans in lines of at most `width` cells, broken anywhere: a log is read to the letter."""
    lines: list[Line] = []
    line: list[Span] = []
    room = width
    for text, role in spans:
        rest = text
        while rest:
            window = rest[: _AT_MOST * room + 8]
            if len(window) == len(rest) and (cells := cell_len(rest)) <= room:
                line.append((rest, role))
                room -= cells
                break
            taken = window[:room] if window.isascii() else (chop_cells(window, room) or [window])[0] if room > 1 else ""
            if taken:
                line.append((taken, role))
                rest = rest[len(taken) :]
            lines.append(tuple(line))
            line, room = [], width
    return [*lines, tuple(line)] if line or not lines else lines
