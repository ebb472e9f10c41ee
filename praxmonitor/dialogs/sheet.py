"""A sheet of lines that are read and scrolled, for a dialog to hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from praxmonitor.text.lines import Line
from praxmonitor.widgets.row_list import LIST_KEYS
from praxmonitor.widgets.text_panel import TextPanel


class Sheet(Vertical):
    """The sheet; any of Esc, q and Enter closes the dialog that holds it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "screen.dismiss", "close"),
        *LIST_KEYS,
        Binding("space", "step('page_down')", show=False),
    ]
    DEFAULT_CSS = """
    Sheet {
        width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
        border: round $primary; border-title-color: $muted; border-subtitle-color: $faint;
        Lines { background: $surface; height: auto; max-height: 100%; }
    }
    """

    def __init__(
        self, heading: str, draw: Callable[[int], list[Line]], *, hint: str = "j k scroll · Esc close"
    ) -> None:
        """`heading` and `hint`, its keys, stand in its border; `draw` gives what stands on it, in lines of so many
        cells."""
        super().__init__()
        self._draw, self._panel = draw, TextPanel("lines")
        # A line above the lines would be cut off below: their height is a share of the whole sheet's.
        self.border_title, self.border_subtitle = heading, hint

    def compose(self) -> ComposeResult:
        """The lines."""
        yield self._panel.lines

    def on_mount(self) -> None:
        """The lines have the focus, and fill the sheet before it is drawn first."""
        self.read()
        self._panel.show(self._draw)

    def redraw(self) -> None:
        """What stands on it is another now: lay it out anew, from the top."""
        self._panel.lines.jump(0)
        self._panel.show(self._draw)

    def read(self) -> None:
        """Let the keys scroll it."""
        self._panel.lines.focus()

    def action_step(self, way: str) -> None:
        """Scroll."""
        self._panel.lines.step(way)
