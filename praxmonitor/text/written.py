"""A text as it was written, in lines of a width. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from praxmonitor.text.lines import plain

TAB = 4
_MARK = re.compile(r" *(?:(?:[-*+•>|]|\d{1,3}[.)]) +)?")
"""The indent of a line with the sign of a list, a quotation or a table: what is wrapped stands behind it."""


def as_written(text: str, width: int) -> Iterator[str]:
    """One line of a mail in lines of at most `width` cells. White space within it stands as it was written: it draws
    tables and code. Tabs go to the next multiple of `TAB`; what is wrapped hangs below the line's own text.
    """
    line = untabbed(text).rstrip()
    most = max(0, width // 2)
    if cell_len(line) > width and len(line) - len(line.lstrip(" ")) > most:
        line = " " * most + line.lstrip(" ")
    found = _MARK.match(line)
    mark = found.end() if found is not None else 0
    indent = ""
    for start, end in breaks(line, width, mark, min(mark, most)):
        yield indent + line[start:end].rstrip()
        indent = " " * min(mark, most)


def breaks(line: str, width: int, mark: int = 0, hanging: int = 0) -> Iterator[tuple[int, int]]:
    """Where a line is broken, as places in it: at blanks behind `mark`, a word too long anywhere. The first part has
    `width` cells, each further one so many less as `hanging` says."""
    at, room = 0, max(2, width)
    while True:
        part = next(iter(chop_cells(line[at : at + room + 1], room)), "")
        end = at + len(part)
        if end < len(line) and line[end] != " ":
            blank = part.rfind(" ") + 1
            end = at + blank if blank and at + blank > mark else end
        yield at, end
        at = len(line) - len(line[end:].lstrip(" ")) if line[end : end + 1] == " " else end
        if at >= len(line):
            return
        room = max(2, width - hanging)


def untabbed(text: str) -> str:
    """A harmless line without tabs: what follows one stands at the next multiple of `TAB`."""
    first, *rest = (plain(part) for part in text.split("\t"))
    for part in rest:
        first += " " * (TAB - cell_len(first) % TAB) + part
    return first
