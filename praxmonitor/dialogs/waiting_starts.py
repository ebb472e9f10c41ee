"""The starts that wait for one agent, to cancel one of them. Picking it is the question: Esc cancels none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.state.agent_details import WaitingStart
from praxmonitor.text.lines import Line, plain
from praxmonitor.widgets.detail import start_lines
from praxmonitor.widgets.line_list import WIDTH, Lines


class WaitingScreen(ModalScreen[str]):
    """Dismissed with the id of the start to cancel, or an empty text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss('')", "back"),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("enter,x", "pick", show=False),
    ]
    DEFAULT_CSS = """
    WaitingScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $warning; }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        #listed { height: auto; max-height: 15; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; height: 1; width: 100%; }
    }
    """

    def __init__(self, address: str, starts: Sequence[WaitingStart], now: float) -> None:
        """`starts`: the oldest first; `now`: seconds since the epoch."""
        super().__init__()
        self._address, self._starts, self._now = address, starts, now
        self._chosen = 0

    def compose(self) -> ComposeResult:
        """Question, starts, keys."""
        with Vertical(id="dialog"):
            yield Static(f"Cancel which start of {plain(self._address)}?", markup=False, id="question")
            yield Lines(id="listed")
            yield Static("enter cancel it   j k another   esc back; its mail stays", markup=False, id="hint")

    def on_mount(self) -> None:
        """The list has the focus."""
        self.query_one(Lines).focus()
        self._list()

    def on_lines_widened(self, event: Lines.Widened) -> None:
        """Lay the list out for the width that it has now."""
        event.stop()
        self._list()

    def _list(self) -> None:
        area = self.query_one(Lines)
        lines: list[Line] = []
        top = 0
        for place, start in enumerate(self._starts):
            if place == self._chosen:
                top = len(lines)
            mark = ("▸ ", "accent strong") if place == self._chosen else ("  ", "")
            first, *rest = start_lines(start, self._now, (area.line_width or WIDTH) - 2)
            lines += [(mark, *first), *((("  ", ""), *line) for line in rest)]
        area.set_lines(lines)
        if not 0 <= top - area.scroll_offset.y <= area.line_count - 2:
            area.jump(max(0, top - 1))

    def action_move(self, step: int) -> None:
        """To another start."""
        self._chosen = max(0, min(self._chosen + step, len(self._starts) - 1))
        self._list()

    def action_pick(self) -> None:
        """This one."""
        self.dismiss(self._starts[self._chosen].id)
