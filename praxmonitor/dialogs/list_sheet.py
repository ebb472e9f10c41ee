"""A list under its heading, with its keys below, for a dialog to hold."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from praxmonitor.text.lines import plain
from praxmonitor.widgets.row_list import RowList


class ListSheet(Vertical):
    """The sheet. The dialog fills the list and answers its keys."""

    DEFAULT_CSS = """
    ListSheet {
        width: 84; max-width: 96%; height: auto; max-height: 100%; padding: 1 2; background: $surface;
        border: round $primary;
        #question { text-style: bold; width: 100%; }
        Lines { height: auto; max-height: 50vh; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; height: auto; width: 100%; }
    }
    """

    def __init__(self, heading: str, rows: RowList, hint: str) -> None:
        """`rows`: what the dialog shows; `hint`: its keys, in words."""
        super().__init__(id="dialog")
        self._heading, self._rows, self._hint = heading, rows, hint

    def compose(self) -> ComposeResult:
        """Heading, list, keys."""
        yield Static(plain(self._heading), markup=False, id="question")
        yield self._rows.lines
        yield Static(self._hint, markup=False, id="hint")

    def on_mount(self) -> None:
        """The list has the focus."""
        self._rows.lines.focus()
