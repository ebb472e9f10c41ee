"""All agents at once: cards up to a dozen, lines beyond. One widget, not one an agent, and only
those in view are drawn: a thousand cost little.

It scrolls by whole rows, and by itself: a card is never shown in part, the selected one is always in view.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from textual.geometry import Offset
from textual.message import Message

from mailcore.model.fleet import AgentFacts, Status
from mailcore.text.units import next_step
from praxmonitor.text.agents import bypasses, last_seen
from praxmonitor.text.hosts import greyed
from praxmonitor.text.lines import Line, on_ground
from praxmonitor.widgets.card import card_lines
from praxmonitor.widgets.grid_layout import foot_line, lay_out
from praxmonitor.widgets.line_list import READING, Lines
from praxmonitor.widgets.table import TableRow, heading, row_line

BUSY = 0.09
"""Seconds after a change for which one is not drawn by itself: who changes all the time is drawn with the others."""
COSTS_HOLD = 900
"""Seconds for which the money of the day is the same: no day begins within a quarter of an hour, wherever one is."""


def no_timer(_: str) -> float:
    """Nobody has one."""
    return 0.0


def no_pulse(_: str) -> str:
    """Nothing is known of anybody."""
    return ""


@dataclass(frozen=True, slots=True)
class Listing:
    """How the agents are listed."""

    table: bool | None = None
    """As a table, or as cards; None: by their number."""
    columns: tuple[str, ...] = ()
    """Of the table; empty: the usual ones."""
    bypass: Collection[str] = frozenset()
    """Addresses of those that config lets work without asking for permissions."""
    marked: Collection[str] = frozenset()
    """Addresses of those that are marked."""
    pulse: Callable[[str], str] = no_pulse
    """Address → how much it did lately, drawn in cells; asked of those in view alone."""
    group: Callable[[AgentFacts], str] | None = None
    """What one is grouped by; None: nothing is grouped."""
    timer: Callable[[str], float] = no_timer
    """Address → seconds of the timer that wakes it."""
    nobody: str = ""
    """What stands where there is none."""
    foot: Line = ()
    """What the foot says of the list; empty: nothing."""
    away: Mapping[str, float] = field(default_factory=dict)
    """Host that is not heard → since when."""
    linked: bool = False
    """There are other hosts."""


class _Drawn(NamedTuple):
    """What one was drawn of."""

    facts: AgentFacts
    status: Status
    of: tuple[object, ...]
    """What else."""
    at: float
    until: float
    """From when on it is to be drawn anew, even if nothing changes."""
    lines: tuple[Line, ...]


class Grid:
    """The agents, one of them selected."""

    @dataclass
    class Picked(Message):
        """Another agent is selected."""

        address: str

    @dataclass
    class Opened(Message):
        """The operator wants to see this agent whole."""

        address: str

    def __init__(self) -> None:
        self.lines = Lines(id="grid", resized=self._arrange, clicked=self._click, wheeled=self._wheel)
        self._agents: tuple[AgentFacts, ...] = ()
        self._statuses: Mapping[str, Status] = {}
        self._now = 0.0
        self._listing = Listing(nobody=READING[0][0])
        self._layout = lay_out(0, 0, 0)
        self._index = 0
        self._first = 0
        self._drawn: dict[int, _Drawn] = {}
        """Place → what it was drawn of, and its lines."""
        self._moved: dict[str, tuple[AgentFacts, float]] = {}
        """Address of one that was in view → how it was last seen in `show_newest`, and since when it is so."""
        self._registry: dict[str, int] = {}
        """Address → its place among all agents."""

    @property
    def selected(self) -> str:
        """Address of the selected agent, empty if there is none."""
        return self._agents[self._index].address if self._agents else ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of all agents that are shown, in the order in which they stand."""
        return tuple(facts.address for facts in self._agents)

    def show(self, agents: Sequence[AgentFacts], statuses: Mapping[str, Status], now: float, listing: Listing) -> None:
        """Show these agents, in this order. The selection stays with its agent."""
        before, old, listed = self.selected, self._agents, self._listing
        self._agents, self._statuses, self._now, self._listing = tuple(agents), statuses, now, listing
        same = len(old) == len(self._agents) and all(
            a is b or a.address == b.address for a, b in zip(old, self._agents, strict=True)
        )
        if same and _shape(listed) == _shape(listing):
            self._draw()
            return
        places = self.addresses
        self._index = places.index(before) if before in places else min(self._index, max(0, len(places) - 1))
        self._arrange()
        if self.selected != before:
            self.lines.post_message(self.Picked(self.selected))

    def show_newest(self, agents: Sequence[AgentFacts], statuses: Mapping[str, Status], now: float) -> None:
        """Draw those in view of whom something changed, save who was drawn a moment ago; all is shown before long.

        `agents` are all that there are, in the registry's order.
        """
        shown, changed = list(self._agents), False
        for index in self._in_view():
            address = shown[index].address
            facts, (known, at) = self._find(agents, address), self._moved.get(address, (shown[index], 0.0))
            if facts is None or facts is known:
                continue
            self._moved[address] = facts, now
            if now - at >= BUSY or statuses[address] is not self._statuses[address]:
                shown[index], changed = facts, True
        if changed:
            # Who left the registry meanwhile stands there until all is drawn, as he was.
            self._agents, self._statuses, self._now = tuple(shown), {**self._statuses, **statuses}, now
            self._draw()

    def _find(self, agents: Sequence[AgentFacts], address: str) -> AgentFacts | None:
        place = self._registry.get(address, len(agents))
        if place >= len(agents) or agents[place].address != address:
            self._registry = {facts.address: place for place, facts in enumerate(agents)}
            self._moved = {name: moved for name, moved in self._moved.items() if name in self._registry}
            place = self._registry.get(address, -1)
        return agents[place] if place >= 0 else None

    def select(self, address: str) -> None:
        """Select an agent by address and bring it into view; one that is not shown changes nothing."""
        for index, facts in enumerate(self._agents):
            if facts.address == address:
                self._select(index)

    def step(self, way: str) -> None:
        """Move the selection by a key."""
        self._select(self._layout.moved(way, self._index, len(self._agents)))

    def _wheel(self, way: int) -> None:
        """A row further or back; the selection stays in view."""
        across, rows = self._layout.columns, self._layout.rows
        self._first = self._within(self._first + way)
        row = self._index // across
        self._select(self._index + (max(self._first, min(row, self._first + rows - 1)) - row) * across)
        self._draw()

    def _click(self, cell: Offset, times: int) -> None:
        """A click selects, a second one opens."""
        place = self._layout.place(cell.x, cell.y)
        index = None if place is None else self._in_view().start + place
        if index is not None and index < len(self._agents):
            self._select(index)
            if times == 2:
                self.lines.post_message(self.Opened(self.selected))

    def _arrange(self) -> None:
        """Lay the agents out for the size and the number that there are now."""
        self._drawn.clear()
        listing, lines = self._listing, self.lines
        self._layout = lay_out(len(self._agents), lines.line_width, lines.line_count, bool(listing.foot), listing.table)
        self._bring_into_view()
        self._draw()

    def _draw(self) -> None:
        self.lines.set_lines(self._lines_in_view() if self._agents else [(), ((f"  {self._listing.nobody}", ""),)])

    def _lines_in_view(self) -> list[Line]:
        """Heading and agents, and at the bottom what is out of view."""
        lines, height = list(self._agents_in_view()), self.lines.line_count
        if self._layout.foot:
            lines = [*lines[: height - 1], *[()] * (height - 1 - len(lines)), self._foot()]
        return lines[:height]

    def _agents_in_view(self) -> Iterator[Line]:
        layout, seen = self._layout, self._in_view()
        if layout.top:
            listing = self._listing
            yield heading(self.lines.line_width, listing.columns, listing.group is not None, listing.linked)
        for start in seen[:: layout.columns]:
            cells = [self._cell(index) for index in range(start, min(start + layout.columns, seen.stop))]
            for first, *others in zip(*cells, strict=True):
                yield (*first, *(span for part in others for span in ((" ", ""), *part)))
            yield from [()] * (layout.pitch - layout.height)

    def _cell(self, index: int) -> tuple[Line, ...]:
        facts, now, listing = self._agents[index], self._now, self._listing
        address, selected = facts.address, index == self._index
        status, marked = self._statuses[address], address in listing.marked
        pulse = listing.pulse(address) if "activity" in listing.columns else ""
        group, away = self._group(index), listing.away.get(facts.agent.host)
        drawn, of = self._drawn.get(index), (marked, pulse, group, away)
        same = drawn is not None and drawn.facts is facts and drawn.status is status and drawn.of == of
        if drawn is not None and same and drawn.at <= now < drawn.until:
            return drawn.lines
        bypass = bypasses(facts, listing.bypass)
        height, width = self._layout.height, self._layout.width
        every = listing.timer(address)
        if height > 1:
            lines = card_lines(facts, status, now, width, selected, bypass, height, marked, away)
        else:
            row = TableRow(facts, status, now, selected, marked, bypass, pulse, every, group, away, listing.linked)
            lines = (row_line(row, width, listing.columns),)
        if away is not None:
            lines = tuple(map(greyed, lines))
        if selected or height > 1:
            lines = tuple(on_ground(line, "selected" if selected else "card") for line in lines)
        self._drawn[index] = _Drawn(facts, status, of, now, _same_until(facts, status, now, every, away), lines)
        return lines

    def _group(self, index: int) -> str | None:
        """The group of one, empty where the row above in view says it."""
        group = self._listing.group
        if group is None:
            return None
        own = group(self._agents[index])
        above = index > self._in_view().start and group(self._agents[index - 1]) == own
        return "" if above else own or "–"

    def _in_view(self) -> range:
        start = self._first * self._layout.columns
        return range(start, min(start + self._layout.rows * self._layout.columns, len(self._agents)))

    def _foot(self) -> Line:
        seen, statuses = self._in_view(), self._statuses
        return foot_line(
            (statuses[facts.address] for facts in self._agents[: seen.start]),
            (statuses[facts.address] for facts in self._agents[seen.stop :]),
            self._listing.foot,
            self.lines.line_width,
        )

    def _select(self, index: int) -> None:
        index = max(0, min(index, len(self._agents) - 1))
        if index == self._index or not self._agents:
            return
        for place in (self._index, index):
            self._drawn.pop(place, None)
        self._index = index
        self._bring_into_view()
        self._draw()
        self.lines.post_message(self.Picked(self.selected))

    def _bring_into_view(self) -> None:
        row, rows = self._index // self._layout.columns, self._layout.rows
        self._first = self._within(max(row - rows + 1, min(self._first, row)))

    def _within(self, first: int) -> int:
        """The first row in view, if it is to be this one: below it there are enough to fill the view."""
        return max(0, min(first, -(-len(self._agents) // self._layout.columns) - self._layout.rows))


def _same_until(facts: AgentFacts, status: Status, now: float, every: float, away: float | None) -> float:
    """Until when one is drawn alike unless something changes of it: its ages go on, and money is that of the day."""
    if every or (facts.run is not None and facts.run.next_at):
        return now // 1 + 1
    shown = (away or status.since, last_seen(facts), *(activity.at for activity in facts.activities))
    return min(now // COSTS_HOLD * COSTS_HOLD + COSTS_HOLD, *(next_step(at, now) for at in shown))


def _shape(listing: Listing) -> tuple[object, ...]:
    """What the agents are laid out anew for."""
    return listing.table, listing.columns, bool(listing.foot), listing.group is None, listing.bypass, listing.linked
