"""The question before an act that is dangerous or costs money: what would happen to whom. No is the default."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from praxmonitor.text.lines import Line
from praxmonitor.widgets.text_panel import TextPanel


class ConfirmScreen(ModalScreen[bool]):
    """True only for a clear yes: `y`, or Enter on the button that the operator moved to."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (26, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape", "answer(False)", "no"),
        Binding("left,right,up,down,tab,h,l", "other", "the other button", priority=True),
    ]
    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        background: $background 60%;
        #dialog {
            width: 72; max-width: 94%; height: auto; padding: 1 2; background: $surface;
            border: round $warning;
        }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        &.-ends #dialog { border: round $error; }
        &.-ends #question { color: $ink-error; }
        #subject { color: $muted; width: 100%; height: auto; max-height: 2; }
        #listed {
            height: auto; max-height: 13; margin: 1 0; background: $surface; overflow: hidden hidden;
            scrollbar-gutter: auto;
        }
        #answers { height: 1; align-horizontal: center; }
        #hint { color: $faint; height: 1; width: 100%; margin-top: 1; }
        &.-low #dialog { padding: 0 2; }
        &.-low #listed, &.-low #hint { margin: 0; }
        Button {
            height: 1; border: none; min-width: 11; margin: 0 2; background: $panel; color: $ink;
            text-style: none; tint: transparent;
        }
        Button.-style-default:focus {
            background: $foreground; color: $background; text-style: bold; background-tint: transparent;
        }
    }
    """

    def __init__(
        self, question: str, subject: str, listed: Callable[[int], list[Line]], yes: str, *, ends: bool = False
    ) -> None:
        """`listed(width)` draws what the act is about. `ends`: it stops something, so it is asked in red."""
        super().__init__(classes="-ends" if ends else None)
        self._question, self._subject = question, subject
        self._draw, self._yes = listed, yes
        self._listed = TextPanel("listed")

    def compose(self) -> ComposeResult:
        """Question, subject, what it is about, No and Yes."""
        with Vertical(id="dialog"):
            yield Static(self._question, markup=False, id="question")
            yield Static(self._subject, markup=False, id="subject")
            yield self._listed.lines
            with Horizontal(id="answers"):
                yield Button("No", id="no", compact=True)
                yield Button(self._yes, id="yes", compact=True)
            yield Static("y yes    n esc no    ← → the other, enter takes it", markup=False, id="hint")

    def on_mount(self) -> None:
        """No has the focus."""
        self._listed.lines.can_focus = False
        self.query_one("#no").focus()
        self._listed.show(self._draw)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Enter or a click on a button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """y or n."""
        self.dismiss(yes)

    def action_other(self) -> None:
        """Move to the other button."""
        self.query_one("#yes" if self.query_one("#no").has_focus else "#no").focus()
