"""All agents at once: cards up to a dozen, lines beyond. One widget, not one an agent: a thousand cost little.

It scrolls by whole rows, and by itself: a card is never shown in part, the selected one is always in view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip

from mailcore.model.fleet import AgentFacts, Status
from praxmonitor.text.agents import bypasses
from praxmonitor.text.lines import Line
from praxmonitor.widgets.card import card_lines, heading, row_line
from praxmonitor.widgets.grid_layout import foot_line, lay_out
from praxmonitor.widgets.line_list import READING, Lines


class Grid(Lines):
    """The agents, one of them selected."""

    COMPONENT_CLASSES = {"card", "selected"}  # noqa: RUF012
    DEFAULT_CSS = """
    Grid {
        overflow: hidden hidden; scrollbar-gutter: auto;
        & > .card { background: $surface; }
        & > .selected { background: $panel; }
    }
    """

    @dataclass
    class Picked(Message):
        """Another agent is selected."""

        address: str

    @dataclass
    class Opened(Message):
        """The operator wants to see this agent whole."""

        address: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._agents: tuple[AgentFacts, ...] = ()
        self._statuses: Mapping[str, Status] = {}
        self._now = 0.0
        self._nobody = READING[0][0]
        self._bypass: frozenset[str] = frozenset()
        self._order = ""
        self._layout = lay_out(0, 0, 0)
        self._index = 0
        self._first = 0
        self._foot: Line = ()
        self._drawn: dict[int, tuple[AgentFacts, Status, int, tuple[Line, ...]]] = {}

    @property
    def text(self) -> str:
        """What is in view, as text."""
        return "\n".join(self.render_line(y).text for y in range(self.line_count))

    @property
    def selected(self) -> str:
        """Address of the selected agent, empty if there is none."""
        return self._agents[self._index].address if self._agents else ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of all agents that are shown, in the order in which they stand."""
        return tuple(facts.address for facts in self._agents)

    def show(
        self,
        agents: Sequence[AgentFacts],
        statuses: Mapping[str, Status],
        now: float,
        nobody: str = "",
        bypass: frozenset[str] = frozenset(),
        order: str = "",
    ) -> None:
        """Show these agents, in this order, or where there are none the words `nobody`. The selection stays with its
        agent. `bypass` are those that config lets work without asking for permissions; `order` is what the foot says
        of the order, empty for the registry's."""
        before, old = self.selected, self._agents
        news = statuses is not self._statuses
        if nobody != self._nobody:
            self._nobody = nobody
            self.refresh()
        self._agents, self._statuses, self._now, self._bypass = tuple(agents), statuses, now, bypass
        same = len(old) == len(self._agents) and all(
            a is b or a.address == b.address for a, b in zip(old, self._agents, strict=True)
        )
        if not same or order != self._order:
            self._order, places = order, self.addresses
            self._index = places.index(before) if before in places else min(self._index, max(0, len(places) - 1))
            self._arrange()
            if self.selected != before:
                self.post_message(self.Picked(self.selected))
            return
        for index in self._in_view():
            drawn = self._drawn.get(index)
            if drawn is not None and drawn[3] != self._cell(index):
                self._refresh_cell(index)
        if news:
            self._say_what_is_out_of_view()

    def select(self, address: str) -> None:
        """Select an agent by address and bring it into view; one that is not shown changes nothing."""
        for index, facts in enumerate(self._agents):
            if facts.address == address:
                self._select(index)

    def step(self, way: str) -> None:
        """Move the selection by a key."""
        self._select(self._layout.moved(way, self._index, len(self._agents)))

    def render_line(self, y: int) -> Strip:
        """One line across all columns."""
        layout = self._layout
        if not self._agents:
            return self.strip(((f"  {self._nobody}", ""),) if y == 1 else (), self.line_width)
        if y < layout.top:
            return self.strip(heading(self.line_width), self.line_width)
        if layout.foot and y == self.line_count - 1:
            return self.strip(self._foot, self.line_width)
        row, inner = divmod(y - layout.top, layout.pitch)
        start = (self._first + row) * layout.columns
        if row >= layout.rows or inner >= layout.height or start >= len(self._agents):
            return Strip.blank(self.line_width, self.rich_style)
        parts: list[Strip] = []
        for index in range(start, min(start + layout.columns, len(self._agents))):
            under = "selected" if index == self._index else "card" if layout.height > 1 else ""
            parts.append(self.strip(self._cell(index)[inner], layout.width, under))
            parts.append(Strip.blank(1, self.rich_style))
        return Strip.join(parts).adjust_cell_length(self.line_width, self.rich_style)

    def on_resize(self) -> None:
        """Lay the agents out for the new size."""
        self._arrange()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel: a row further."""
        event.prevent_default().stop()
        self._scroll_to_row(self._first + 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel: a row back."""
        event.prevent_default().stop()
        self._scroll_to_row(self._first - 1)

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        place = self._layout.place(event.x, event.y)
        index = None if place is None else self._in_view().start + place
        if index is not None and index < len(self._agents):
            self._select(index)
            if event.chain == 2:
                self.post_message(self.Opened(self.selected))

    def _arrange(self) -> None:
        self._drawn.clear()
        self._layout = lay_out(len(self._agents), self.line_width, self.line_count, bool(self._order))
        self._bring_into_view()
        self._say_what_is_out_of_view()
        self.refresh()

    def _cell(self, index: int) -> tuple[Line, ...]:
        facts, second = self._agents[index], int(self._now)
        status = self._statuses[facts.address]
        drawn = self._drawn.get(index)
        if drawn is not None and drawn[0] is facts and drawn[1] is status and drawn[2] == second:
            return drawn[3]
        selected, bypass = index == self._index, bypasses(facts, self._bypass)
        height, width = self._layout.height, self._layout.width
        if height > 1:
            lines = card_lines(facts, status, self._now, width, selected, bypass, height)
        else:
            lines = (row_line(facts, status, self._now, width, selected, bypass),)
        self._drawn[index] = (facts, status, second, lines)
        return lines

    def _in_view(self) -> range:
        start = self._first * self._layout.columns
        return range(start, min(start + self._layout.rows * self._layout.columns, len(self._agents)))

    def _refresh_cell(self, index: int) -> None:
        region = self._layout.region(index - self._in_view().start)
        self.refresh(region.intersection(self.scrollable_content_region.reset_offset))

    def _say_what_is_out_of_view(self) -> None:
        if not self._layout.foot:
            return
        seen, statuses = self._in_view(), self._statuses
        above, below = self._agents[: seen.start], self._agents[seen.stop :]
        line = foot_line(
            (statuses[facts.address] for facts in above),
            (statuses[facts.address] for facts in below),
            self._order,
            self.line_width,
        )
        if line != self._foot:
            self._foot = line
            self.refresh_line(self.line_count - 1)

    def _select(self, index: int) -> None:
        index = max(0, min(index, len(self._agents) - 1))
        if index == self._index or not self._agents:
            return
        for place in (self._index, index):
            self._drawn.pop(place, None)
            self._refresh_cell(place)
        self._index = index
        self._bring_into_view()
        self.post_message(self.Picked(self.selected))

    def _bring_into_view(self) -> None:
        row, rows = self._index // self._layout.columns, self._layout.rows
        self._scroll_to_row(max(row - rows + 1, min(self._first, row)))

    def _scroll_to_row(self, first: int) -> None:
        """Let this row be the first in view, if there are enough below it; the selection stays in view."""
        across, rows = self._layout.columns, self._layout.rows
        first = max(0, min(first, -(-len(self._agents) // across) - rows))
        if first == self._first:
            return
        self._first = first
        self.refresh()
        self._say_what_is_out_of_view()
        row = self._index // across
        self._select(self._index + (max(first, min(row, first + rows - 1)) - row) * across)
