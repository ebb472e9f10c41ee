"""What was written and not sent: one is picked to go on with; others can be thrown away, and brought back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from mailcore.text.units import age
from praxmonitor.dialogs.list_sheet import ListSheet
from praxmonitor.preferences.drafts import Draft
from praxmonitor.text.lines import Line, plain, spread
from praxmonitor.widgets.row_list import LIST_KEYS, Row, RowList, marked

MOST_SHOWN = 60
"""Letters of a text that has no subject."""


class DraftsScreen(ModalScreen[int]):
    """Dismissed with the place of the draft to go on with, or -1. What is thrown away stays in the list until that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(-1)", "back"),
        *LIST_KEYS,
        Binding("enter", "pick", show=False),
        Binding("x,delete", "throw", show=False),
    ]
    DEFAULT_CSS = """
    DraftsScreen {
        align: center middle;
        background: $background 60%;
        #drafts { max-height: 15; }
    }
    """

    def __init__(self, drafts: Sequence[Draft], now: float, keep: Callable[[Draft, bool], None]) -> None:
        """`keep` keeps one, or with False removes it; in a thread, OSError if it cannot be."""
        super().__init__()
        self._drafts, self._now, self._keep = drafts, now, keep
        self._thrown: frozenset[str] = frozenset()
        """By purpose, of which there is one each."""
        self._list = RowList("drafts", opened=self.action_pick)

    def compose(self) -> ComposeResult:
        """Question, drafts, keys."""
        yield ListSheet("Which draft?", self._list, "enter go on with it   x throw it away   esc back")

    def on_mount(self) -> None:
        """List them."""
        self._show()

    def _show(self) -> None:
        self._list.show([Row((draft.purpose,), marked(partial(self._line, draft))) for draft in self._drafts])

    def _line(self, draft: Draft, width: int) -> list[Line]:
        letter, gone = draft.letter, draft.purpose in self._thrown
        said = f"{draft.title} {letter.to}: {letter.subject or letter.body[:MOST_SHOWN]}"
        left: Line = ((f"{age(self._now - draft.at):>6}  ", "faint"), (plain(said), "faint" if gone else ""))
        return [spread(left, (("thrown away; x brings it back", "warn"),) if gone else (), width)]

    def action_step(self, way: str) -> None:
        """To another draft."""
        self._list.step(way)

    @work(group="drafts", exclusive=True)
    async def action_throw(self) -> None:
        """Throw this one away; one that was, bring back."""
        if (index := self._list.index) is not None:
            await self._change(self._drafts[index], kept=self._drafts[index].purpose in self._thrown)

    @work(group="drafts", exclusive=True)
    async def action_pick(self) -> None:
        """This one, also if it was thrown away a moment ago."""
        index = self._list.index
        if index is None:
            return
        if self._drafts[index].purpose in self._thrown:
            await self._change(self._drafts[index], kept=True)
        self.dismiss(index)

    async def _change(self, draft: Draft, *, kept: bool) -> None:
        try:
            await asyncio.to_thread(self._keep, draft, kept)
        except OSError as error:
            self.app.notify(f"the draft stays as it is: {error}", severity="error", markup=False)
            return
        self._thrown = self._thrown - {draft.purpose} if kept else self._thrown | {draft.purpose}
        self._show()
