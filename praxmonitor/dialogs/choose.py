"""One of several, picked from a list. Picking it is the answer: Esc takes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from praxmonitor.dialogs.list_sheet import ListSheet
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
        ListSheet { border: round $warning; }
        #question { color: $ink-warning; }
    }
    """

    def __init__(
        self, question: str, options: Sequence[Drawing], hint: str, at: int = 0, head: Drawing = lambda _: []
    ) -> None:
        """`options`: one at least, each drawn in a line at least; `hint`: its keys, in words; `at`: the option that the
        cursor is on first; `head`: what is to be known before, above them."""
        super().__init__()
        self._question, self._options, self._hint, self._at, self._head = question, options, hint, at, head
        self._listed = RowList("listed", picked=self._tell, opened=self.action_pick)
        self.moved: Callable[[int], None] | None = None
        """Told the place of the option under the cursor, when that is another."""

    def compose(self) -> ComposeResult:
        """Question, options, keys."""
        yield ListSheet(self._question, self._listed, self._hint)

    def on_mount(self) -> None:
        """List them."""
        rows = [Row((str(place),), marked(option)) for place, option in enumerate(self._options)]
        self._listed.show(rows, self._head)
        self._listed.choose(str(self._at))

    def _tell(self) -> None:
        if self.moved is not None and self._listed.index is not None:
            self.moved(self._listed.index)

    def action_step(self, way: str) -> None:
        """To another option."""
        self._listed.step(way)

    def action_pick(self) -> None:
        """This one."""
        self.dismiss(self._listed.index)
