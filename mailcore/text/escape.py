"""JSON that may be printed: the same values, and no character that steers a terminal or that nobody sees."""

from __future__ import annotations

import re

# What of JSON's own text is not to be printed raw: DEL and C1, every blank but the ordinary one, line and paragraph
# separators, bidirectional and zero-width characters, fillers, variation selectors, tags, halves of surrogate pairs.
# C0 is escaped by JSON itself.
_ESCAPED = re.compile(
    "[\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def escaped(json: str) -> str:
    """Valid JSON, which it decodes to the same values as: outside strings JSON has none of these characters."""
    return json if json.isascii() and "\x7f" not in json else _ESCAPED.sub(_escape, json)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
