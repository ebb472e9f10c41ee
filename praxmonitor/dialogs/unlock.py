"""The question for the operator's passphrase: once for a screen, then what no agent may do is done without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailcore.exceptions import MailcoreError
from praxmonitor.text.lines import plain


class UnlockScreen(ModalScreen[bool]):
    """True once the right passphrase was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "no", priority=True)]
    DEFAULT_CSS = """
    UnlockScreen {
        align: center middle;
        background: $background 60%;
        #dialog {
            width: 72; max-width: 94%; height: auto; padding: 1 2; background: $surface;
            border: round $warning;
        }
        #question { text-style: bold; color: $ink-warning; width: 100%; }
        Input {
            height: 3; border: round $faint; padding: 0 1; background: $surface; color: $ink; margin-top: 1;
        }
        Input:focus { border: round $warning; background-tint: transparent; }
        #hint { color: $faint; width: 100%; }
    }
    """

    def __init__(self, prove: Callable[[str], None]) -> None:
        """`prove` runs in a thread; it raises MailcoreError where the passphrase is another."""
        super().__init__()
        self._prove = prove
        # Held, not looked up: the answer may come when it has left the closing dialog already.
        self._hint = Static("enter unlock    esc back", markup=False, id="hint")

    def compose(self) -> ComposeResult:
        """What it is for, the field."""
        with Vertical(id="dialog"):
            yield Static("This is the operator's alone: the passphrase, once for this screen", id="question")
            yield Input(id="passphrase", password=True)
            yield self._hint

    def on_mount(self) -> None:
        """The field has the focus."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        phrase, event.input.value = event.value, ""
        self._try(phrase)

    @work(group="unlock", exclusive=True)
    async def _try(self, phrase: str) -> None:
        try:
            await asyncio.to_thread(self._prove, phrase)
        except (MailcoreError, OSError) as error:
            self._hint.update(f"{plain(str(error))}    esc back")
        else:
            self.dismiss(True)
