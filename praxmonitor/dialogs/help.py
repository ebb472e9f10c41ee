"""Every key, and what the glyphs mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import Line, pad, wrap

KEYS_WIDTH = 14
"""Cells of the column of keys."""


class KeyRow(NamedTuple):
    """What one action's keys do."""

    scope: str
    keys: tuple[str, ...]
    help: str


def help_lines(rows: Sequence[KeyRow], width: int) -> Iterator[Line]:
    """Keys by scope, then what the glyphs mean, in lines of `width` cells."""
    for scope, found in groupby(rows, lambda row: row.scope):
        yield ((scope, "strong"),)
        for row in found:
            for number, part in enumerate(wrap(row.help, max(20, width - KEYS_WIDTH))):
                yield ((pad("" if number else f"  {'  '.join(row.keys)}", KEYS_WIDTH), "accent"), (part, ""))
        yield ()
    yield (("States", "strong"),)
    looks = list(LOOKS.values())
    for at in range(0, len(looks), 4):
        yield tuple((pad(f"  {look.glyph} {look.word}", 16), look.role) for look in looks[at : at + 4])
    yield (("  <12:00:00", "faint"), ("  then or before: a line that tells no time of its own", ""))


class HelpScreen(ModalScreen[None]):
    """The list; `?` closes it too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "dismiss", "close", show=False)]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    """

    def __init__(self, heading: str, rows: Sequence[KeyRow]) -> None:
        """`rows`: those of one scope follow each other."""
        super().__init__()
        self._heading, self._rows = heading, rows

    def compose(self) -> ComposeResult:
        """Keys and states."""
        yield Sheet(self._heading, lambda width: list(help_lines(self._rows, width)))
