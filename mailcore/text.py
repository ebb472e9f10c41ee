"""Untrusted text made safe to show: no control character of an agent's reaches a terminal."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, line separators, bidirectional overrides, which reorder what a person reads, and halves of
# surrogate pairs, which cannot be written to a terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2061-\u206f\ud800-\udfff]")
_EMOJI = "[\u2190-\u2bff\U0001f000-\U0001faff]"
# What nobody sees, though a terminal may give it a cell: soft hyphen, zero-width space and joiners, byte order mark.
# The zero-width joiner stays where it makes one picture of several.
_UNSEEN = re.compile(f"[\u00ad\u200b\u200c\u2060\ufeff]|(?<!{_EMOJI})(?<!{_EMOJI}\ufe0f)\u200d|\u200d(?!{_EMOJI})")


def plain(text: str) -> str:
    """`text` with every control character but tab and newline shown as `\N{REPLACEMENT CHARACTER}`, without those that
    nobody sees."""
    if text.isprintable():  # neither controls nor what is unseen
        return text
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _UNSEEN.sub("", text.replace("\r\n", "\n")))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`; `many` where that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def line(text: str, limit: int = 0) -> str:
    """`plain` text on one line, white space folded; cut to `limit` characters with an ellipsis if there is one."""
    folded = " ".join(plain(text).split())
    return folded if not limit or len(folded) <= limit else folded[: limit - 1] + "…"
