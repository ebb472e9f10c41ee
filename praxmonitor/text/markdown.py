"""Markdown that an agent wrote, in lines of a width. Pure.

Only what says how a text is built is drawn: headings, lists, quotations, code, emphasis. Links, pictures, HTML and
entities stay the text that they are, so that a reader sees where a link leads, and nothing is run or hidden. What would
lose a letter or digit of the text is drawn as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len

from mailcore.text import plain as text_plain
from praxmonitor.text.lines import Line, Span, cut, plain
from praxmonitor.text.written import as_written, breaks, untabbed

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST_PARSED = 100_000
"""Characters; a longer text is drawn as it was written: parsing one of 1 MB would hold up the screen for a second."""
LEAST_WIDTH = 4
_NESTED = re.compile(r"^[\s>]*")


def markdown_lines(text: str, width: int) -> Iterator[Line]:
    """The lines of a text, each of at most `width` cells, `LEAST_WIDTH` at least."""
    width = max(LEAST_WIDTH, width)
    harmless = text_plain(text)
    if len(harmless) <= MOST_PARSED:
        lines = list(_drawn(harmless, width))
        if _signs(harmless) == "".join(_signs(part) for line in lines for part, _ in line):
            yield from lines
            return
    yield from written_lines(text, width)


def written_lines(text: str, width: int) -> Iterator[Line]:
    """The lines of a text as it was written."""
    for line in text.splitlines():
        for part in as_written(line, max(LEAST_WIDTH, width)):
            yield ((part, ""),)


def _signs(text: str) -> str:
    return "".join(filter(str.isalnum, plain(text)))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 40})
    parser.disable(["link", "image", "autolink", "entity", "html_inline", "html_block", "reference", "lheading"])
    return parser.enable("table")


def _drawn(text: str, width: int) -> Iterator[Line]:
    """The lines of a text; fewer, or none, where it is built in a way that cannot be followed."""
    try:
        tokens = _parser().parse(text)
    except RecursionError:
        return
    yield from _Page(text.split("\n"), width).lines(tokens)


class _Page:
    """The blocks of one text, one after the other; knows what they stand in."""

    def __init__(self, source: list[str], width: int) -> None:
        self._source, self._width = source, width
        self._around: list[list[Span]] = []
        """What each block around has before a line: the first line's, then the others'."""
        self._numbers: list[str] = []
        self._end = 0
        """The line of the source after the last block that was drawn."""

    def lines(self, tokens: list[Token]) -> Iterator[Line]:
        """All lines."""
        heading = ""
        for token in tokens:
            if token.map and token.type not in ("bullet_list_open", "ordered_list_open", "inline"):
                yield from self._gap(token.map)
            match token.type:
                case "blockquote_open":
                    self._around.append([("│ ", "faint"), ("│ ", "faint")])
                case "list_item_open":
                    mark = f"{token.info}{token.markup} " if token.info else "• "
                    self._around.append([(mark, "accent"), (" " * len(mark), "")])
                case "blockquote_close" | "list_item_close":
                    if self._around[-1][0] != self._around[-1][1] and token.type == "list_item_close":
                        yield self._before()  # an item without a text
                    self._around.pop()
                case "heading_open":
                    heading = "accent strong" if len(token.tag) == 2 and token.tag < "h3" else "strong"
                case "heading_close":
                    heading = ""
                case "inline" if not self._in_table:
                    for spans in _inline(token, heading):
                        yield from self._wrapped(spans)
                case "fence":
                    yield from self._verbatim([f"{token.markup}{token.info}"], "faint")
                    yield from self._verbatim(token.content.split("\n")[:-1], "")
                    yield from self._verbatim([token.markup], "faint")
                case "code_block":
                    yield from self._verbatim([f"    {line}" for line in token.content.rstrip("\n").split("\n")], "")
                case "hr":
                    yield from self._wrapped([("─" * min(40, self._room), "faint")])
                case "table_open":
                    self._in_table = True
                    first, last = token.map or (0, 0)
                    yield from self._verbatim([_NESTED.sub("", one) for one in self._source[first:last]], "")
                case "table_close":
                    self._in_table = False
            if token.map and token.type not in ("blockquote_open", "list_item_open"):
                self._end = max(self._end, token.map[1] if token.nesting != 1 or token.type == "table_open" else 0)

    _in_table = False

    def _gap(self, where: list[int]) -> Iterator[Line]:
        """A blank line where the source has one or several between two blocks."""
        between = self._source[self._end : where[0]]
        if self._end and any(not line.strip(" \t>") for line in between):
            yield self._before(blank=True)
            self._end = where[0]

    @property
    def _room(self) -> int:
        return max(2, self._width - min(self._width // 2, sum(cell_len(first) for (first, _), _ in self._around)))

    def _before(self, *, blank: bool = False) -> Line:
        """What stands before the next line of a block."""
        spans: list[Span] = []
        room = self._width // 2
        for marks in self._around:
            text, role = marks[1] if blank else marks[0]
            spans.append((cut(text, room) if cell_len(text) > room else text, role))
            room -= cell_len(spans[-1][0])
            if not blank:
                marks[0] = marks[1]
        return tuple(spans)

    def _wrapped(self, spans: list[Span]) -> Iterator[Line]:
        text = "".join(part for part, _ in spans)
        for start, end in breaks(text, self._room):
            yield (*self._before(), *_part(spans, start, end))

    def _verbatim(self, source: list[str], role: str) -> Iterator[Line]:
        for line in source:
            for part in as_written(line, self._room):
                yield (*self._before(), (part, role))


def _inline(token: Token, role: str) -> Iterator[list[Span]]:
    """The spans of a paragraph or heading, for each of its own lines."""
    spans: list[Span] = []
    roles = [role]
    for child in token.children or ():
        match child.type:
            case "softbreak" | "hardbreak":
                yield spans
                spans = []
            case "strong_open":
                roles.append("strong")
            case "em_open":
                roles.append("emphasis")
            case "strong_close" | "em_close":
                roles.pop()
            case "code_inline":
                spans.append((plain(child.content), " ".join(filter(None, (*roles, "accent")))))
            case _:
                spans.append((untabbed(child.content), " ".join(dict.fromkeys(filter(None, roles)))))
    yield spans


def _part(spans: list[Span], start: int, end: int) -> Line:
    """What stands from `start` to `end` of a line, without the blanks at its end."""
    found: list[Span] = []
    at = 0
    for text, role in spans:
        taken = text[max(0, start - at) : max(0, end - at)]
        at += len(text)
        if taken:
            found.append((taken, role))
    while found and not found[-1][0].strip():
        found.pop()
    if found:
        found[-1] = (found[-1][0].rstrip(), found[-1][1])
    return tuple(("".join(text for text, _ in group), role) for role, group in groupby(found, lambda span: span[1]))
