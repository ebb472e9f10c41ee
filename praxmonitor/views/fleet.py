"""The main screen: all agents, the selected one, what happens everywhere."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from mailcore.model.fleet import AgentFacts
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, FLEET, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.preferences.arrangement import ATTENTION_FIRST, REGISTRY, Arrangement
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.text.agents import bypasses
from praxmonitor.text.hosts import NOTHING_SAID, host_said
from praxmonitor.views.agent_listing import AgentListing
from praxmonitor.views.frame import Frame
from praxmonitor.views.reading import Reading
from praxmonitor.widgets.card import CARD_HEIGHTS, TALLEST
from praxmonitor.widgets.detail import Detail
from praxmonitor.widgets.grid import Grid
from praxmonitor.widgets.grid_layout import lent, usual_stream, whole
from praxmonitor.widgets.stream import Stream

REST = 1.5
"""Seconds after the last move of the selection in which no agent changes its place."""
AROUND = 2
"""Cells at the sides of the agents."""
BROAD = 180
"""Columns from which agents and stream get two thirds: more would leave the detail half empty, and them narrow."""
AGENT_FILTER_HINT = "show only: word !not @name state:failed limit:"
FRAME = 3
"""Lines of header, alarm bar (or the blank line in its place) and keys."""


class FleetScreen(Screen[None]):
    """Grid, detail and stream. Below 110 columns the detail is its own screen; a low terminal has no stream."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (BROAD, "-broad")]  # noqa: RUF012
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
        &.-broad #body { grid-columns: 2fr 1fr; }
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
        self._filter = Input(placeholder=AGENT_FILTER_HINT, id="filter", compact=True)
        agents = Vertical(self.grid.lines, self._filter, id="agents")
        self._body = Container(agents, self.detail.lines, self.stream.lines, id="body")
        self._agents = AgentListing()
        self._moving: Timer | None = None
        self._rows = ""
        """How the lines are shared out between agents and stream, as the stylesheet says it."""

    def compose(self) -> ComposeResult:
        """Header, grid beside detail, stream, footer."""
        yield from self.frame.around(self._body)

    def on_mount(self) -> None:
        """Start with the grid under the keys, and follow the app."""
        self.grid.lines.focus()
        self.watch(self.app, "snapshot", self._count)
        self.frame.follow(self._draw)
        self.watch(self.app, "newest", self._show_newest, init=False)
        self.reading.begin(self.frame.app.opened.config.observe.sample)

    @property
    def selected(self) -> str:
        """Address of the agent under the cursor."""
        return self.grid.selected

    @property
    def marked(self) -> tuple[str, ...]:
        """Addresses of the marked agents that are shown."""
        marks = self._agents.marks
        return tuple(address for address in self.grid.addresses if address in marks) if marks else ()

    @property
    def arrangement(self) -> Arrangement:
        """How the agents are listed, as the operator chose it."""
        return self.frame.app.preferences.fleet

    def _readable(self) -> AgentFacts | None:
        """The agent under the cursor; none of a recording, which has neither process nor log here."""
        app = self.frame.app
        return app.snapshot.fleet.find(self.selected) if app.opened.playback is None else None

    def read_agent(self) -> None:
        """Read process, log and queue of the agent under the cursor now."""
        self.reading.read()

    def _count(self, snapshot: Snapshot) -> None:
        """What the agents do is counted while another view is in front, too."""
        if snapshot is not EMPTY and self.frame.has_turn:
            self._agents.follow(snapshot)

    def _draw(self) -> None:
        snapshot = self.frame.app.snapshot
        self.show_frame()
        if snapshot is not EMPTY:
            self.show_snapshot(snapshot)
            self.reading.follow(snapshot.fleet.find(self.selected))

    def _show_newest(self, newest: Snapshot) -> None:
        if self.frame.in_front:
            self.grid.show_newest(newest.fleet.shown, newest.shown_statuses, newest.now)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot down; the rows show what is known since."""
        newest = self.frame.app.newest
        agents, listing = self._agents.listed(
            newest, self.arrangement, self.frame.app.opened, self._moving is None, self.frame.needs
        )
        self.grid.show(agents, newest.shown_statuses, newest.now, listing)
        self.stream.show(snapshot.fleet.stream, snapshot.host_names)
        self._show_detail()

    def show_frame(self) -> None:
        """Header, alarm bar and footer."""
        self.frame.show(self.selected, marked=self.marked)
        self.set_class(self.frame.alarm_bar.lines.display, "-alarmed")
        self._share_out()

    def _share_out(self) -> None:
        """Give the stream what the agents, all of the registry at their best, leave over; else its usual lines. Beside
        a detail it pays for that with width: so much must be left over that it gets twice its usual lines."""
        size = self.app.size
        usual, narrow = usual_stream(size.height), self.has_class("-narrow")
        width = size.width if narrow else size.width * 2 // 3 if size.width >= BROAD else size.width * 3 // 5
        width -= AROUND
        count, table = len(self.frame.app.snapshot.fleet.shown), self.arrangement.table
        beside = bool(self._agents.marks or self.arrangement.words) + self._filter.has_class("-open")
        free = size.height - FRAME
        for tall in (TALLEST, CARD_HEIGHTS[0]):
            wanted = whole(count, width, table, tall) + beside
            roomy = bool(count) and free - wanted - usual >= (1 if narrow else usual)
            if roomy:
                break
        self.set_class(roomy, "-spare")
        if not roomy:
            usual -= lent(count, width, free - usual - beside, table)
        rows = f"{wanted + (not self.has_class('-alarmed'))} 1fr" if roomy else f"1fr {usual}"
        if rows != self._rows:
            self._rows = rows
            self._body.styles.grid_rows = rows

    def _stop_moving(self) -> None:
        if self._moving is not None:
            self._moving.stop()
            self._moving = None

    def _come_to_rest(self) -> None:
        self._stop_moving()
        self.frame.refresh()

    def _show_detail(self) -> None:
        snapshot, address = self.frame.app.snapshot, self.selected
        facts = snapshot.fleet.find(address)
        bypass = facts is not None and bypasses(facts, self.frame.app.opened.bypass)
        every = self.frame.app.opened.config.agent(address).wake_every if address else 0.0
        host = NOTHING_SAID
        if facts is not None:
            host = host_said(facts, snapshot.fleet.hosts, snapshot.away, snapshot.now)
        self.detail.show(facts, snapshot.status(address), self.reading.of(address), snapshot.now, bypass, every, host)

    def on_grid_picked(self, event: Grid.Picked) -> None:
        """Another agent: show it, read it."""
        if not self.arrangement.usual:
            self._stop_moving()
            self._moving = self.set_timer(REST, self._come_to_rest)
        self._show_detail()
        self.show_frame()
        self.reading.settle_on(self.frame.app.snapshot.fleet.find(event.address))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """A double click."""
        self.frame.app.navigation.show_agent(event.address)

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
        first = self.arrangement.sort != ATTENTION_FIRST
        self.list_as(replace(self.arrangement, sort=ATTENTION_FIRST if first else REGISTRY))
        if first:
            self.grid.step("first")

    def list_as(self, arrangement: Arrangement) -> None:
        """List the agents so from now on."""
        self.frame.app.choices.prefer(fleet=arrangement)
        self._list_anew()

    def _list_anew(self) -> None:
        self._stop_moving()
        self._share_out()
        self.show_snapshot(self.frame.app.snapshot)

    def mark(self) -> None:
        """Mark the agent under the cursor, or do so no more, and go on to the next."""
        if self.selected:
            self._agents.toggle([self.selected])
            self._list_anew()
            self.grid.step("right")

    def mark_all(self) -> None:
        """Mark all agents that are shown; again: none."""
        self._agents.toggle(self.grid.addresses)
        self._list_anew()

    def mark_on(self, way: str) -> None:
        """Move the cursor this way, and mark all from where the first of such moves began to where it stands now."""
        start = self.selected
        self.grid.step(way)
        self._agents.stretch(self.grid.addresses, start, self.selected)
        self._list_anew()

    def drop_marks(self) -> None:
        """Mark those that are shown no more."""
        if self.marked:
            self._agents.toggle(self.marked)
            self._list_anew()

    def open_filter(self) -> None:
        """Type what to show."""
        linked = bool(self.frame.app.snapshot.fleet.hosts)
        self._filter.placeholder = f"{AGENT_FILTER_HINT}{' host:' if linked else ''}"
        self._filter.add_class("-open")
        self._share_out()
        self.set_focus(self._filter)  # now: `focus` lets the letters that follow within a millisecond be keys

    def show_only(self, words: str) -> None:
        """Filter by these words, as if they were typed."""
        self.open_filter()
        self._filter.value = words
        self.grid.lines.focus()

    def back(self) -> None:
        """Drop the filter; where there is none, the marks; else nothing."""
        if not self._filter.has_class("-open") and self._agents.marks:
            self._agents.toggle(self._agents.marks)
        self._filter.value = ""
        self._filter.remove_class("-open")
        self.grid.lines.focus()
        self._list_anew()

    def on_input_changed(self) -> None:
        """Filter as it is typed."""
        self._agents.narrow(self._filter.value)
        self.show_snapshot(self.frame.app.snapshot)

    def on_input_submitted(self) -> None:
        """Keep the filter, back to the agents."""
        self.grid.lines.focus()
