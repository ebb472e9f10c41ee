"""The last thing that happens to a line before it is written to a terminal without UTF-8."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from praxmonitor.text.ascii import as_ascii


class AsciiFilter(LineFilter):
    """Each sign as its twin in ASCII, whichever widget drew it: borders, scrollbars and notifications too."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, as many cells wide."""
        del background
        return [part if part.text.isascii() else Segment(as_ascii(part.text), part.style) for part in segments]
