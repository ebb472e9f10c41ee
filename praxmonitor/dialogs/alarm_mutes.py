"""What is muted of the alarms: which, by whom, until when, why; one is ended early from here."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.dialogs.alarm_lines import mute_lines
from praxmonitor.widgets.row_list import LIST_KEYS, Row, RowList, marked


class AlarmMutesScreen(ModalScreen[None]):
    """The list; it stays open while mutes are ended."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,u", "dismiss", "close"),
        *LIST_KEYS,
        Binding("enter,x", "end", show=False),
    ]
    DEFAULT_CSS = """
    AlarmMutesScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 84; max-width: 96%; height: auto; max-height: 100%; padding: 1 2; background: $surface;
            border: round $primary; }
        #title, #hint { color: $muted; height: auto; width: 100%; }
        #muted { height: auto; max-height: 50vh; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; }
    }
    """

    def __init__(self, desk: AlarmDesk) -> None:
        super().__init__()
        self._desk = desk
        self._mutes = tuple(desk.mutes())
        """As they are drawn: a key ends what was shown."""
        self._list = RowList("muted", opened=lambda: self.run_worker(self.action_end()))
        self._title = Static("", id="title", markup=False)

    def compose(self) -> ComposeResult:
        """One sheet."""
        with Vertical(id="dialog"):
            yield self._title
            yield self._list.lines
            yield Static("enter x end it early    esc back    m in the list of alarms mutes", id="hint", markup=False)

    def on_mount(self) -> None:
        """Follow them: another screen may end one, and time does."""
        self._list.lines.focus()
        self.watch(self.app, "standing", self.show)
        self.watch(self.app, "snapshot", self.show)

    def show(self) -> None:
        """Draw the mutes that hold."""
        self._mutes = tuple(self._desk.mutes())
        _, now = self._desk.listed()
        self._list.show([Row((mute.id,), marked(partial(mute_lines, mute, now))) for mute in self._mutes])
        title = f"Muted alarms: {len(self._mutes)}. What is muted stands in the list, and is not heard."
        self._title.update(title if self._mutes else "No alarm is muted.")

    def action_step(self, way: str) -> None:
        """To another mute."""
        self._list.step(way)

    async def action_end(self) -> None:
        """End the chosen one."""
        if self._list.index is not None:
            await self._desk.end_mute(self._mutes[self._list.index])
            self.show()
