"""All agents at once: cards up to a dozen, rows beyond. One widget, not one an agent: a thousand cost little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from mailcore.model.fleet import AgentFacts, Status
from praxmonitor.present import Line, bypasses
from praxmonitor.widgets.card import CARD_HEIGHT, card_lines, heading, row_line
from praxmonitor.widgets.lines import Lines

MOST_CARDS = 12
NARROWEST = 25
WIDEST = 64


class Layout(NamedTuple):
    """Where the agents stand. A row is a cell of one column; `top` lines above the cells do not scroll."""

    columns: int
    width: int
    """Cells of one agent, the gap not among them."""
    height: int
    pitch: int
    """Lines from one agent to the next below."""
    top: int


def lay_out(count: int, width: int, height: int) -> Layout:
    """Cards for up to `MOST_CARDS` agents: the fewest columns with which all are in view, else the most that fit."""
    if count > MOST_CARDS or width < NARROWEST:
        return Layout(1, width, 1, 1, 1)
    most = max(1, min(count, (width + 1) // (NARROWEST + 1)))
    least = min(most, -(-width // WIDEST))
    pitch = CARD_HEIGHT + 1
    for number in range(least, most + 1):
        if -(-count // number) * pitch - 1 <= height:
            break
    return Layout(number, (width - number + 1) // number, CARD_HEIGHT, pitch, 0)


class Grid(Lines):
    """The agents, one of them selected."""

    COMPONENT_CLASSES = {"card", "selected"}  # noqa: RUF012
    DEFAULT_CSS = """
    Grid {
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
        self._nobody = ""
        self._bypass: frozenset[str] = frozenset()
        self._layout = Layout(1, 0, 1, 1, 0)
        self._index = 0
        self._drawn: dict[int, tuple[AgentFacts, Status, int, tuple[Line, ...]]] = {}

    @property
    def text(self) -> str:
        """What is in view, as text."""
        return "\n".join(self.render_line(y).text for y in range(self.line_count))

    @property
    def selected(self) -> str:
        """Address of the selected agent, empty if there is none."""
        return self._agents[self._index].address if self._agents else ""

    def show(
        self,
        agents: Sequence[AgentFacts],
        statuses: Mapping[str, Status],
        now: float,
        nobody: str = "",
        bypass: frozenset[str] = frozenset(),
    ) -> None:
        """Show these agents, in this order, or where there are none the words `nobody`. The selection stays with its
        agent. `bypass` are those that config lets work without asking for permissions."""
        before, old = self.selected, self._agents
        if nobody != self._nobody:
            self._nobody = nobody
            self.refresh()
        self._agents, self._statuses, self._now, self._bypass = tuple(agents), statuses, now, bypass
        same = len(old) == len(self._agents) and all(
            a is b or a.address == b.address for a, b in zip(old, self._agents, strict=True)
        )
        if not same:
            places = [facts.address for facts in self._agents]
            self._index = places.index(before) if before in places else min(self._index, max(0, len(places) - 1))
            self._arrange()
            if self.selected != before:
                self.post_message(self.Picked(self.selected))
            return
        for index in self._in_view():
            drawn = self._drawn.get(index)
            if drawn is not None and drawn[3] != self._cell(index):
                self._refresh_cell(index)

    def select(self, address: str) -> None:
        """Select an agent by address and bring it into view; one that is not shown changes nothing."""
        for index, facts in enumerate(self._agents):
            if facts.address == address:
                self._select(index)

    def step(self, way: str) -> None:
        """Move the selection by a key."""
        per_page = max(1, self.line_count // self._layout.pitch) * self._layout.columns
        moves = {
            "left": -1,
            "right": 1,
            "up": -self._layout.columns,
            "down": self._layout.columns,
            "page_up": -per_page,
            "page_down": per_page,
            "first": -len(self._agents),
            "last": len(self._agents),
        }
        self._select(self._index + moves.get(way, 0))

    def render_line(self, y: int) -> Strip:
        """One line across all columns."""
        layout = self._layout
        if not self._agents:
            return self.strip(((f"  {self._nobody}", ""),) if y == 1 else (), self.line_width)
        if y < layout.top:
            return self.strip(heading(self.line_width), self.line_width)
        row, inner = divmod(y - layout.top + self.scroll_offset.y, layout.pitch)
        first = row * layout.columns
        if inner >= layout.height or first >= len(self._agents):
            return Strip.blank(self.line_width, self.rich_style)
        parts: list[Strip] = []
        for index in range(first, min(first + layout.columns, len(self._agents))):
            under = "selected" if index == self._index else "card" if layout.height > 1 else ""
            parts.append(self.strip(self._cell(index)[inner], layout.width, under))
            parts.append(Strip.blank(1, self.rich_style))
        return Strip.join(parts).adjust_cell_length(self.line_width, self.rich_style)

    def on_resize(self) -> None:
        """Lay the agents out for the new size."""
        self._arrange()

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        layout = self._layout
        row, inner = divmod(event.y - layout.top + self.scroll_offset.y, layout.pitch)
        index = row * layout.columns + min(event.x // (layout.width + 1), layout.columns - 1)
        if event.y >= layout.top and inner < layout.height and 0 <= index < len(self._agents):
            self._select(index)
            if event.chain == 2:
                self.post_message(self.Opened(self.selected))

    def _arrange(self) -> None:
        self._drawn.clear()
        self._layout = lay_out(len(self._agents), self.line_width, self.line_count)
        rows = -(-len(self._agents) // self._layout.columns)
        gap = self._layout.pitch - self._layout.height
        self.virtual_size = Size(0, max(0, rows * self._layout.pitch - gap) + self._layout.top)
        self._bring_into_view()
        self.refresh()

    def _cell(self, index: int) -> tuple[Line, ...]:
        facts, second = self._agents[index], int(self._now)
        status = self._statuses[facts.address]
        drawn = self._drawn.get(index)
        if drawn is not None and drawn[0] is facts and drawn[1] is status and drawn[2] == second:
            return drawn[3]
        selected, bypass = index == self._index, bypasses(facts, self._bypass)
        if self._layout.height > 1:
            lines = card_lines(facts, status, self._now, self._layout.width, selected, bypass)
        else:
            lines = (row_line(facts, status, self._now, self._layout.width, selected, bypass),)
        self._drawn[index] = (facts, status, second, lines)
        return lines

    def _in_view(self) -> range:
        top, layout = self.scroll_offset.y, self._layout
        first = top // layout.pitch * layout.columns
        last = (-(-(top + self.line_count) // layout.pitch)) * layout.columns
        return range(first, min(last, len(self._agents)))

    def _refresh_cell(self, index: int) -> None:
        layout = self._layout
        row, column = divmod(index, layout.columns)
        y = row * layout.pitch + layout.top - self.scroll_offset.y
        region = Region(column * (layout.width + 1), y, layout.width, layout.height)
        self.refresh(region.intersection(self.scrollable_content_region.reset_offset))

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
        layout = self._layout
        above = self._index // layout.columns * layout.pitch
        below = above + layout.height - (self.line_count - layout.top)
        if above < self.scroll_offset.y:
            self.jump(above)
        elif below > self.scroll_offset.y:
            self.jump(below)
