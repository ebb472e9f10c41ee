"""Every key, those of the view in front first, and what the glyphs mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import Line, pad, plain, width_of, wrap

KEYS_WIDTH = 14
"""Cells of the column of keys."""


class KeyRow(NamedTuple):
    """What one action's keys do."""

    scope: str
    keys: tuple[str, ...]
    """None: it is asked for in the palette."""
    help: str
    label: str = ""
    """What the palette calls it."""


def help_lines(rows: Sequence[KeyRow], width: int, query: str = "") -> Iterator[Line]:
    """Keys by scope, then what the glyphs mean, in lines of `width` cells. With a query only what holds each word of
    it, among keys (as they are written), labels, helps and scopes."""
    words = query.split()
    found = [row for row in rows if _holds(words, row)]
    for scope, of_scope in groupby(found, lambda row: row.scope):
        yield ((scope, "strong"),)
        for row in of_scope:
            keys = f"  {'  '.join(row.keys)}" if row.keys else f"  : {row.label}"
            parts = wrap(row.help, max(20, width - KEYS_WIDTH))
            if width_of(((keys, ""),)) >= KEYS_WIDTH:
                yield ((keys, "accent"),)
                keys = ""
            for number, part in enumerate(parts):
                yield ((pad("" if number else keys, KEYS_WIDTH), "accent"), (part, ""))
        yield ()
    looks = [look for look in LOOKS.values() if all(word.casefold() in f"states {look.word}" for word in words)]
    if looks:
        yield (("States", "strong"),)
        for at in range(0, len(looks), 4):
            yield tuple((pad(f"  {look.glyph} {look.word}", 16), look.role) for look in looks[at : at + 4])
    if not words:
        yield (("  <12:00:00", "faint"), ("  then or before: a line that tells no time of its own", ""))
    elif not found and not looks:
        yield ((f"no key does {plain(query)!r}; the palette may know it", "faint"),)


def _holds(words: Sequence[str], row: KeyRow) -> bool:
    text = f"{row.scope} {row.label} {row.help}".casefold()
    return all(word in row.keys or word.casefold() in text for word in words)


class HelpScreen(ModalScreen[None]):
    """The list; `/` searches it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "dismiss", "close", show=False),
        Binding("slash", "find", "search", show=False),
        Binding("escape", "drop", "whole list", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle; background: $background 60%;
        #help { width: 84; max-width: 96%; height: auto; max-height: 92%; }
        Sheet { width: 100%; max-width: 100%; max-height: 100%; }
        Input { display: none; dock: bottom; width: 100%; height: 1; border: none; padding: 0 1; background: $panel; }
        Input.-open { display: block; }
    }
    """

    def __init__(self, heading: str, rows: Sequence[KeyRow]) -> None:
        """`rows`: those of one scope follow each other."""
        super().__init__()
        self._rows = rows
        self._query = Input(placeholder="search: a key, or words", compact=True)
        self._sheet = Sheet(heading, self._draw, hint="j k scroll · / search · Esc close")

    def compose(self) -> ComposeResult:
        """Keys and states."""
        with Vertical(id="help"):
            yield self._sheet
            yield self._query

    def _draw(self, width: int) -> list[Line]:
        return list(help_lines(self._rows, width, self._query.value))

    def action_find(self) -> None:
        """Type what to look for."""
        self._query.add_class("-open")
        self._query.focus()

    def action_drop(self) -> None:
        """The whole list again."""
        self._query.value = ""
        self._query.remove_class("-open")
        self._sheet.read()

    def on_input_changed(self) -> None:
        """Search as it is typed."""
        self._sheet.redraw()

    def on_input_submitted(self) -> None:
        """Keep what was found, and read it."""
        self._sheet.read()
