"""Every sign that is drawn, in ASCII, for a terminal without UTF-8. Cell for cell: what lies beside it stays there."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len

TWINS = {
    # states: each another
    **dict(zip("◌●◆↻◷‖✓✗■◇⊠○", ":*#~%=+xX&$o", strict=True)),
    "⊘": "0",
    # marks, arrows, punctuation
    **dict(zip("→←↑↓▸▹›‹•·…♪✉", "><^v>>><*.~^M", strict=True)),
    **dict(zip("»≡×≈└├“”‘’–—−", ">=x~``\"\"''---", strict=True)),
    "⧗": "%",
    "⋔": "Y",
    # logs: standard output is told by ›, standard error by !, see `mailcore.logs.sources`
    "¶": "=",
    "¬": "h",
    "§": "S",
    # bars of a sparkline or a scrollbar, by their height
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
    **dict(zip("▎▍▌▋▊▉▐▏▕▔▀░▒▓", "||||||||| -.:%", strict=True)),
}
"""Sign → its twin of one cell."""
NO_TWIN = "?"
_BOX, _BLOCKS, _BRAILLE = range(0x2500, 0x2580), range(0x2580, 0x25A0), range(0x2800, 0x2900)
_LEVEL, _UPRIGHT = frozenset("─━┄┅┈┉╌╍═╴╶╸╺╼╾"), frozenset("│┃┆┇┊┋╎╏║╵╷╹╻╽╿")


def as_ascii(text: str) -> str:
    """The same text in ASCII, as many cells wide; a letter without its accents, `?` for what has no twin."""
    return text if text.isascii() else _mapped(text)


@lru_cache(4096)
def _mapped(text: str) -> str:
    twin = "".join(map(_twin, text))
    width = cell_len(text)
    return twin if len(twin) == width or not text.isprintable() else twin[:width].ljust(width)


@lru_cache(4096)
def _twin(sign: str) -> str:
    if sign.isascii():
        return sign
    if (known := TWINS.get(sign)) is not None:
        return known
    number = ord(sign)
    if number in _BOX:
        return "-" if sign in _LEVEL else "|" if sign in _UPRIGHT else "+"
    if number in _BLOCKS:
        return "#"
    if number in _BRAILLE:
        return "." if number > _BRAILLE.start else " "
    bare = "".join(part for part in unicodedata.normalize("NFKD", sign) if part.isascii())
    width = cell_len(sign)
    return bare if bare and len(bare) == width else NO_TWIN * width
