"""Untrusted text made safe to show: no control character of an agent's reaches a terminal, and nothing unseen a reader.

`docs/untrusted.md` lists every way in which text leaves, and the rule that holds there.
"""

from __future__ import annotations

import re
from functools import cache

from mailcore.text.clusters import cut

# C0 and C1 controls, DEL, line separators, bidirectional overrides, which reorder what a person reads, anchors of
# annotations, and halves of surrogate pairs, which cannot be written to a terminal.
CONTROL_CHARACTERS = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2061-\u206f\ufff9-\ufffb\ud800-\udfff]"
)
_EMOJI = "[\u2190-\u2bff\U0001f000-\U0001faff]"
# What nobody sees, though a terminal may give it a cell, and a language model reads it: soft hyphen, zero-width space
# and joiners, byte order mark, fillers, the tag characters, the variation selectors, of which 256 spell any byte. A
# joiner stays where it makes one picture of several, a selector where it says how a picture is drawn.
_PICTURE = "(?<![0-9#*\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])"
# The flags of England, Scotland and Wales are spelled in tags: these and no other word.
_FLAG = "\U0001f3f4\U000e0067\U000e0062(?:{})\U000e007f".format(
    "|".join("".join(chr(0xE0000 + ord(letter)) for letter in name) for name in ("eng", "sct", "wls"))
)
UNSEEN_CHARACTERS = (
    f"({_FLAG})|"
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u2060\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|{_PICTURE}[\ufe0e\ufe0f]|(?<!{_EMOJI})(?<!{_EMOJI}\ufe0f)\u200d|\u200d(?!{_EMOJI})"
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first needed: for ordinary text neither is, and the two cost 0.8 ms."""
    return re.compile(pattern)


def plain(text: str) -> str:
    """`text` with every control character but tab and newline shown as `\N{REPLACEMENT CHARACTER}`, without those that
    nobody sees."""
    if text.isascii() and text.isprintable():
        return text
    return _compiled(CONTROL_CHARACTERS).sub(
        "\N{REPLACEMENT CHARACTER}", _compiled(UNSEEN_CHARACTERS).sub(r"\1", text.replace("\r\n", "\n"))
    )


def hanging(text: str) -> str:
    """`plain`, with every line but the first indented: it is one paragraph of ours, whatever of others' it repeats."""
    return plain(text).rstrip("\n").replace("\n", "\n  ")


def hidden_characters(text: str) -> int:
    """How many characters `plain` takes out of `text` because nobody sees them."""
    return 0 if text.isascii() else sum(not flag for flag in _compiled(UNSEEN_CHARACTERS).findall(text))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`; `many` where that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def line(text: str, limit: int = 0) -> str:
    """`plain` text on one line, white space folded; `cut` to `limit` characters if there is one."""
    folded = " ".join(plain(text).split())
    return cut(folded, limit) if limit else folded
