"""What a reader takes for one sign: grapheme clusters, and the cells that a terminal gives them.

An emoji of a family is seven characters and one sign; a flag is two. The tables are wcwidth's, newer than Python's own.
It is imported where a text needs it: most are ASCII, and it takes 20 ms.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_CLUSTER = 64
"""Characters of a cluster that is kept whole; a longer one, of marks upon marks, is cut like any text."""


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis where something is missing; no sign is cut in two."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    end = limit - 1
    if not text.isascii():
        from wcwidth import grapheme_boundary_before

        begin = grapheme_boundary_before(text[: end + MAX_CLUSTER], end + 1)
        end = begin if end - begin < MAX_CLUSTER else end
    return f"{text[:end]}…"


def clusters(text: str) -> Iterator[str]:
    """Its signs, one by one."""
    if text.isascii():
        yield from text
        return
    from wcwidth import iter_graphemes

    yield from iter_graphemes(text)


def cells(text: str) -> int:
    """How many cells of a terminal it takes, controls none."""
    if text.isascii() and text.isprintable():
        return len(text)
    from wcwidth import width

    return width(text)
