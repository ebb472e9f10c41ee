"""A sheet over the screen: lines to be read and scrolled, then closed."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from praxmonitor.text.lines import Line
from praxmonitor.widgets.line_list import WIDTH, Lines


class Sheet(ModalScreen[None]):
    """The sheet; any of Esc, q and Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close"),
        *(
            Binding(key, f"step('{way}')", show=False)
            for key, way in (
                ("j,down", "down"),
                ("k,up", "up"),
                ("pagedown,space", "page_down"),
                ("pageup", "page_up"),
                ("g,home", "first"),
                ("G,end", "last"),
            )
        ),
    ]
    DEFAULT_CSS = """
    Sheet {
        align: center middle;
        background: $background 60%;
        #sheet { width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $primary; border-title-color: $muted; }
        #sheet Lines { background: $surface; height: auto; max-height: 100%; }
    }
    """

    def __init__(self, heading: str) -> None:
        """`heading` stands in its border."""
        super().__init__()
        self._heading = heading

    @abstractmethod
    def lines(self, width: int) -> list[Line]:
        """What stands on it, for lines of `width` cells."""

    def compose(self) -> ComposeResult:
        """Heading, in the border, and lines."""
        # A line above them would be cut off below: their height is a share of the whole sheet's.
        sheet = Vertical(Lines(), id="sheet")
        sheet.border_title = self._heading
        yield sheet

    def on_mount(self) -> None:
        """The lines have the focus, and fill the sheet before it is drawn first."""
        self.query_one(Lines).focus()
        self._fill(self.query_one(Lines).line_width or WIDTH)

    def on_lines_widened(self, event: Lines.Widened) -> None:
        """Lay the lines out for the width that they have now."""
        event.stop()
        self._fill(self.query_one(Lines).line_width)

    def _fill(self, width: int) -> None:
        self.query_one(Lines).set_lines(self.lines(width))

    def action_step(self, way: str) -> None:
        """Scroll."""
        self.query_one(Lines).step(way)
