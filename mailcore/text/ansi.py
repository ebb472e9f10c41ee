"""A line of a log as a terminal would have shown it, and nothing that a terminal would obey.

Colours are kept, as values. Carriage returns, backspaces and erasing within the line, of which progress bars are made,
are worked out here. Every other escape sequence and control character, and what nobody sees, stands there to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from mailcore.text import CONTROL_CHARACTERS, UNSEEN_CHARACTERS
from mailcore.text.clusters import cells, clusters

TAB_CELLS = 8
"""Cells from one tab stop to the next."""

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STEERING = (
    r"\x1b\[(?P<sgr>[0-9;:]{0,200})m|\x1b\[(?P<erase>[012]?)K|(?P<back>\r+|\x08+)|(?P<tab>\t)|(?P<nul>\x00{2,})|"
)
_ASCII = re.compile(_STEERING + r"(?P<control>[\x00-\x1f\x7f])")


@cache
def _any() -> re.Pattern[str]:
    """Compiled when it is first needed, which is late: it takes a millisecond."""
    return re.compile(rf"{_STEERING}(?P<control>{CONTROL_CHARACTERS}|\n)|{UNSEEN_CHARACTERS}")


@dataclass(frozen=True, slots=True)
class AnsiStyle:
    """How a part of a line is drawn. What blinks or is concealed is drawn as any other text."""

    foreground: str = ""
    """Empty for the terminal's own; else `red`, `bright_red`, `color(123)` or `#aabbcc`."""
    background: str = ""
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False
    mark: bool = False
    """True of what stands for what cannot be shown: `^[` for an escape, `<U+202E>` for what would turn text around."""


PLAIN_STYLE = AnsiStyle()

AnsiSpan = tuple[str, AnsiStyle]


def ansi_spans(text: str) -> list[AnsiSpan]:
    """The parts of a line, each with its style; together what a terminal would show of it, without a control character.

    A byte that is no UTF-8 is shown by its number if the line was decoded with `surrogateescape`.
    """
    if text.isascii() and text.isprintable():
        return [(text, PLAIN_STYLE)] if text else []
    row = _Row()
    style, begin = PLAIN_STYLE, 0
    for found in (_ASCII if text.isascii() else _any()).finditer(text):
        if found.start() > begin:
            row.write(text[begin : found.start()], style)
        begin = found.end()
        if (sgr := found["sgr"]) is not None:
            style = _styled(style, sgr)
        elif (erase := found["erase"]) is not None:
            row.erase(erase)
        elif back := found["back"]:
            row.move_back(0 if back[0] == "\r" else row.column - len(back))
        elif found["tab"]:
            row.write(" " * (TAB_CELLS - row.column % TAB_CELLS), style)
        elif found["nul"]:
            row.write(f"<NUL×{len(found[0])}>", replace(style, mark=True))
        elif found["control"] or found.lastindex is None:
            row.write("".join(map(_named, found[0])), replace(style, mark=True))
        else:  # a flag that is spelled in characters which nobody sees
            row.write(found[0], style)
    if begin < len(text):
        row.write(text[begin:], style)
    return list(row.spans())


def ansi_text(text: str) -> str:
    """The same without styles."""
    return "".join(part for part, _ in ansi_spans(text))


def ansi_coloured(text: str) -> str:
    """The same for a terminal: of the line's escape sequences its colours alone, told anew, and ended where it ends."""
    return "".join(
        part if style == PLAIN_STYLE else f"\x1b[{_told(style)}m{part}\x1b[0m" for part, style in ansi_spans(text)
    )


class _Row:
    """The cells of a line that is written. Until something is overwritten it is a list of parts: most lines are."""

    def __init__(self) -> None:
        self._parts: list[AnsiSpan] = []
        self._cells: list[AnsiSpan] | None = None
        """A sign each; an empty one behind a sign that is two cells wide."""
        self._column = 0
        self._measured = 0
        """How many of the parts `_column` stands behind."""

    @property
    def column(self) -> int:
        """Where the next sign comes, from 0 on."""
        if self._cells is None:
            self._column += sum(cells(part) for part, _ in self._parts[self._measured :])
            self._measured = len(self._parts)
        return self._column

    def write(self, text: str, style: AnsiStyle) -> None:
        """Text without a control character, at the column where we are."""
        if self._cells is None:
            self._parts.append((text, style))
            return
        for sign in clusters(text):
            self._put(sign, style, cells(sign))

    def _put(self, sign: str, style: AnsiStyle, width: int) -> None:
        row = self._lay_out()
        row.extend([(" ", PLAIN_STYLE)] * (self._column - len(row)))
        if not width:  # a mark upon the sign before it
            if self._column:
                before = self._column - 1 - (self._column > 1 and not row[self._column - 1][0])
                row[before] = (row[before][0] + sign, row[before][1])
            return
        end = self._column + width
        row.extend([(" ", PLAIN_STYLE)] * (end - len(row)))
        if not row[self._column][0]:  # half of a wide one is overwritten
            row[self._column - 1] = (" ", row[self._column - 1][1])
        if end < len(row) and not row[end][0]:
            row[end] = (" ", row[end][1])
        row[self._column : end] = [(sign, style), *[("", style)] * (width - 1)]
        self._column = end

    def move_back(self, column: int) -> None:
        """What is written next overwrites what stands from that column on."""
        self._lay_out()
        self._column = max(0, column)

    def erase(self, how: str) -> None:
        """As a terminal does: to the line's end, to its beginning (`1`), or all of it (`2`)."""
        row = self._lay_out()
        if how == "1":
            column, self._column = self._column, 0
            for _ in range(min(column + 1, len(row))):
                self._put(" ", PLAIN_STYLE, 1)
            self._column = column
            return
        kept = 0 if how == "2" else self._column
        if kept < len(row) and not row[kept][0]:  # half of a wide one goes
            row[kept - 1] = (" ", row[kept - 1][1])
        del row[kept:]

    def _lay_out(self) -> list[AnsiSpan]:
        if self._cells is None:
            parts, self._cells, self._column = self._parts, [], 0
            for part, style in parts:
                self.write(part, style)
        return self._cells

    def spans(self) -> Iterator[AnsiSpan]:
        """Its parts; neighbours of one style are one."""
        texts: list[str] = []
        last = PLAIN_STYLE
        for text, style in self._parts if self._cells is None else self._cells:
            if style != last and texts:
                yield "".join(texts), last
                texts = []
            last = style
            texts.append(text)
        if texts:
            yield "".join(texts), last


def _named(character: str) -> str:
    number = ord(character)
    if number < 0x20 or number == 0x7F:
        return f"^{chr(number ^ 0x40)}"
    return f"<{number - 0xDC00:02X}>" if 0xDC80 <= number <= 0xDCFF else f"<U+{number:04X}>"


@lru_cache(maxsize=1024)
def _styled(style: AnsiStyle, parameters: str) -> AnsiStyle:
    """The style after a sequence `ESC [ parameters m`. Text is never of its background's colour."""
    codes = parameters.split(";")
    while codes:
        code, *more = codes.pop(0).split(":")
        if code in ("38", "48", "58"):
            if more[:1] == ["2"] and len(more) > 4:  # between colons a colour space may stand first
                del more[1]
            colour = _colour(more or codes)
            if colour and code != "58":
                style = replace(style, foreground=colour) if code == "38" else replace(style, background=colour)
        elif code == "4" and more[:1] == ["0"]:
            style = replace(style, underline=False)
        elif len(code) < 4:
            style = _simple(style, int(code or 0))
    return replace(style, background="") if style.foreground == style.background else style


def _colour(codes: list[str]) -> str:
    """The colour that `5;n` or `2;r;g;b` says, taken off the list; empty if it is none."""
    count = {"5": 1, "2": 3}.get(codes.pop(0), 0) if codes else 0
    said, codes[:count] = codes[:count], []
    numbers = [int(one or 0) if len(one) < 4 and ":" not in one else 256 for one in said]
    if not count or len(numbers) < count or max(numbers) > 255:
        return ""
    return _indexed(numbers[0]) if count == 1 else "#{:02x}{:02x}{:02x}".format(*numbers)


def _indexed(number: int) -> str:
    return f"color({number})" if number > 15 else f"bright_{_NAMES[number - 8]}" if number > 7 else _NAMES[number]


def _simple(style: AnsiStyle, code: int) -> AnsiStyle:
    if code == 0:
        return PLAIN_STYLE
    changes: dict[str, Any] = dict.fromkeys(_ATTRIBUTES.get(code, ()), code < 22)
    tens, number = divmod(code, 10)
    if tens in (3, 4, 9, 10):
        side = "foreground" if tens in (3, 9) else "background"
        if number < 8:
            changes[side] = _indexed(number + 8 * (tens > 4))
        elif number == 9 and tens < 5:
            changes[side] = ""
    return replace(style, **changes) if changes else style


_ATTRIBUTES = {
    1: ("bold",), 2: ("dim",), 3: ("italic",), 4: ("underline",), 7: ("reverse",), 9: ("strike",), 21: ("underline",),
    22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",),
}  # fmt: skip
"""What a code sets, or from 22 on takes away."""


def _told(style: AnsiStyle) -> str:
    """The parameters that say it."""
    codes = [str(code) for code, names in _ATTRIBUTES.items() if code < 10 and getattr(style, names[0])]
    for colour, base in ((style.foreground, 30), (style.background, 40)):
        if colour.startswith("#"):
            codes.append(f"{base + 8};2;{int(colour[1:3], 16)};{int(colour[3:5], 16)};{int(colour[5:], 16)}")
        elif colour.startswith("color("):
            codes.append(f"{base + 8};5;{colour[6:-1]}")
        elif colour:
            bright = colour.startswith("bright_")
            codes.append(str(base + 60 * bright + _NAMES.index(colour.removeprefix("bright_"))))
    return ";".join(codes) or "7"
