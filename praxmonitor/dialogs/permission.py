"""A request for permission, whole, and its answer: once, for the session, or no, with a reason that its agent reads."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailcore.model.agent import OPERATOR
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.blocks import BlockRows
from praxmonitor.text.lines import Line
from praxmonitor.text.permissions import first_rows, request_blocks, request_title
from praxmonitor.widgets.line_list import Drawn
from praxmonitor.widgets.row_list import LIST_KEYS
from praxmonitor.widgets.text_panel import TextPanel

FIRST_ROWS = 500
"""Rows that are laid out before it is drawn."""
MORE: Line = (("… the rest is being laid out", "warn"),)


class PermissionScreen(ModalScreen[PermissionAnswer | None]):
    """Dismissed with what was decided, or None; by itself when it waits no more. Nothing is decided by Enter."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", priority=True),
        Binding("q", "back", show=False),
        *LIST_KEYS,
        Binding("space", "step('page_down')", show=False),
        Binding("Y", "allow", "allow once"),
        Binding("S", "always", "always in this session"),
        Binding("N", "deny", "deny"),
    ]
    DEFAULT_CSS = """
    PermissionScreen {
        align: center middle;
        background: $background 60%;
        #dialog {
            width: 100; max-width: 96%; height: auto; max-height: 96%; padding: 1 2; background: $surface;
            border: round $warning;
        }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        Lines { height: auto; max-height: 60vh; margin: 1 0; background: $surface; scrollbar-gutter: auto; }
        Input {
            border: round $faint; border-title-color: $muted; padding: 0 1; background: $surface; color: $ink;
            width: 1fr; height: 3; display: none;
        }
        &.-writes Input { display: block; }
        Input:focus { border: round $accent; border-title-color: $ink-accent; background-tint: transparent; }
        &.-writes Lines { max-height: 40vh; }
        &.-low #dialog { padding: 0 2; }
        &.-low Lines { margin: 0; }
        #hint { color: $faint; height: auto; width: 100%; }
    }
    """

    def __init__(self, request: PermissionRequest, now: float, *, denies: bool = False, decides: bool = True) -> None:
        """`now`: seconds since the epoch. `denies`: the reason is written first. `decides=False`: it is only read."""
        super().__init__()
        self._request, self._now = request, now
        self._denies, self._decides = denies and decides, decides
        self._waited = False
        """It was seen to wait."""
        self.is_over = False
        """Somebody else answered, or its time was over, while it was shown."""
        self._panel = TextPanel("lines")
        self._counted: tuple[int, BlockRows] | None = None
        """The width, and all rows of it."""
        self._why = Input(id="why")
        self._why.border_title = "Why not: the agent reads it"

    def compose(self) -> ComposeResult:
        """Who asks, for what, the reason where it is denied, the keys."""
        with Vertical(id="dialog"):
            yield Static(request_title(self._request), markup=False, id="question")
            yield self._panel.lines
            yield self._why
            yield Static(self._hint(), markup=False, id="hint")

    def _hint(self) -> str:
        if self.has_class("-writes"):
            return "enter deny it   esc back, nothing is decided"
        if not self._decides:
            return "j k scroll   esc back"
        always = "   S always in this session" if self._request.remembers else ""
        return f"Y allow once{always}   N deny, and say why   j k scroll   esc back, nothing is decided"

    def on_mount(self) -> None:
        """The lines have the focus."""
        self._panel.lines.focus()
        self._panel.show(self._rows)
        if self._denies:
            self.action_deny()
        if self._decides:
            self.watch(self.app, "snapshot", self._follow)

    def _rows(self, width: int) -> Drawn:
        """All of it; of what is long its beginning, until all of it is counted."""
        if self._counted is not None and self._counted[0] == width:
            return self._counted[1]
        begun = first_rows(request_blocks(self._request, self._now, width), width, FIRST_ROWS + 1)
        if len(begun) > FIRST_ROWS:
            self._count(width)
            begun[-1] = MORE
        return begun

    @work(thread=True, exclusive=True, group="count")
    def _count(self, width: int) -> None:
        counted = width, BlockRows(request_blocks(self._request, self._now, width), width)
        self.app.call_from_thread(self._show_counted, counted)

    def _show_counted(self, counted: tuple[int, BlockRows]) -> None:
        if self.is_attached:
            self._counted = counted
            self._panel.show(self._rows)

    def _follow(self, snapshot: Snapshot) -> None:
        facts = snapshot.fleet.find(self._request.agent)
        waits = facts is not None and any(one.id == self._request.id for one in facts.permissions)
        if self._waited and not waits and self.is_current:
            self.is_over = True
            self.dismiss(None)
        self._waited = self._waited or waits

    def action_step(self, way: str) -> None:
        """Scroll."""
        self._panel.lines.step(way)

    def action_back(self) -> None:
        """From the reason to the request; from there back, with nothing decided."""
        if self._why.has_focus and not self._denies:
            self._write(begins=False)
            self._panel.lines.focus()
        else:
            self.dismiss(None)

    def action_allow(self) -> None:
        """This once."""
        if self._decides:
            self.dismiss(PermissionAnswer(True, OPERATOR))

    def action_always(self) -> None:
        """What it said it would remember, until the session ends."""
        if not self._decides:
            return
        if self._request.remembers:
            self.dismiss(PermissionAnswer(True, OPERATOR, always=True))
        else:
            self.notify("its program takes an answer for this once alone", severity="warning")

    def action_deny(self) -> None:
        """Write why."""
        if self._decides:
            self._write(begins=True)
            self._why.focus()

    def _write(self, *, begins: bool) -> None:
        self.set_class(begins, "-writes")
        self.query_one("#hint", Static).update(self._hint())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the reason: there must be one."""
        event.stop()
        if why := event.value.strip():
            self.dismiss(PermissionAnswer(False, OPERATOR, why))
        else:
            self.notify("say why: the agent reads it", severity="warning")
