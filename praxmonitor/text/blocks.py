"""Texts of any size in rows of a width: of which the first are drawn, or which are counted, and then made one by one.

Pure; the texts are untrusted, and nothing of them is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from praxmonitor.text.lines import Line, Span, plain
from praxmonitor.text.written import TAB

SLICE = 4096
"""Characters of a long line that are made harmless and broken at a time."""


class TextBlock(NamedTuple):
    """A text, and what stands before its rows."""

    text: str
    roles: str
    gutter: Span
    """Before its first row; harmless."""
    each: bool = False
    """Before the first row of each of its lines, too."""


def block_rows(block: TextBlock, width: int) -> Iterator[Line]:
    """Its rows, one after another: of a text of which only the beginning is drawn no more is looked at."""
    room = _room(block, width)
    for place, text in enumerate(_lines(block.text)):
        for number, part in enumerate(_broken(text, room)):
            yield _row(block, part, begins=not number and (block.each or not place))


class BlockRows:
    """All rows of some texts: counted once, each made when it is asked for."""

    def __init__(self, blocks: Iterable[TextBlock], width: int) -> None:
        self._measured = [_Measured(block, _room(block, width)) for block in blocks]
        self._ends = list(accumulate(measured.ends[-1] for measured in self._measured))

    def __len__(self) -> int:
        """How many there are."""
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, place: int) -> Line:
        """One of them."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        number = bisect_right(self._ends, place)
        return self._measured[number].row(place - (self._ends[number - 1] if number else 0))


class _Measured:
    """One text, and which rows each of its lines takes."""

    def __init__(self, block: TextBlock, room: int) -> None:
        self._block, self._room = block, room
        self._texts = block.text.split("\n")
        self._odd: dict[int, list[str]] = {}
        """The parts of the lines that are not broken at every so many characters."""
        self.ends = list(accumulate(map(self._measure, range(len(self._texts)))))
        """The row behind each of its lines."""

    def _measure(self, place: int) -> int:
        text = self._texts[place]
        if "\t" in text and len(text) <= SLICE:
            text = self._texts[place] = text.expandtabs(TAB)
        if text.isascii() and text.isprintable():
            return -(-len(text) // self._room) or 1
        self._odd[place] = list(_broken(text, self._room))
        return len(self._odd[place])

    def row(self, place: int) -> Line:
        """One row of it."""
        line = bisect_right(self.ends, place)
        number = place - (self.ends[line - 1] if line else 0)
        parts = self._odd.get(line)
        begin = number * self._room
        part = parts[number] if parts is not None else self._texts[line][begin : begin + self._room]
        return _row(self._block, part, begins=not number and (self._block.each or not line))


def _room(block: TextBlock, width: int) -> int:
    return max(4, width - cell_len(block.gutter[0]))


def _row(block: TextBlock, part: str, *, begins: bool) -> Line:
    text, roles = block.gutter
    before = text if begins else " " * cell_len(text)
    return ((before + part, roles),) if roles == block.roles else ((before, roles), (part, block.roles))


def _lines(text: str) -> Iterator[str]:
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin:end]
        begin = end + 1
    yield text[begin:]


def _broken(text: str, width: int) -> Iterator[str]:
    """One line in parts of at most `width` cells; again no more is looked at than is drawn."""
    rest = ""
    for begin in range(0, max(1, len(text)), SLICE):
        rest += plain(text[begin : begin + SLICE].expandtabs(TAB))
        *full, rest = chop_cells(rest, width) or [""]
        yield from full
    yield rest
