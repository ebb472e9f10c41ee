"""One of several, picked from a list. Picking it is the answer: Esc takes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.text.lines import plain
from praxmonitor.widgets.row_list import LIST_KEYS, Drawing, Row, RowList, marked


class ChooseScreen(ModalScreen[int]):
    """Dismissed with the place of the option in the list, or -1."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(-1)", "back"),
        *LIST_KEYS,
        Binding("enter,x", "pick", show=False),
    ]
    DEFAULT_CSS = """
    ChooseScreen {
        align: center middle;
        background: $background 60%;
        #dialog { width: 84; max-width: 96%; height: auto; max-height: 100%; padding: 1 2; background: $surface;
            border: round $warning; }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        #listed { height: auto; max-height: 50vh; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        #hint { color: $faint; height: auto; width: 100%; }
    }
    """

    def __init__(self, question: str, options: Sequence[Drawing], hint: str) -> None:
        """`options`: one at least, each drawn in a line at least; `hint`: its keys, in words."""
        super().__init__()
        self._question, self._options, self._hint = question, options, hint
        self._listed = RowList("listed", picked=self._tell, opened=self.action_pick)
        self.moved: Callable[[int], None] | None = None
        """Told the place of the option under the cursor, when that is another."""

    def compose(self) -> ComposeResult:
        """Question, options, keys."""
        with Vertical(id="dialog"):
            yield Static(plain(self._question), markup=False, id="question")
            yield self._listed.lines
            yield Static(self._hint, markup=False, id="hint")

    def on_mount(self) -> None:
        """The list has the focus."""
        self._listed.lines.focus()
        self._listed.show([Row((str(place),), marked(option)) for place, option in enumerate(self._options)])

    def _tell(self) -> None:
        if self.moved is not None and self._listed.index is not None:
            self.moved(self._listed.index)

    def action_step(self, way: str) -> None:
        """To another option."""
        self._listed.step(way)

    def action_pick(self) -> None:
        """This one."""
        self.dismiss(self._listed.index)
