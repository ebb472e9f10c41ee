"""What stands around every view: header, alarm bar and keys; and how a view follows the app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, cast

from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from mailcore.model.fleet import Fleet
from mailcore.model.message import Message
from mailcore.text.units import next_step
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.app_parts import Preferring, Ways
from praxmonitor.actions.keymap import Keymap
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import ACT, REPLAY, Scope
from praxmonitor.actions.table import ACTIONS
from praxmonitor.alarms.alarm import clauses
from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.alarms.groups import named_since
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.state.needs import Need, needs_of
from praxmonitor.state.oldest_task import OldestTasks
from praxmonitor.state.project_summary import ProjectSummary
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.hosts import hosts_spans
from praxmonitor.text.limits import header_spans
from praxmonitor.text.lines import Line
from praxmonitor.text.usage import fleet_cost
from praxmonitor.widgets.alarm_bar import AlarmBar
from praxmonitor.widgets.footer import Hint, Keys
from praxmonitor.widgets.header import Header, SteadyForm, header_line
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.projects import Projects

ANSWER_WORDS = {"acknowledge": "acknowledge", "snooze": "snooze", "view_alarms": "list"}
"""Actions that the alarm bar names, each in a word; by the last of its keys, for the first may be a mere number."""
FOLLOWED = ("snapshot", "sound_status", "standing", "playing", "stopped", "projects", "sending", "away")
"""Of these values of the app each change is drawn."""

BESIDE = 160
"""Columns from which what explains the chosen row of a list stands beside it."""
COST_PERIOD = 1.0
"""Seconds between two times that money is added up: a thousand agents take a millisecond."""


class Monitor(Protocol):
    """The app, as a view sees it."""

    snapshot: Snapshot
    newest: Snapshot
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
        self.searched = False
        """Something is searched for in the log that is shown."""
        self.rowless = False
        """It is a list without a row: nothing can be asked for of it."""
        # Held, not looked up: a reading may come in while the screen is taken down, child by child.
        self.header, self.alarm_bar, self.keys = Header(), AlarmBar(), Keys()
        self.projects = Projects()
        self._draw: Callable[[], None] = lambda: None
        self._size = Size()
        """That it was drawn for."""
        self.needs: tuple[Need, ...] = ()
        """What needs the operator, as it was drawn last."""
        self._form = SteadyForm()
        self._tasks = OldestTasks()
        self._drawn_of: tuple[object, ...] = ()
        """What it was drawn of."""
        self._drawn_at = self._alike_until = 0.0
        """When that was, and from when on ages and the clock in it read otherwise."""
        self._cost_of: tuple[Fleet | None, float, str] = (None, 0.0, "")
        """A fleet and the moment at which it was added up what all of its agents cost, and that."""

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

    def around(self, *body: Widget) -> Iterator[Widget]:
        """What stands around every view, with what is its own between."""
        yield from (self.header.lines, self.projects.lines, self.alarm_bar.lines, *body, self.keys.lines)

    def follow(self, draw: Callable[[], None]) -> None:
        """Let `draw` draw the view now, whenever what the app holds has changed, when the view comes to the front, and
        when its size is another."""
        self._draw, screen = draw, self._screen
        for name in FOLLOWED:
            screen.watch(screen.app, name, self.refresh, init=False)
        screen.app.screen_change_signal.subscribe(screen, self._another_in_front)
        screen.screen_layout_refresh_signal.subscribe(screen, self._laid_out, immediate=True)
        screen.call_next(self.refresh)

    def _another_in_front(self, shown: Screen[None]) -> None:
        if shown is self._screen:
            self.refresh()

    def _laid_out(self, screen: Screen[None]) -> None:
        if screen.size != self._size:
            self._size = screen.size
            screen.call_after_refresh(self.refresh)

    @property
    def in_front(self) -> bool:
        """Whether the view is to be drawn: no other full screen covers it."""
        screen = self._screen
        top = next((each for each in reversed(screen.app.screen_stack) if not each.is_modal), screen)
        return top is screen and screen.is_running

    def refresh(self) -> None:
        """Draw the view, unless another full screen covers it."""
        if self.in_front:
            self._draw()

    def show(self, selected: str, message: Message | None = None, marked: tuple[str, ...] = ()) -> None:
        """Draw it for the agent that is `selected`, or those that are `marked`, and the mail under the cursor."""
        app, width = self.app, self._screen.app.size.width
        snapshot, opened = app.snapshot, app.opened
        now, waiting = snapshot.now or opened.clock(), app.alarms.unanswered()
        of = (
            snapshot.fleet, snapshot.statuses, waiting, app.sound_status, app.playing, app.projects, app.notes,
            app.keymap, opened, opened.sending, opened.away, selected, message, marked, width,
            self.header.lines.line_width, self.section, self.rowless, self.searched,
        )  # fmt: skip
        if of == self._drawn_of and self._drawn_at <= now < self._alike_until:
            return
        oldest, first = self._tasks.of(snapshot.fleet), named_since(waiting)
        self._drawn_of, self._drawn_at = of, now
        ages = (next_step(at, now) for at in (first, oldest.at if oldest is not None else 0.0))
        self._alike_until = min(now // 60 * 60 + 60, *ages) if not snapshot.fleet.limits else now
        operator, heard = snapshot.fleet.operator, snapshot.heard_agents
        away_agents = len(snapshot.fleet.agents) - len(heard)
        line = header_line(
            opened.workspace.root.name,
            snapshot.statuses if not away_agents else {each.address: snapshot.status(each.address) for each in heard},
            sum(bool(facts.held) for facts in heard),
            operator.mailbox if operator else None,
            app.sound_status,
            now,
            width,
            played=app.playing,
            limits=self._limits(),
            hosts=self._hosts(),
            away_agents=away_agents,
            cost=self._cost(),
            oldest=oldest,
            away=opened.away,
            steady=self._form,
        )
        self.header.show(line, app.notes)
        self.projects.show(app.projects)
        self.alarm_bar.show(
            clauses([episode.alarm for episode in waiting]),
            max((episode.urgency for episode in waiting), default=0),
            first,
            snapshot.now,
            width,
            [(app.keymap.spoken(each)[-1], word) for each, word in ANSWER_WORDS.items() if app.keymap.keys(each)],
        )
        self.needs = needs_of(snapshot, [episode.alarm for episode in waiting])
        played = opened.playback is not None
        self._show_keys(
            Situation(
                snapshot.fleet, selected, played, [need.key for need in self.needs],
                message=message, read_only=opened.read_only, sending=opened.sending, marked=marked, at=snapshot.now,
                message_open=getattr(self._screen, "message_open", False), searched=self.searched,
            )
        )  # fmt: skip

    def _limits(self) -> tuple[Line, Line]:
        """What is known of the accounts' usage limits, in words and without."""
        snapshot, share = self.app.snapshot, self.app.opened.config.limits.warn
        if not snapshot.fleet.limits:
            return (), ()
        full, short = (header_spans(snapshot.fleet, snapshot.now, share, words=words) for words in (True, False))
        return full, short

    def _hosts(self) -> tuple[Line, Line]:
        """How many hosts the link has, and which are away, in words and without."""
        snapshot = self.app.snapshot
        full, short = (hosts_spans(snapshot.fleet.hosts, snapshot.now, words=words) for words in (True, False))
        return full, short

    def _cost(self) -> str:
        """What all agents cost today; added up once for each fleet, and once a second at most."""
        snapshot = self.app.snapshot
        fleet, now = snapshot.fleet, snapshot.now
        known, at, _ = self._cost_of
        if known is not fleet and (known is None or known.root != fleet.root or not 0 <= now - at < COST_PERIOD):
            self._cost_of = fleet, now, fleet_cost(fleet, now)
        return self._cost_of[2]

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
