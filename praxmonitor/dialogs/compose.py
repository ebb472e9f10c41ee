"""The form for a mail, a task and a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from mailcore.exceptions import MailcoreError
from mailcore.workspace.registry import normal_address
from praxmonitor.text.letters import BLANK, Letter
from praxmonitor.text.lines import plain


class Field(Input):
    """One line. Of a paste of several it takes none: the form knows where they belong."""

    @dataclass
    class Pasted(Message):
        """Several lines were pasted here."""

        field: Field
        lines: list[str]

    def _on_paste(self, event: events.Paste) -> None:
        lines = event.text.strip("\r\n").splitlines()
        if len(lines) > 1:
            event.prevent_default()
            event.stop()
            self.post_message(self.Pasted(self, lines))


class ComposeScreen(ModalScreen[None]):
    """To, subject, body. It closes when mailcore has taken the mail; if not, it says why and keeps every word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "send", priority=True),
        Binding("escape", "back", "back", priority=True),
        # Priority: else what is typed within a millisecond after Tab still lands in the old field.
        Binding("tab", "app.focus_next", "next field", priority=True),
        Binding("shift+tab", "app.focus_previous", "previous field", priority=True),
    ]
    DEFAULT_CSS = """
    ComposeScreen {
        align: center middle;
        background: $background 60%;
        #form {
            width: 88; max-width: 96%; height: 24; max-height: 90%; padding: 1 2; background: $surface;
            border: round $primary;
        }
        #title { text-style: bold; margin-bottom: 1; }
        Input, TextArea {
            border: round $faint; border-title-color: $muted; padding: 0 1; background: $surface; color: $ink;
            width: 1fr;
        }
        Input { height: 3; }
        Input:focus, TextArea:focus {
            border: round $accent; border-title-color: $ink-accent; background-tint: transparent;
        }
        TextArea { height: 1fr; scrollbar-size-vertical: 1; }
        #trouble { color: $ink-error; height: auto; max-height: 4; width: 100%; display: none; margin-top: 1; }
        #trouble.-open { display: block; }
        #hint { color: $faint; margin-top: 1; height: 1; }
    }
    """

    def __init__(
        self,
        title: str,
        submit: Callable[[list[str], str, str], str],
        letter: Letter = BLANK,
        *,
        fixed: bool = False,
    ) -> None:
        """`submit(addresses, subject, body)` runs in a thread; `letter`: what it begins with; `fixed`: addressee and
        subject are not the operator's to change."""
        super().__init__()
        self._title, self._submit = title, submit
        self._to, self._subject, self._fixed = letter.to, plain(letter.subject), fixed
        self._body = letter.body
        self._sending = False
        self._asked_to_leave = False

    def compose(self) -> ComposeResult:
        """The form."""
        with Vertical(id="form"):
            yield Static(self._title, markup=False, id="title")
            to = Field(self._to, placeholder="one address or several", id="to", disabled=self._fixed)
            subject, text = (
                Field(self._subject, id="subject", select_on_focus=False, disabled=self._fixed),
                TextArea(self._body, id="text"),
            )
            to.border_title, subject.border_title, text.border_title = "To", "Subject", "Text"
            yield to
            yield subject
            yield text
            yield Static("", markup=False, id="trouble")
            yield Static("ctrl+s send    tab next field    esc back", markup=False, id="hint")

    def on_mount(self) -> None:
        """Start where something is missing."""
        missing = "#text" if self._fixed else "#subject" if self._to else "#to"
        self.query_one(missing).focus()

    @property
    def _written(self) -> tuple[str, str, str]:
        to, subject = self.query_one("#to", Input), self.query_one("#subject", Input)
        return to.value, subject.value, self.query_one(TextArea).text

    def action_send(self) -> None:
        """Hand it to mailcore, with all that was typed before."""
        self._after_typing(self._check_and_send)

    def _after_typing(self, act: Callable[[], None]) -> None:
        # A key with priority overtakes the letters before it, which still wait in the queue of their field.
        (self.focused or self).call_later(act)

    def _check_and_send(self) -> None:
        to, subject, body = self._written
        addresses = [normal_address(word) for word in to.replace(",", " ").split()]
        if not addresses:
            self._say("who is it for? one address or several, like @writer @reviewer", "#to")
        elif not subject.strip():
            self._say("it needs a subject", "#subject")
        elif not self._sending:
            self._sending = True
            self._send(addresses, subject.strip(), body)

    @work(group="send")
    async def _send(self, to: list[str], subject: str, body: str) -> None:
        try:
            asked = await asyncio.to_thread(self._submit, to, subject, body)
        except (MailcoreError, OSError) as error:
            self._say(plain(str(error)), "#text")
        else:
            self.app.notify(f"asked: {plain(asked)}", markup=False)
            self.dismiss()
        finally:
            self._sending = False

    def action_back(self) -> None:
        """Leave; a text that was written asks for a second Esc."""
        self._after_typing(self._leave)

    def _leave(self) -> None:
        _, subject, body = self._written
        if (body != self._body or (subject != self._subject)) and not self._asked_to_leave:
            self._asked_to_leave = True
            self._say("press esc again to throw this away", "")
        else:
            self.dismiss()

    def on_field_pasted(self, event: Field.Pasted) -> None:
        """Addresses stand in one line; below a subject stands the text."""
        field, body = event.field, self.query_one(TextArea)
        first, rest = (" ".join(event.lines), "") if field.id == "to" else (event.lines[0], "\n".join(event.lines[1:]))
        field.replace(first, *sorted(field.selection))
        if rest.strip():
            body.text = "\n".join(part for part in (body.text.rstrip("\n"), rest.lstrip("\n")) if part)

    def on_input_changed(self) -> None:
        """Writing on takes the question back."""
        self._asked_to_leave = False

    def on_text_area_changed(self) -> None:
        """Writing on takes the question back."""
        self._asked_to_leave = False

    def _say(self, trouble: str, focus: str) -> None:
        line = self.query_one("#trouble", Static)
        line.update(trouble)
        line.add_class("-open")
        if focus:
            self.query_one(focus).focus()
