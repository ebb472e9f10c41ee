"""A screen that follows the app: the present snapshot, the selected agent and its details, header and footer."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.screen import Screen
from textual.timer import Timer

from mailcore.model.fleet import AgentFacts
from praxmonitor.actions.table import ACT, ACTIONS, EVERYWHERE, FLEET, MAIL, REPLAY, wanted, why_disabled
from praxmonitor.alarms.alarm import headline
from praxmonitor.state.agent_details import AgentDetails
from praxmonitor.state.agent_reader import AgentReader
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.widgets.alarm_bar import AlarmBar
from praxmonitor.widgets.footer import Hint, Keys
from praxmonitor.widgets.header import Header, header_line

if TYPE_CHECKING:
    from praxmonitor.app.console import Console

SETTLE = 0.08
"""Seconds that a selection stands before its process and log are read: a key held down reads nothing."""


class Following(Screen[None]):
    """A screen with a header, a footer and one agent under the cursor."""

    DEFAULT_CSS = """
    Following { background: $background; color: $ink; }
    """
    SCOPES: ClassVar[tuple[str, ...]] = ()
    """Scopes of actions that this screen adds to those that every screen has."""

    def __init__(self) -> None:
        super().__init__()
        self.details: AgentDetails | None = None
        """The last reading of the agent in view."""
        # Held, not looked up: a reading may come in while the screen is taken down, child by child.
        self._header, self._alarm_bar, self._keys = Header(), AlarmBar(), Keys()
        self._reader = AgentReader()
        self._settle: Timer | None = None
        self._read_of: AgentFacts | None = None

    @property
    def prax(self) -> Console:
        """The app, by its own type."""
        return cast("Console", self.app)

    @property
    @abstractmethod
    def selected(self) -> str:
        """Address of the agent under the cursor; empty for none."""

    @abstractmethod
    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw this snapshot."""

    @abstractmethod
    def show_details(self) -> None:
        """Draw `self.details`, which was just read."""

    def on_mount(self) -> None:
        """Follow the app."""
        self.watch(self.app, "snapshot", self.refresh_all)
        self.watch(self.app, "sound_status", self.refresh_all, init=False)
        self.watch(self.app, "alarms", self.refresh_all, init=False)
        self.watch(self.app, "playing", self.refresh_all, init=False)
        self.watch(self.app, "stopped", self.refresh_all, init=False)
        self.set_interval(max(0.5, self.prax.config.observe.sample), self.read_details)

    def on_screen_resume(self) -> None:
        """Catch up after another screen was on top."""
        self.refresh_all()

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        top = next((screen for screen in reversed(self.app.screen_stack) if not screen.is_modal), self)
        if top is not self or not self.is_mounted:
            return
        snapshot = self.prax.snapshot
        self.show_frame()
        if snapshot is EMPTY:
            return
        self.show_snapshot(snapshot)
        facts = snapshot.fleet.find(self.selected)
        if facts is not self._read_of:
            self.settle_on(facts)

    def show_frame(self) -> None:
        """Header and footer."""
        app, snapshot = self.prax, self.prax.snapshot
        operator = snapshot.fleet.operator
        line = header_line(
            app.workspace.root.name,
            snapshot.statuses,
            sum(bool(facts.held) for facts in snapshot.fleet.agents),
            operator.mailbox if operator else None,
            app.sound_status,
            snapshot.now or app.clock(),
            app.size.width,
            played=app.playing,
        )
        self._header.show(line, app.notes)
        waiting = app.notifier.unanswered()
        self._alarm_bar.show(
            headline([episode.alarm for episode in waiting]),
            max((episode.urgency for episode in waiting), default=0),
            min((episode.alarm.since or episode.raised_at for episode in waiting), default=0.0),
            snapshot.now,
            app.size.width,
        )
        played = app.playback is not None
        scopes = (REPLAY, MAIL, ACT, FLEET, EVERYWHERE)
        mine = (*self.SCOPES, REPLAY if played else ACT, EVERYWHERE)
        offered = [a for a in ACTIONS if a.footer and a.scope in mine]
        offered.sort(key=lambda action: scopes.index(action.scope))
        selected = self.selected
        needed = wanted(snapshot.needs_me(), snapshot.fleet, selected)
        self._keys.show(
            Hint(
                a.id, a.keys[0], a.label, bool(why_disabled(a, snapshot.fleet, selected, played=played)), a.id in needed
            )
            for a in offered
        )

    def on_resize(self) -> None:
        """The header is laid out for the width."""
        if self.is_mounted:
            self.call_after_refresh(self.refresh_all)

    def settle_on(self, facts: AgentFacts | None) -> None:
        """Read process and log of this agent as soon as the cursor rests."""
        self._read_of = facts
        if self._settle is not None:
            self._settle.stop()
        self._settle = self.set_timer(SETTLE, self.read_details)

    def read_details(self) -> None:
        """Read process and log of the agent in view, in a thread. A recorded agent has neither here."""
        if self.prax.playback is not None:
            return
        facts = self.prax.snapshot.fleet.find(self.selected)
        if facts is not None and self.is_current:
            self._read(facts)

    @work(thread=True, exclusive=True, group="details")
    def _read(self, facts: AgentFacts) -> None:
        self.app.call_from_thread(self._take_details, self._reader.read(facts))

    def _take_details(self, details: AgentDetails) -> None:
        if details.address == self.selected and self.is_mounted:
            self.details = details
            self.show_details()
