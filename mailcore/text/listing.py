"""What a person reads at a terminal: rows of cells that fit its width, their roles as colours where those are wanted.

The colours are the terminal's own sixteen, so that they follow its theme. No role says what no word says.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from mailcore.text import plain
from mailcore.text.clusters import clusters

Cell: TypeAlias = tuple[str, str]
"""A text, and the names of the roles that colour it: `("#73", "accent strong")`."""
Row: TypeAlias = tuple[Cell, ...]

COLOURS = {"strong": "1", "faint": "2", "error": "31", "good": "32", "warn": "33", "accent": "36"}
"""Role → what a terminal calls it (SGR)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows, one below the other."""

    rows: tuple[Row, ...]

    def text(self, *, colour: bool) -> str:
        """The rows as lines. Every cell is made safe here; the colours alone steer the terminal."""
        return "\n".join("".join(_painted(cell, colour) for cell in row).rstrip(" ") for row in self.rows)


def _painted(cell: Cell, colour: bool) -> str:
    text, roles = plain(cell[0]), cell[1].split()
    if not (colour and roles and text.strip()):
        return text
    shown = text.rstrip(" ")
    return f"\x1b[{';'.join(COLOURS[role] for role in roles)}m{shown}\x1b[0m{text[len(shown) :]}"


def cell_count(text: str) -> int:
    """The cells of a terminal that a text takes at most: some draw each part of a joined sign."""
    if text.isascii():
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(one) in "WF" or ord(one) > 0x1F000 else not unicodedata.combining(one)
        for one in text
    )


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` cells, with an ellipsis where something is missing; no sign is cut in two."""
    if cell_count(text) <= width:
        return text
    kept, left = "", width - 1
    for sign in clusters(text[: 4 * width + 4]):
        left -= cell_count(sign)
        if left < 0:
            break
        kept += sign
    return f"{kept.rstrip()}…" if width > 0 else ""


def fitted(row: Iterable[Cell], width: int) -> Row:
    """A row in at most `width` cells, the rest of it cut off; whole where `width` is 0."""
    if not width:
        return tuple(row)
    cells: list[Cell] = []
    left = width
    for text, role in row:
        taken = shortened(text, left)
        cells.append((taken, role))
        left -= cell_count(taken)
        if taken != text or left <= 0:
            break
    return tuple(cells)


def aligned(rows: Iterable[Row], columns: int) -> list[Row]:
    """The rows, each of their first so many cells padded to the widest of its column, two blanks between them.

    A column that is empty in every row is left out.
    """
    every = list(rows)
    widths = [max((cell_count(row[column][0]) for row in every), default=0) for column in range(columns)]
    found = []
    for row in every:
        first = [
            (text + " " * (width - cell_count(text) + 2), role)
            for (text, role), width in zip(row[:columns], widths, strict=True)
            if width
        ]
        found.append((*first, *row[columns:]))
    return found
