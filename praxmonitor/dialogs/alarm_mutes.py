"""What is muted of the alarms: which, by whom, until when, why; one is ended early from here."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.dialogs.alarm_lines import mute_lines
from praxmonitor.text.lines import Line
from praxmonitor.widgets.line_list import WIDTH, Lines


class AlarmMutesScreen(ModalScreen[None]):
    """The list; it stays open while mutes are ended."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,u", "dismiss", "close"),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("enter,x", "end", show=False),
    ]
    DEFAULT_CSS = """
    AlarmMutesScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $primary; }
        #title, #hint { color: $muted; height: auto; width: 100%; }
        #muted { height: auto; max-height: 45vh; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; }
    }
    """

    def __init__(self, desk: AlarmDesk) -> None:
        super().__init__()
        self._desk = desk
        self._mutes = tuple(desk.mutes())
        """As they are drawn: a key ends what was shown."""
        self._place = 0

    def compose(self) -> ComposeResult:
        """One sheet."""
        with Vertical(id="dialog"):
            yield Static("", id="title", markup=False)
            yield Lines(id="muted")
            yield Static("enter x end it early    esc back    m in the list of alarms mutes", id="hint", markup=False)

    def on_mount(self) -> None:
        """Follow them: another screen may end one, and time does."""
        self.query_one(Lines).focus()
        self.watch(self.app, "standing", self.show)
        self.watch(self.app, "snapshot", self.show)

    def on_lines_widened(self, event: Lines.Widened) -> None:
        """Lay the list out for the width that it has now."""
        event.stop()
        self.show()

    def show(self) -> None:
        """Draw the mutes that hold."""
        if not self.query("#muted"):
            return
        chosen = self._mutes[self._place].id if self._mutes else ""
        self._mutes = tuple(self._desk.mutes())
        places = {mute.id: place for place, mute in enumerate(self._mutes)}
        self._place = max(0, min(places.get(chosen, self._place), len(self._mutes) - 1))
        _, now = self._desk.listed()
        area = self.query_one(Lines)
        lines: list[Line] = []
        top = 0
        for place, mute in enumerate(self._mutes):
            mark = ("▸ ", "accent strong") if place == self._place else ("  ", "")
            top = len(lines) if place == self._place else top
            first, *rest = mute_lines(mute, now, (area.line_width or WIDTH) - 2)
            lines += [(mark, *first), *((("  ", ""), *line) for line in rest)]
        area.set_lines(lines)
        if not 0 <= top - area.scroll_offset.y <= area.line_count - 2:
            area.jump(max(0, top - 1))
        title = f"Muted alarms: {len(self._mutes)}. What is muted stands in the list, and is not heard."
        self.query_one("#title", Static).update(title if self._mutes else "No alarm is muted.")

    def action_move(self, step: int) -> None:
        """To another mute."""
        self._place = max(0, min(self._place + step, len(self._mutes) - 1))
        self.show()

    async def action_end(self) -> None:
        """End the chosen one."""
        if self._mutes:
            await self._desk.end_mute(self._mutes[self._place])
            self.show()
