"""Every alarm that stands: what was expected, what was seen, what to do; and the keys that answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, groups_of
from praxmonitor.alarms.reports import load_words, title_of
from praxmonitor.alarms.statistics import DAY, load_of
from praxmonitor.dialogs.alarm_lines import group_lines
from praxmonitor.text.lines import Line
from praxmonitor.widgets.line_list import READING, WIDTH, Lines

LOAD_PERIOD = 5.0
"""Seconds between two readings of the history while the list is open."""
UNANSWERED = (AlarmState.WANTS, AlarmState.SETTLING)
HINT = "a acknowledge   z snooze   A Z all of them   m mute\nu muted   s statistics   enter open   esc back"


class AlarmsScreen(ModalScreen[str]):
    """The list. Dismissed with the address of the agent to open, or an empty text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "dismiss('')", "close"),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown", "page('page_down')", show=False),
        Binding("pageup", "page('page_up')", show=False),
        Binding("a", "acknowledge", show=False),
        Binding("z", "snooze", show=False),
        Binding("A", "acknowledge_all", show=False),
        Binding("Z", "snooze_all", show=False),
        Binding("m", "mute", show=False),
        Binding("u", "mutes", show=False),
        Binding("s", "load", show=False),
        Binding("enter", "open", show=False),
    ]
    DEFAULT_CSS = """
    AlarmsScreen {
        align: center middle;
        background: $background 60%;
        #sheet { width: 110; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $error; }
        #title, #load { color: $muted; height: auto; width: 100%; }
        #load, #warning { display: none; height: auto; width: 100%; }
        #warning { color: $ink-warning; }
        #load.-open, #warning.-open { display: block; }
        #list { height: auto; max-height: 45vh; min-height: 3; margin: 1 0; background: $surface; }
        #hint { color: $faint; height: auto; width: 100%; }
    }
    """

    def __init__(self, desk: AlarmDesk) -> None:
        super().__init__()
        self._desk = desk
        self._groups: tuple[AlarmGroup, ...] = ()
        """As they are drawn: a key answers what was shown."""
        self._chosen = ""
        """Key of the alarm that is chosen, which keeps its place in mind: others come and go around it."""
        self._place = 0
        self._shown_place = -1
        self._load_read_at = 0.0

    def compose(self) -> ComposeResult:
        """One sheet."""
        with Vertical(id="sheet"):
            yield Static("", id="title", markup=False)
            yield Static("", id="load", markup=False)
            yield Static("", id="warning", markup=False)
            yield Lines(id="list")
            yield Static(HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        """Follow what stands."""
        self.query_one("#list", Lines).focus()
        self.watch(self.app, "standing", self.show)
        self.watch(self.app, "snapshot", self.show)

    def on_lines_widened(self, event: Lines.Widened) -> None:
        """Lay the list out for the width that it has now."""
        event.stop()
        self.show()

    async def _read_load(self, now: float) -> None:
        entries = await self._desk.history(now - DAY)
        if not self.is_mounted:
            return
        standing, now = self._desk.listed()
        load = load_of(entries, [group.leader for group in groups_of(standing, now)], now)
        warnings = "! " + "; ".join(load.warnings) if load.warnings else ""
        for name, text in (("#load", load_words(load) if entries else ""), ("#warning", warnings)):
            line = self.query_one(name, Static)
            line.update(text)
            line.set_class(bool(text), "-open")

    def show(self) -> None:
        """Draw the alarms as they stand now."""
        if not self.query("#list"):
            return
        standing, now = self._desk.listed()
        if now and not 0 <= now - self._load_read_at < LOAD_PERIOD:
            self._load_read_at = now
            self.run_worker(self._read_load(now))
        self._groups = groups_of(standing, now)
        places = {key: place for place, group in enumerate(self._groups) for key in group.keys}
        self._place = max(0, min(places.get(self._chosen, self._place), len(self._groups) - 1))
        self._chosen = self._groups[self._place].leader.alarm.key if self._groups else ""
        area = self.query_one("#list", Lines)
        width, mutes = area.line_width or WIDTH, {mute.id: mute for mute in self._desk.mutes()}
        lines: list[Line] = []
        top = 0
        for place, group in enumerate(self._groups):
            if place == self._place:
                top = len(lines)
            lines += group_lines(group, mutes, now, width, chosen=place == self._place)
        self.query_one("#title", Static).update(title_of(self._groups) if now else "")
        area.set_lines(lines if now else [READING])
        if self._place != self._shown_place and not 0 <= top - area.scroll_offset.y <= area.line_count - 6:
            area.jump(max(0, top - 2))
        self._shown_place = self._place

    def action_move(self, step: int) -> None:
        """To another alarm."""
        if self._groups:
            self._place = max(0, min(self._place + step, len(self._groups) - 1))
            self._chosen = self._groups[self._place].leader.alarm.key
        self.show()

    def action_page(self, way: str) -> None:
        """Read on, where what explains an alarm is long."""
        self.query_one("#list", Lines).step(way)

    async def action_acknowledge(self) -> None:
        """Take note of the chosen alarm and of those that joined it; of one that is acknowledged take that back."""
        if self._groups:
            group = self._groups[self._place]
            taken_back = group.leader.acknowledged
            await self._answer(self._desk.ask_again if taken_back else self._desk.acknowledge, [group])

    async def action_snooze(self) -> None:
        """Snooze it and those that joined it; of one that is snoozed take that back."""
        if self._groups and (group := self._groups[self._place]).state is AlarmState.OVER:
            self.app.notify("it is over, and not heard: a takes it off the list", markup=False)
        elif self._groups:
            taken_back = group.leader.answered(self._desk.listed()[1]) and not group.leader.acknowledged
            await self._answer(self._desk.ask_again if taken_back else self._desk.snooze, [group])

    async def action_acknowledge_all(self) -> None:
        """Take note of all that want the operator, and of what is over."""
        await self._answer(self._desk.acknowledge, self._in((*UNANSWERED, AlarmState.OVER)))

    async def action_snooze_all(self) -> None:
        """Snooze all that want the operator."""
        await self._answer(self._desk.snooze, self._in(UNANSWERED))

    def _in(self, states: Sequence[AlarmState]) -> list[AlarmGroup]:
        return [group for group in self._groups if group.state in states]

    async def _answer(self, answer: Callable[[Sequence[str]], Awaitable[None]], groups: Sequence[AlarmGroup]) -> None:
        self._chosen = ""  # what is answered moves away: the next one takes its place
        await answer([key for group in groups for key in group.keys])
        self.show()

    def action_mute(self) -> None:
        """Mute the chosen alarm's like."""
        from praxmonitor.dialogs.mute_alarm import MuteAlarmScreen

        if self._groups:
            alarm = self._groups[self._place].leader.alarm
            self.app.push_screen(MuteAlarmScreen(alarm, lambda: self._desk.listed()[1], self._desk.mute))

    def action_mutes(self) -> None:
        """What is muted."""
        from praxmonitor.dialogs.alarm_mutes import AlarmMutesScreen

        self.app.push_screen(AlarmMutesScreen(self._desk))

    async def action_load(self) -> None:
        """How many alarms there were, and what happened of late."""
        from praxmonitor.dialogs.alarm_load import open_load

        await open_load(self._desk, self.app)

    def action_open(self) -> None:
        """The chosen alarm's agent."""
        self.dismiss(self._groups[self._place].leader.alarm.address if self._groups else "")
