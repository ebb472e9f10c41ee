"""What stands around every view: header, alarm bar and keys; and how a view follows the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

from textual.screen import Screen

from mailcore.model.fleet import Fleet
from mailcore.model.message import Message
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.context import Preferring, Ways
from praxmonitor.actions.keymap import Keymap
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import ACT, REPLAY, Scope
from praxmonitor.actions.table import ACTIONS
from praxmonitor.alarms.alarm import clauses
from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.alarms.groups import began
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.state.needs import Need, needs_of
from praxmonitor.state.oldest_task import OldestTasks
from praxmonitor.state.project_summary import ProjectSummary
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.limits import header_spans
from praxmonitor.text.lines import Line
from praxmonitor.text.usage import fleet_cost
from praxmonitor.widgets.alarm_bar import AlarmBar
from praxmonitor.widgets.footer import Hint, Keys
from praxmonitor.widgets.header import Header, SteadyForm, header_line
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.projects import Projects

FOLLOWED = ("snapshot", "sound_status", "standing", "playing", "stopped", "projects", "sending", "away")
"""Of these values of the app each change is drawn."""


class Monitor(Protocol):
    """The app, as a view sees it."""

    snapshot: Snapshot
    sound_status: SoundStatus
    playing: str
    projects: tuple[ProjectSummary, ...]
    preferences: Preferences
    keymap: Keymap

    @property
    def opened(self) -> OpenWorkspace:
        """The workspace that is shown."""

    @property
    def alarms(self) -> AlarmDesk:
        """The alarms that stand."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the observing itself."""

    @property
    def navigation(self) -> Ways:
        """The way to every view."""

    @property
    def choices(self) -> Preferring:
        """What keeps what the operator chooses."""

    def action_do(self, action_id: str) -> None:
        """Run one action of the table on the view in front."""


class Frame:
    """Header, alarm bar and keys of one view."""

    def __init__(self, screen: Screen[None], scopes: tuple[Scope, ...]) -> None:
        """`scopes`: of the actions that the view offers."""
        self._screen = screen
        self._scopes = scopes
        self.own: OpenWorkspace | None = None
        """The workspace that the view is of, where several may be open; None: the one that is shown."""
        self.section = ""
        """The section that is chosen, in the view of one agent."""
        self.rowless = False
        """It is a list without a row: nothing can be asked for of it."""
        # Held, not looked up: a reading may come in while the screen is taken down, child by child.
        self.header, self.alarm_bar, self.keys = Header(), AlarmBar(), Keys()
        self.projects = Projects()
        self.needs: tuple[Need, ...] = ()
        """What needs the operator, as it was drawn last."""
        self._form = SteadyForm()
        self._tasks = OldestTasks()
        self._cost_of: tuple[Fleet | None, str] = (None, "")
        """A fleet, and what all of its agents cost."""

    @property
    def app(self) -> Monitor:
        """The app, by what a view may ask of it."""
        return cast("Monitor", self._screen.app)

    @property
    def opened(self) -> OpenWorkspace:
        """The workspace that the view is of, whichever is shown by now."""
        return self.own or self.app.opened

    @property
    def has_turn(self) -> bool:
        """Whether what the app shows is of the view's own workspace."""
        return self.opened is self.app.opened

    def follow(self, draw: Callable[[], None]) -> None:
        """Let the view be drawn now, and whenever what the app holds has changed."""
        for number, name in enumerate(FOLLOWED):
            self._screen.watch(self._screen.app, name, draw, init=not number)

    @property
    def in_front(self) -> bool:
        """Whether the view is to be drawn: no other full screen covers it."""
        screen = self._screen
        top = next((each for each in reversed(screen.app.screen_stack) if not each.is_modal), screen)
        return top is screen and screen.is_mounted

    def show(self, selected: str, message: Message | None = None, marked: tuple[str, ...] = ()) -> None:
        """Draw it for the agent that is `selected`, or those that are `marked`, and the mail under the cursor."""
        app, width = self.app, self._screen.app.size.width
        snapshot, opened = app.snapshot, app.opened
        operator = snapshot.fleet.operator
        line = header_line(
            opened.workspace.root.name,
            snapshot.statuses,
            sum(bool(facts.held) for facts in snapshot.fleet.agents),
            operator.mailbox if operator else None,
            app.sound_status,
            snapshot.now or opened.clock(),
            width,
            played=app.playing,
            limits=self._limits(),
            cost=self._cost(),
            oldest=self._tasks.of(snapshot.fleet),
            away=opened.away,
            steady=self._form,
        )
        self.header.show(line, app.notes)
        self.projects.show(app.projects)
        waiting = app.alarms.unanswered()
        self.alarm_bar.show(
            clauses([episode.alarm for episode in waiting]),
            max((episode.urgency for episode in waiting), default=0),
            min(map(began, waiting), default=0.0),
            snapshot.now,
            width,
        )
        self.needs = needs_of(snapshot, [episode.alarm for episode in waiting])
        played = opened.playback is not None
        self._show_keys(
            Situation(
                snapshot.fleet, selected, played, [need.key for need in self.needs],
                message=message, read_only=opened.read_only, sending=opened.sending, marked=marked,
            )
        )  # fmt: skip

    def _limits(self) -> tuple[Line, Line]:
        """What is known of the accounts' usage limits, in words and without."""
        snapshot, share = self.app.snapshot, self.app.opened.config.limits.warn
        if not snapshot.fleet.limits:
            return (), ()
        full, short = (header_spans(snapshot.fleet, snapshot.now, share, words=words) for words in (True, False))
        return full, short

    def _cost(self) -> str:
        """What all agents cost today; added up once for each fleet."""
        snapshot = self.app.snapshot
        if self._cost_of[0] is not snapshot.fleet:
            self._cost_of = snapshot.fleet, fleet_cost(snapshot.fleet, snapshot.now)
        return self._cost_of[1]

    def _show_keys(self, now: Situation) -> None:
        keymap, now = self.app.keymap, replace(now, section=self.section)
        hidden = ACT if now.played else REPLAY
        offered = [a for a in ACTIONS if a.footer and a.scope in self._scopes and a.scope is not hidden]
        section = "" if self.rowless else self.section
        offered = [a for a in offered if keymap.first(a.id) and (not a.section or a.section == section)]
        offered = [a for a in offered if keymap.elects(a.id, self._scopes, now)]
        offered = [a for a in offered if a.footer is not Footer.WANTED or a.wanted(now)]
        offered.sort(key=lambda action: action.scope.place)
        self.keys.show(
            Hint(
                action.id, keymap.first(action.id), _label(action, now), bool(action.refusal(now)), action.wanted(now),
                action.footer is Footer.ALWAYS,
            )
            for action in offered
        )  # fmt: skip

    def step(self, way: str) -> None:
        """Move in the panel that has the focus."""
        panel = self._screen.focused
        if isinstance(panel, Lines):
            panel.step(way)


def _label(action: Action, now: Situation) -> str:
    return f"{action.label}, {action.moment(now)}" if action.moment is not None else action.label
