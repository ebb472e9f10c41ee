"""Untrusted text made safe to show: no control character of an agent's reaches a terminal."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, bidirectional overrides, which reorder what a person reads, and halves of surrogate pairs,
# which cannot be written to a terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """`text` with every control character but tab and newline shown as `\N{REPLACEMENT CHARACTER}`."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def line(text: str, limit: int = 0) -> str:
    """`plain` text on one line, white space folded; cut to `limit` characters with an ellipsis if there is one."""
    folded = " ".join(plain(text).split())
    return folded if not limit or len(folded) <= limit else folded[: limit - 1] + "…"
