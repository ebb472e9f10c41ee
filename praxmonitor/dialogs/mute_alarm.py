"""The form that mutes an alarm's like: which, for how long, why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailcore.exceptions import UsageError
from mailcore.model.agent import OPERATOR
from praxmonitor.alarms.alarm import Alarm
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.mute_input import parse_until
from praxmonitor.text.lines import cut, plain
from praxmonitor.widgets.row_list import LIST_KEYS, Row, RowList, marked, text_row

FOR = "1h"
"""For how long, unless something else is typed."""
Muted: TypeAlias = Callable[[AlarmMute], Awaitable[None]]


def offers(alarm: Alarm) -> Iterator[tuple[str, AlarmMute]]:
    """What a person may mean: in words, and as a mute that has no end yet. Each hides this alarm."""
    base = AlarmMute("", 0.0, by=OPERATOR)
    kind, agent, cause = str(alarm.kind), alarm.address, alarm.cause
    told = (
        (f"{kind} of {agent}", agent, replace(base, agent=agent, kind=kind)),
        (f"every alarm of {agent}, save what others come of", agent, replace(base, agent=agent)),
        (f"{kind} of every agent", kind, replace(base, kind=kind)),
        (f"every alarm of the cause {cause}", cause, replace(base, cause=cause)),
        (f"every alarm of this task: {alarm.id}", alarm.id, replace(base, task=alarm.id.lower())),
    )
    for words, value, mute in told:
        if value and mute.matches(alarm):
            yield words, mute


class MuteAlarmScreen(ModalScreen[None]):
    """It closes when the mute holds; else it says what is wrong and keeps every word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", priority=True),
        Binding("down", "step('down')", show=False, priority=True),
        Binding("up", "step('up')", show=False, priority=True),
        *LIST_KEYS,
        Binding("tab", "app.focus_next", "next field", priority=True),
        Binding("shift+tab", "app.focus_previous", "previous field", priority=True),
        Binding("enter", "mute", show=False),
    ]
    DEFAULT_CSS = """
    MuteAlarmScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 84; max-width: 96%; height: auto; max-height: 96%; padding: 1 2; background: $surface;
            border: round $warning; }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        #offers { height: auto; max-height: 8; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        Input {
            border: round $faint; border-title-color: $muted; padding: 0 1; background: $surface; color: $ink;
            width: 1fr; height: 3;
        }
        Input:focus { border: round $accent; border-title-color: $ink-accent; background-tint: transparent; }
        #trouble { color: $ink-error; height: auto; max-height: 4; width: 100%; display: none; }
        #trouble.-open { display: block; }
        #hint { color: $faint; height: auto; width: 100%; }
    }
    """

    def __init__(self, alarm: Alarm, clock: Callable[[], float], mute: Muted) -> None:
        """`clock` gives seconds since the epoch. `mute` makes it; UsageError where it is none."""
        super().__init__()
        self._alarm, self._clock, self._mute = alarm, clock, mute
        self._offers = list(offers(alarm))
        self._offered = RowList("offers")

    def compose(self) -> ComposeResult:
        """Which, for how long, why."""
        with Vertical(id="dialog"):
            yield Static(cut(plain(f"Mute: {self._alarm.summary}"), 200), markup=False, id="question")
            yield self._offered.lines
            length, why = Input(FOR, id="length", select_on_focus=True), Input(id="why")
            length.border_title, why.border_title = "For how long, or until when: 30m, 4h, 18:00", "Why"
            yield length
            yield why
            yield Static("", markup=False, id="trouble")
            yield Static("enter mute    ↑ ↓ which    tab next field    esc back", markup=False, id="hint")

    def on_mount(self) -> None:
        """The list has the focus."""
        self._offered.lines.focus()
        self._offered.show([Row((words,), marked(text_row(words))) for words, _ in self._offers])

    def action_step(self, way: str) -> None:
        """To another one."""
        self._offered.step(way)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field."""
        event.stop()
        await self.action_mute()

    async def action_mute(self) -> None:
        """Mute it, or say what is wrong."""
        length, why = self.query_one("#length", Input), self.query_one("#why", Input)
        now = self._clock()
        try:
            until = parse_until(length.value, now)
            await self._mute(replace(self._offers[self._offered.index or 0][1], until=until, why=why.value, at=now))
        except UsageError as error:
            trouble = self.query_one("#trouble", Static)
            trouble.update(plain(str(error)))
            trouble.add_class("-open")
            length.focus()
        else:
            self.dismiss()
