"""One of several, picked from a list. Picking it is the answer: Esc takes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.text.lines import Line, cut, plain
from praxmonitor.widgets.line_list import WIDTH, Lines

Option: TypeAlias = Callable[[int], list[Line]]
"""Draws one of them in a width of so many cells: a line at least."""


class ChooseScreen(ModalScreen[int]):
    """Dismissed with the place of the option in the list, or -1."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(-1)", "back"),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("enter,x", "pick", show=False),
    ]
    DEFAULT_CSS = """
    ChooseScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $warning; }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        #listed { height: auto; max-height: 15; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; height: 1; width: 100%; }
    }
    """

    def __init__(self, question: str, options: Sequence[Option], hint: str) -> None:
        """`options`: one at least; `hint`: its keys, in words."""
        super().__init__()
        self._question, self._options, self._hint = question, options, hint
        self._chosen = 0
        self.moved: Callable[[int], None] | None = None
        """Told the place of the option under the cursor, when that is another."""

    def compose(self) -> ComposeResult:
        """Question, options, keys."""
        with Vertical(id="dialog"):
            yield Static(plain(self._question), markup=False, id="question")
            yield Lines(id="listed")
            yield Static(self._hint, markup=False, id="hint")

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
        lines: list[Line] = []
        top = 0
        for place, option in enumerate(self._options):
            if place == self._chosen:
                top = len(lines)
            mark = ("▸ ", "accent strong") if place == self._chosen else ("  ", "")
            first, *rest = option((area.line_width or WIDTH) - 2)
            lines += [(mark, *first), *((("  ", ""), *line) for line in rest)]
        area.set_lines(lines)
        if not 0 <= top - area.scroll_offset.y <= area.line_count - 2:
            area.jump(max(0, top - 1))

    def action_move(self, step: int) -> None:
        """To another option."""
        self._chosen = max(0, min(self._chosen + step, len(self._options) - 1))
        self._list()
        if self.moved is not None:
            self.moved(self._chosen)

    def action_pick(self) -> None:
        """This one."""
        self.dismiss(self._chosen)


def text_option(text: str) -> Option:
    """One that is a text in one line; untrusted."""
    return lambda width: [((cut(plain(text), width), ""),)]
