"""Which columns the table has, in which order the agents stand, what they are grouped by. Esc changes nothing."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.preferences.arrangement import GROUPS, SORTS, Arrangement
from praxmonitor.text.lines import Line, cut, pad
from praxmonitor.widgets.line_list import WIDTH, Lines
from praxmonitor.widgets.table import COLUMNS, known_columns

ARRANGE_KEYS = "space on/off   < > move it   s order   u group   enter keep   esc back"


class ArrangeScreen(ModalScreen[Arrangement | None]):
    """Dismissed with what was chosen, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "back"),
        Binding("j,down", "step(1)", show=False),
        Binding("k,up", "step(-1)", show=False),
        Binding("space,x", "switch", show=False),
        Binding("less_than_sign,left,h", "move(-1)", show=False),
        Binding("greater_than_sign,right,l", "move(1)", show=False),
        Binding("s", "turn('sort')", show=False),
        Binding("u", "turn('group')", show=False),
        Binding("enter", "keep", show=False),
    ]
    DEFAULT_CSS = """
    ArrangeScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 78; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $primary; }
        #question { text-style: bold; width: 100%; height: 1; }
        #listed { height: auto; max-height: 16; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; height: 1; width: 100%; }
    }
    """

    def __init__(self, chosen: Arrangement) -> None:
        """Begins with what holds now."""
        super().__init__()
        self._chosen = chosen
        self._on = list(known_columns(chosen.columns))
        self._listed = [*self._on, *(each for each in COLUMNS if each not in self._on)]
        self._place = 0

    def compose(self) -> ComposeResult:
        """Columns, order, groups, keys."""
        with Vertical(id="dialog"):
            yield Static("How the agents are listed", markup=False, id="question")
            yield Lines(id="listed")
            yield Static(ARRANGE_KEYS, markup=False, id="hint")

    def on_mount(self) -> None:
        """The list has the focus."""
        self.query_one(Lines).focus()
        self._list()

    def on_lines_widened(self, event: Lines.Widened) -> None:
        """Lay the list out for the width that it has now."""
        event.stop()
        self._list()

    def _list(self) -> None:
        area = self.query_one(Lines)
        width = (area.line_width or WIDTH) - 2
        lines: list[Line] = [
            ((f"s order     {self._chosen.sort}", ""),),
            ((f"u grouped   {f'by {self._chosen.group}' if self._chosen.group else 'not'}", ""),),
            (("  columns of the table (v), after the name", "muted"),),
        ]
        for place, each in enumerate(self._listed):
            mark = ("▸ ", "accent strong") if place == self._place else ("  ", "")
            box = "[x]" if each in self._on else "[ ]"
            said = cut(f"{box} {pad(each, 10)} {COLUMNS[each].help}", width)
            lines.append((mark, (said, "" if each in self._on else "muted")))
        area.set_lines(lines)
        y = self._place + 3
        if not 0 <= y - area.scroll_offset.y < area.line_count:
            area.jump(max(0, y - 2))

    def action_step(self, way: int) -> None:
        """To another column."""
        self._place = max(0, min(self._place + way, len(self._listed) - 1))
        self._list()

    def action_switch(self) -> None:
        """This column on, or off; one at least is on."""
        each = self._listed[self._place]
        if each not in self._on:
            self._on.append(each)
        elif len(self._on) > 1:
            self._on.remove(each)
        self._list()

    def action_move(self, way: int) -> None:
        """This column a place to the left or the right."""
        to = self._place + way
        if 0 <= to < len(self._listed):
            self._listed[self._place], self._listed[to] = self._listed[to], self._listed[self._place]
            self._place = to
            self._list()

    def action_turn(self, what: str) -> None:
        """The next order, or the next group."""
        if what == "sort":
            self._chosen = replace(self._chosen, sort=_after(SORTS, self._chosen.sort))
        else:
            self._chosen = replace(self._chosen, group=_after(GROUPS, self._chosen.group))
        self._list()

    def action_keep(self) -> None:
        """This is what is wanted."""
        columns = tuple(each for each in self._listed if each in self._on)
        self.dismiss(replace(self._chosen, columns=columns))


def _after(names: tuple[str, ...], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
