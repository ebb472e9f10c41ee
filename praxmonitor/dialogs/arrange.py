"""Which columns the table has, in which order the agents stand, what they are grouped by. Esc changes nothing."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from praxmonitor.dialogs.list_sheet import ListSheet
from praxmonitor.preferences.arrangement import GROUPS, SORTS, Arrangement
from praxmonitor.text.lines import Line, cut, pad
from praxmonitor.widgets.row_list import LIST_KEYS, Row, RowList, marked
from praxmonitor.widgets.table import COLUMNS, known_columns

ARRANGE_KEYS = "space on/off   < > move it   s order   u group   enter keep   esc back"


class ArrangeScreen(ModalScreen[Arrangement | None]):
    """Dismissed with what was chosen, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "back"),
        *LIST_KEYS,
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
        ListSheet { width: 78; }
    }
    """

    def __init__(self, chosen: Arrangement) -> None:
        """Begins with what holds now."""
        super().__init__()
        self._chosen = chosen
        self._on = list(known_columns(chosen.columns))
        self._listed = [*self._on, *(each for each in COLUMNS if each not in self._on)]
        self._list = RowList("listed")

    def compose(self) -> ComposeResult:
        """Columns, order, groups, keys."""
        yield ListSheet("How the agents are listed", self._list, ARRANGE_KEYS)

    def on_mount(self) -> None:
        """List them."""
        self._show()

    def _show(self) -> None:
        self._list.show([Row((each,), marked(partial(self._column, each))) for each in self._listed], self._head)

    def _head(self, _: int) -> list[Line]:
        return [
            ((f"s order     {self._chosen.sort}", ""),),
            ((f"u grouped   {f'by {self._chosen.group}' if self._chosen.group else 'not'}", ""),),
            (("  columns of the table, after the name", "muted"),),
        ]

    def _column(self, name: str, width: int) -> list[Line]:
        shown = name in self._on
        said = cut(f"[{'x' if shown else ' '}] {pad(name, 10)} {COLUMNS[name].help}", width)
        return [((said, "" if shown else "muted"),)]

    def action_step(self, way: str) -> None:
        """To another column."""
        self._list.step(way)

    def action_switch(self) -> None:
        """This column on, or off; one at least is on."""
        each = self._listed[self._list.index or 0]
        if each not in self._on:
            self._on.append(each)
        elif len(self._on) > 1:
            self._on.remove(each)
        self._show()

    def action_move(self, way: int) -> None:
        """This column a place to the left or the right."""
        place = self._list.index or 0
        to = place + way
        if 0 <= to < len(self._listed):
            self._listed[place], self._listed[to] = self._listed[to], self._listed[place]
            self._show()

    def action_turn(self, what: str) -> None:
        """The next order, or the next group."""
        if what == "sort":
            self._chosen = replace(self._chosen, sort=_after(SORTS, self._chosen.sort))
        else:
            self._chosen = replace(self._chosen, group=_after(GROUPS, self._chosen.group))
        self._show()

    def action_keep(self) -> None:
        """This is what is wanted."""
        columns = tuple(each for each in self._listed if each in self._on)
        self.dismiss(replace(self._chosen, columns=columns))


def _after(names: tuple[str, ...], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
