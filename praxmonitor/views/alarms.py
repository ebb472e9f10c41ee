"""Every alarm that stands, and requests for approval: why, what was expected and seen, what to do, what it hides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from mailcore.model.agent import OPERATOR
from mailcore.model.message import Message
from mailcore.model.permission import PermissionRequest
from mailcore.text import counted
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, ALARMS, EVERYWHERE, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.groups import began
from praxmonitor.alarms.history import HistoryEntry
from praxmonitor.alarms.listing import AlarmRow, alarm_rows
from praxmonitor.alarms.reports import load_words, title_of
from praxmonitor.alarms.statistics import DAY, AlarmLoad, load_of
from praxmonitor.dialogs.alarm_lines import approval_lines, asked_lines, beside_lines, group_lines
from praxmonitor.text.lines import Line, fit, on_ground, wrap
from praxmonitor.views.frame import BESIDE, Frame
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.row_list import Row, RowList

LOAD_PERIOD = 5.0
"""Seconds between two readings of the history while the view is in front."""


class AlarmsScreen(Screen[None]):
    """A head that counts, and the list; the chosen row explains itself, on a wide screen beside the list."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (BESIDE, "-beside")]  # noqa: RUF012

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, ALARMS, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    AlarmsScreen {
        background: $background; color: $ink;
        #summary { height: auto; max-height: 5; padding: 0 1; scrollbar-gutter: auto; }
        #rows { height: 1fr; }
        #list { width: 3fr; height: 1fr; border-top: solid $rule; }
        #beside { width: 2fr; height: 1fr; display: none; padding: 0 1; border-top: solid $rule;
            border-left: vkey $rule; }
        &.-beside #beside { display: block; }
        #list:focus { border-top: solid $accent; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.summary = Lines(id="summary", resized=self._show_summary)
        self.summary.can_focus = False
        self.list = RowList("list", picked=self._show_chosen, opened=self._open, scrolls=True)
        self.beside = Lines(id="beside", resized=self._show_beside)
        self.beside.can_focus = False
        self._entries: Sequence[HistoryEntry] = ()
        """What happened to alarms during the last day, as it was read last."""
        self._rows: tuple[AlarmRow, ...] = ()
        self._now = 0.0
        self._load: AlarmLoad | None = None
        """Of the last day, as it was read last; None: of nothing, or not read yet."""
        self._load_read_at = 0.0

    def compose(self) -> ComposeResult:
        """Header, head, list, footer."""
        yield from self.frame.around(self.summary, Horizontal(self.list.lines, self.beside, id="rows"))

    def on_mount(self) -> None:
        """Follow the app."""
        self.list.lines.focus()
        self.frame.follow(self._show)

    @property
    def rows(self) -> tuple[AlarmRow, ...]:
        """What is listed, as it is drawn: a key answers what was shown."""
        return self._rows

    @property
    def chosen(self) -> AlarmRow | None:
        """The row under the cursor."""
        place = self.list.index
        return self._rows[place] if place is not None else None

    @property
    def message(self) -> Message | None:
        """The request under the cursor."""
        return self.chosen.request if self.chosen is not None else None

    @property
    def permission(self) -> PermissionRequest | None:
        """The request for permission under the cursor."""
        return self.chosen.permission if self.chosen is not None else None

    @property
    def selected(self) -> str:
        """The agent of the alarm under the cursor; the operator where a request for approval is."""
        row = self.chosen
        if row is not None and row.permission is not None:
            return row.permission.agent
        if row is None or row.request is not None or row.group is None:
            return OPERATOR if row is not None else ""
        address = row.group.leader.alarm.address
        return address if address != OPERATOR else ""

    @property
    def run_id(self) -> str:
        """The run that the alarm under the cursor tells the end of; empty where none does."""
        group = self.chosen.group if self.chosen is not None else None
        return group.leader.alarm.run_id if group is not None else ""

    @property
    def log_at(self) -> float:
        """The time at which the logs of the agent are opened: when the alarm under the cursor began."""
        group = self.chosen.group if self.chosen is not None else None
        return began(group.leader) if group is not None else 0.0

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def refresh_all(self) -> None:
        """Draw what stands now."""
        self.frame.refresh()

    def _show(self) -> None:
        app = self.frame.app
        standing, self._now = app.alarms.listed()
        fleet = app.snapshot.fleet
        self._rows = alarm_rows(standing, fleet.operator_mails, self._now, fleet.agents)
        self.list.show([Row(row.keys, partial(self._draw, row)) for row in self._rows] if self._now else None)
        self._show_summary()
        self._show_chosen()
        if self._now and not 0 <= self._now - self._load_read_at < LOAD_PERIOD:
            self._load_read_at = self._now
            self.run_worker(self._read_load(self._now), exclusive=True, group="load")

    async def _read_load(self, now: float) -> None:
        self._entries = entries = await self.frame.app.alarms.history(now - DAY)
        if self.is_mounted:
            leaders = [row.group.leader for row in self._rows if row.group is not None]
            self._load = load_of(entries, leaders, now) if entries else None
            self._show_summary()
            self._show_beside()

    def _show_summary(self) -> None:
        self.summary.set_lines(list(self._summary()) if self._now else [])

    def _summary(self) -> list[Line]:
        requests = sum(row.request is not None for row in self._rows)
        approve, read = map(self.frame.app.keymap.first, ("approve_request", "open_alarm"))
        keys = f": {approve} approves, {read} opens" if approve and read else ""
        asked = f"{counted(requests, 'request')} for your approval{keys}.  " if requests else ""
        permissions = sum(row.permission is not None for row in self._rows)
        key = self.frame.app.keymap.first("answer_permission")
        answers = f": {key} answers" if key else ""
        asked = f"{counted(permissions, 'permission')} asked for{answers}.  {asked}" if permissions else asked
        groups = [row.group for row in self._rows if row.group is not None]
        found: list[Line] = [((asked, "state-waiting"), (title_of(groups), "muted"))]
        if self._load is not None:
            found.append(((load_words(self._load), "muted"),))
            warnings = f"! {'; '.join(self._load.warnings)}" if self._load.warnings else ""
            found += [((part, "warn"),) for part in wrap(warnings, max(10, self.summary.line_width)) if part]
        return found

    def _show_beside(self) -> None:
        if self.has_class("-beside"):
            row, width = self.chosen, max(10, self.beside.line_width)
            respelled = self.frame.app.keymap.respelled
            lines = (
                beside_lines(row, self._mutes(), self._entries, self._now, width, respelled) if row is not None else []
            )
            self.beside.set_lines(lines)

    def _mutes(self) -> dict[str, AlarmMute]:
        return {mute.id: mute for mute in self.frame.app.alarms.mutes()}

    def _draw(self, row: AlarmRow, width: int, chosen: bool) -> list[Line]:
        lines = self._explained(row, width, chosen)
        if not (chosen and self.has_class("-beside")):
            return lines
        return [on_ground(fit(lines[0], width), "selected")]

    def _explained(self, row: AlarmRow, width: int, chosen: bool) -> list[Line]:
        respelled = self.frame.app.keymap.respelled if chosen else None
        if row.request is not None:
            return approval_lines(row.request, row.group, self._now, width, respelled)
        if row.permission is not None:
            return asked_lines(row.permission, row.group, self._now, width, respelled)
        if row.group is None:
            return [()]
        return group_lines(row.group, self._mutes(), self._now, width, respelled)

    def _show_chosen(self) -> None:
        """What the keys do, they do to the agent of the row under the cursor."""
        self._show_beside()
        self.frame.show(self.selected, self.message)

    def _open(self) -> None:
        self.frame.app.action_do("open_alarm")

    def select_alarm(self, key: str) -> None:
        """Choose the alarm of this key, once the view is drawn; one that does not stand changes nothing."""
        self.call_after_refresh(self.list.choose, key)

    def choose(self, row: AlarmRow) -> None:
        """Put the cursor on this row."""
        self.list.choose(row.keys[0])

    def let_go(self) -> None:
        """Forget which is chosen."""
        self.list.let_go()

    def step(self, way: str) -> None:
        """Move in the list."""
        self.list.step(way)

    def next_panel(self) -> None:
        """There is one panel."""

    def back(self) -> None:
        """Back to the view before."""
        self.frame.app.navigation.leave_view()
