"""The main screen: all agents, the selected one, what happens everywhere."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from mailcore.model.fleet import AgentFacts
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, FLEET, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.text.agents import RANK, bypasses, task
from praxmonitor.text.lines import plain
from praxmonitor.views.frame import Frame
from praxmonitor.views.reading import Reading
from praxmonitor.widgets.detail import Detail
from praxmonitor.widgets.grid import Grid
from praxmonitor.widgets.grid_layout import usual_stream, whole
from praxmonitor.widgets.stream import Stream

ATTENTION_FIRST = "attention first"
"""What the grid says of the order that is not the registry's."""
REST = 1.5
"""Seconds after the last move of the selection in which no agent changes its place."""
AROUND = 2
"""Cells at the sides of the agents."""
FRAME = 3
"""Lines of header, alarm bar (or the blank line in its place) and keys."""


class FleetScreen(Screen[None]):
    """Grid, detail and stream. Below 110 columns the detail is its own screen; a low terminal has no stream."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012
    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, FLEET, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    FleetScreen {
        background: $background; color: $ink;
        #body { height: 1fr; layout: grid; grid-size: 2; grid-columns: 3fr 2fr; }
        #agents { padding: 1 1 0 1; }
        #grid { height: 1fr; overflow: hidden hidden; scrollbar-gutter: auto; }
        #filter {
            display: none; height: 1; border: none; padding: 0 1; background: $panel; color: $ink;
        }
        #filter.-open { display: block; }
        #detail { padding: 1 0 0 2; border-left: vkey $rule; }
        #stream { column-span: 2; }
        #detail:focus { border-left: vkey $accent; }
        #stream { border-top: solid $rule; border-title-color: $muted; border-title-align: left; }
        #stream:focus { border-top: solid $accent; border-title-color: $ink-accent; }
        /* What the agents leave over is the stream's, below them; the detail stands beside both. */
        &.-spare #detail { row-span: 2; }
        &.-spare #stream { column-span: 1; }
        &.-narrow #body { grid-size: 1; grid-columns: 1fr; }
        &.-narrow #detail { display: none; }
        &.-narrow #stream { column-span: 1; }
        &.-low #stream { display: none; }
        /* The alarm bar stands in the blank line: nothing below it moves when an alarm comes or goes. */
        &.-alarmed #agents { padding: 0 1; }
        &.-alarmed #detail { padding: 0 0 0 2; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.reading = Reading(self, self._readable, self._show_detail)
        self.grid, self.detail, self.stream = Grid(), Detail(), Stream()
        self.stream.lines.border_title = "stream"
        self._body = Container(id="body")
        self._filter = Input(placeholder="show only…", id="filter", compact=True)
        self._attention_first = False
        self._ranks: dict[str, int] = {}
        self._moving: Timer | None = None
        self._rows = ""
        """How the lines are shared out between agents and stream, as the stylesheet says it."""

    def compose(self) -> ComposeResult:
        """Header, grid beside detail, stream, footer."""
        yield self.frame.header.lines
        yield self.frame.projects.lines
        yield self.frame.alarm_bar.lines
        with self._body:
            with Vertical(id="agents"):
                yield self.grid.lines
                yield self._filter
            yield self.detail.lines
            yield self.stream.lines
        yield self.frame.keys.lines

    def on_mount(self) -> None:
        """Start with the grid under the keys, and follow the app."""
        self.grid.lines.focus()
        self.frame.follow(self.refresh_all)
        self.reading.begin(self.frame.app.opened.config.observe.sample)

    def on_screen_resume(self) -> None:
        """Catch up after another screen was on top."""
        self.refresh_all()

    def on_resize(self) -> None:
        """The header is laid out for the width."""
        if self.is_mounted:
            self.call_after_refresh(self.refresh_all)

    @property
    def selected(self) -> str:
        """Address of the agent under the cursor."""
        return self.grid.selected

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    def _readable(self) -> AgentFacts | None:
        """The agent under the cursor; none of a recording, which has neither process nor log here."""
        app = self.frame.app
        return app.snapshot.fleet.find(self.selected) if app.opened.playback is None else None

    def read_agent(self) -> None:
        """Read process, log and queue of the agent under the cursor now."""
        self.reading.read()

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        if not self.frame.in_front:
            return
        snapshot = self.frame.app.snapshot
        self.show_frame()
        if snapshot is not EMPTY:
            self.show_snapshot(snapshot)
            self.reading.follow(snapshot.fleet.find(self.selected))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot down."""
        agents = self._ordered(snapshot)
        wanted = self._filter.value.casefold().strip()
        if wanted:
            agents = tuple(facts for facts in agents if wanted in _searched(facts, snapshot))
            nobody = f"no agent matches {plain(self._filter.value.strip())} · Esc"
        else:
            nobody = "no agents yet · mailcore agent add NAME=PATH"
        order = ATTENTION_FIRST if self._attention_first else ""
        self.grid.show(agents, snapshot.statuses, snapshot.now, nobody, self.frame.app.opened.bypass, order)
        self.stream.show(snapshot.fleet.stream)
        self._show_detail()

    def show_frame(self) -> None:
        """Header, alarm bar and footer."""
        self.frame.show(self.selected)
        self.set_class(self.frame.alarm_bar.lines.display, "-alarmed")
        self._share_out()

    def _share_out(self) -> None:
        """Give the stream what the agents, all of the registry at their best, leave over; else its usual lines. Beside
        a detail it pays for that with width: so much must be left over that it gets twice its usual lines."""
        size = self.app.size
        usual, narrow = usual_stream(size.height), self.has_class("-narrow")
        width = (size.width if narrow else size.width * 3 // 5) - AROUND
        agents = self.frame.app.snapshot.fleet.agents
        wanted = whole(len(agents), width) + self._attention_first
        wanted += self._filter.has_class("-open")
        spare = size.height - FRAME - wanted - usual
        roomy = bool(agents) and spare >= (1 if narrow else usual)
        self.set_class(roomy, "-spare")
        rows = f"{wanted + (not self.has_class('-alarmed'))} 1fr" if roomy else f"1fr {usual}"
        if rows != self._rows:
            self._rows = rows
            self._body.styles.grid_rows = rows

    def _ordered(self, snapshot: Snapshot) -> tuple[AgentFacts, ...]:
        """As in the registry; or those that need attention, then those at work, then the rest, each as in the registry.
        An agent changes its place only with the class of its state, and not while the operator moves the selection."""
        agents = snapshot.fleet.agents
        if not self._attention_first:
            return agents
        if self._moving is None:
            self._ranks = {address: RANK[status.state] for address, status in snapshot.statuses.items()}
        return tuple(sorted(agents, key=lambda facts: self._ranks.get(facts.address, 2)))

    def _stop_moving(self) -> None:
        if self._moving is not None:
            self._moving.stop()
            self._moving = None

    def _come_to_rest(self) -> None:
        self._stop_moving()
        self.refresh_all()

    def _show_detail(self) -> None:
        snapshot, address = self.frame.app.snapshot, self.selected
        facts = snapshot.fleet.find(address)
        bypass = facts is not None and bypasses(facts, self.frame.app.opened.bypass)
        self.detail.show(facts, snapshot.status(address), self.reading.of(address), snapshot.now, bypass)

    def on_grid_picked(self, event: Grid.Picked) -> None:
        """Another agent: show it, read it."""
        if self._attention_first:
            self._stop_moving()
            self._moving = self.set_timer(REST, self._come_to_rest)
        self._show_detail()
        self.show_frame()
        self.reading.settle_on(self.frame.app.snapshot.fleet.find(event.address))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """A double click."""
        self.frame.app.show_agent(event.address)

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; among the agents the selection moves."""
        if self.grid.lines.has_focus:
            self.grid.step(way)
        else:
            self.frame.step(way)

    def next_panel(self) -> None:
        """Focus the next panel."""
        self.focus_next()

    def select_agent(self, address: str) -> bool:
        """Put this agent under the cursor; False if the filter hides it."""
        self.grid.select(address)
        return self.selected == address

    def change_order(self) -> None:
        """Those that need attention first, the first of them selected; again: the registry's order."""
        self._attention_first = not self._attention_first
        self._stop_moving()
        self._share_out()
        self.show_snapshot(self.frame.app.snapshot)
        if self._attention_first:
            self.grid.step("first")

    def open_filter(self) -> None:
        """Type what to show."""
        self._filter.add_class("-open")
        self._share_out()
        self._filter.focus()

    def back(self) -> None:
        """Drop the filter; else nothing."""
        self._filter.value = ""
        self._filter.remove_class("-open")
        self._share_out()
        self.grid.lines.focus()

    def on_input_changed(self) -> None:
        """Filter as it is typed."""
        self.show_snapshot(self.frame.app.snapshot)

    def on_input_submitted(self) -> None:
        """Keep the filter, back to the agents."""
        self.grid.lines.focus()


def _searched(facts: AgentFacts, snapshot: Snapshot) -> str:
    state = snapshot.status(facts.address).state
    return f"{facts.address} {state} {plain(facts.agent.role)} {task(facts)}".casefold()
