"""The form for a mail, a task and a reply."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

import msgspec
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static, TextArea

from mailcore.exceptions import MailcoreError
from mailcore.workspace.registry import normal_address
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.compose_desk import Desk, Opening
from praxmonitor.dialogs.compose_fields import Field, Ghost
from praxmonitor.dialogs.compose_look import FORM_CSS, FORM_KEYS, MANNER_KEYS, OF_THE_TEXT, TEXT_KEYS, TYPING_PAUSE
from praxmonitor.dialogs.compose_options import OptionsScreen
from praxmonitor.text.letters import (
    PRIORITIES,
    Letter,
    completed,
    manner,
    started_word,
    with_template,
)
from praxmonitor.text.lines import plain
from praxmonitor.widgets.row_list import text_row


class ComposeScreen(ModalScreen[None]):
    """To, subject, body. It closes when mailcore has taken the mail; if not, it says why and keeps every word."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*FORM_KEYS]
    DEFAULT_CSS = FORM_CSS

    def __init__(self, desk: Desk, opening: Opening) -> None:
        super().__init__()
        self._desk, self._opening = desk, opening
        self._letter = msgspec.structs.replace(opening.letter, subject=plain(opening.letter.subject))
        """All that is not typed into a field."""
        self._kept = self._letter
        """What the draft says."""
        self._sending = False
        self._asked_to_leave = False
        self._pause: Timer | None = None
        # Held, not looked up: what is read in a thread may come when these have left the closing form already.
        fixed = opening.fixed
        self._to = Field(
            self._letter.to,
            placeholder="one address or several",
            id="to",
            disabled=fixed,
            suggester=Ghost(self._completed),
        )
        self._to.completion = self._completed
        self._subject = Field(self._letter.subject, id="subject", select_on_focus=False, disabled=fixed)
        self._text = TextArea(self._letter.body, id="text")
        self._to.border_title, self._subject.border_title, self._text.border_title = "To", "Subject", "Text"
        self._title, self._manner, self._forecast, self._trouble, self._hint = (
            Static("", markup=False, id=name) for name in ("title", "manner", "forecast", "trouble", "hint")
        )

    def compose(self) -> ComposeResult:
        """The form."""
        opening = self._opening
        with Vertical(id="form"):
            self._title.update(opening.title)
            yield self._title
            with Container(id="sheet"):
                if opening.answered:
                    with VerticalScroll(id="answered") as answered:
                        answered.border_title = "Answered"
                        yield Static("\n".join(map(plain, opening.answered.splitlines())), markup=False)
                with Vertical(id="fields"):
                    yield self._to
                    yield self._subject
                    yield self._text
            yield self._manner
            yield self._forecast
            yield self._trouble
            yield self._hint

    def on_mount(self) -> None:
        """Start where something is missing."""
        self.set_class(bool(self._opening.answered), "-answering")
        fixed, letter = self._opening.fixed, self._letter
        self._manner.display = self._forecast.display = not fixed
        missing = self._text if fixed or letter.subject else self._subject if letter.to else self._to
        missing.focus()
        if self._opening.restored:
            self._say("your draft is back; ctrl+n throws it away")
        self._show_manner()
        self._look()

    def _completed(self, text: str) -> str:
        return completed(text, self._desk.addresses)

    @property
    def written(self) -> Letter:
        """The letter as it stands."""
        return msgspec.structs.replace(
            self._letter, to=self._to.value, subject=self._subject.value, body=self._text.text
        )

    async def action_next(self) -> None:
        """Complete the address, else the next field."""
        if not (isinstance(self.focused, Field) and await self.focused.complete()):
            self.focus_next()

    def action_send(self) -> None:
        """Hand it to mailcore, with all that was typed before."""
        self._after_typing(self._check_and_send)

    def _after_typing(self, act: object) -> None:
        # A key with priority overtakes the letters before it, which still wait in the queue of their field.
        (self.focused or self).call_later(act)  # type: ignore[arg-type]

    def _check_and_send(self) -> None:
        letter = self.written
        if not letter.addresses:
            self._say("who is it for? one address or several, like @writer @reviewer", self._to)
        elif not letter.subject.strip():
            self._say("it needs a subject", self._subject)
        elif not self._sending:
            self._sending = True
            to = " ".join(map(normal_address, letter.addresses))
            self._send(msgspec.structs.replace(letter, to=to, subject=letter.subject.strip()))

    @work(group="send")
    async def _send(self, letter: Letter) -> None:
        try:
            asked = await asyncio.to_thread(self._desk.submit, letter)
        except (MailcoreError, OSError) as error:
            of_text = self._opening.fixed or getattr(error, "code", "failed") in OF_THE_TEXT
            self._say(str(error), self._text if of_text else self._to)
        else:
            self.app.notify(f"asked: {plain(asked)}", markup=False)
            self._desk.sent()
            self.dismiss()
        finally:
            self._sending = False

    def action_back(self) -> None:
        """Leave, and keep what was written as a draft; where none is kept it asks for a second Esc."""
        self._after_typing(self._leave)

    def _leave(self) -> None:
        letter = self.written
        if self._sending:
            self._say("it is being sent")
        elif self._untouched(letter):
            self.dismiss()
        elif self._desk.keeps:
            self._keep_and_leave(letter)
        elif not self._asked_to_leave:
            self._asked_to_leave = True
            self._say("press esc again to throw this away")
        else:
            self.dismiss()

    def _untouched(self, letter: Letter) -> bool:
        return letter.is_blank or (letter == self._opening.letter and not self._opening.restored)

    @work(group="keep", exclusive=True)
    async def _keep_and_leave(self, letter: Letter) -> None:
        try:
            await asyncio.to_thread(self._desk.keep, letter)
        except OSError as error:
            self._say(f"the draft cannot be kept: {error}")
        else:
            self.app.notify("draft kept: the same key offers it back", markup=False)
            self.dismiss()

    def action_discard(self) -> None:
        """Throw the draft away and begin anew."""
        self._after_typing(self._begin_anew)

    def _begin_anew(self) -> None:
        fixed = self._opening.fixed
        begun = Letter(self._desk.addressees, self._opening.letter.subject if fixed else "")
        self._letter = msgspec.structs.replace(begun, is_task=self._opening.letter.is_task)
        self._fill(self._letter)
        self._discard()
        self._say("thrown away", self._text if fixed else self._subject)

    @work(group="keep", exclusive=True)
    async def _discard(self) -> None:
        try:
            await asyncio.to_thread(self._desk.discard)
        except OSError as error:
            self._say(str(error))

    def _fill(self, letter: Letter) -> None:
        self._letter = letter
        self._to.value, self._subject.value, self._text.text = letter.to, letter.subject, letter.body
        self._show_manner()
        self._changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An answer goes as what it answers."""
        del parameters
        return not (self._opening.fixed and action in ("change", "options"))

    def action_change(self, field: str) -> None:
        """The next of the values that this may have."""
        self._after_typing(partial(self._change, field))

    def _change(self, field: str) -> None:
        value = self._letter.priority
        later = PRIORITIES[(PRIORITIES.index(value) + 1) % len(PRIORITIES)] if value in PRIORITIES else "normal"
        changed = {"is_task": not self._letter.is_task, "priority": later}
        self._letter = msgspec.structs.replace(self._letter, **{field: changed[field]})
        self._show_manner()
        self._changed()

    def action_options(self) -> None:
        """Say more of how it is to go."""
        self._after_typing(self._ask_options)

    def _ask_options(self) -> None:
        def take(letter: Letter | None) -> None:
            if letter is not None:
                self._fill(letter)

        desk = self._desk
        self.app.push_screen(OptionsScreen(self.written, desk.complete_path, desk.attachable), take)

    def action_edit(self) -> None:
        """The text in the operator's own editor."""
        self._after_typing(self._edit)

    @work(group="edit", exclusive=True)
    async def _edit(self) -> None:
        body = self._text
        try:
            edited = await self._desk.edit(body.text)
        except (MailcoreError, OSError, ValueError) as error:
            self._say(f"the text is as it was: {error}", self._text)
        else:
            body.text = edited
            body.move_cursor(body.document.end)
            body.focus()

    def action_template(self) -> None:
        """Begin with a template."""
        self._after_typing(self._pick_template)

    @work(group="template", exclusive=True)
    async def _pick_template(self) -> None:
        found, wrong = await asyncio.to_thread(self._desk.templates)
        if wrong:
            self._say("\n".join(wrong))
        if not found:
            if not wrong:
                self._say("no template: .praxmonitor/templates/*.md are offered here")
            return
        options = [text_row(f"{each.name}  {each.letter.subject}") for each in found]
        question = ChooseScreen("Which template?", options, "enter take it   j k another   esc back")
        picked = await self.app.push_screen_wait(question)
        if picked >= 0:
            template = found[picked].letter
            if self._opening.fixed:
                template = Letter(body=template.body)
            self._fill(with_template(self.written, template))

    def on_field_pasted(self, event: Field.Pasted) -> None:
        """Addresses stand in one line; below a subject stands the text."""
        field, body = event.field, self._text
        first, rest = (" ".join(event.lines), "") if field.id == "to" else (event.lines[0], "\n".join(event.lines[1:]))
        field.replace(first, *sorted(field.selection))
        if rest.strip():
            body.text = "\n".join(part for part in (body.text.rstrip("\n"), rest.lstrip("\n")) if part)

    def on_input_changed(self) -> None:
        """What was written is kept, and looked at."""
        self._changed()

    def on_text_area_changed(self) -> None:
        """The same."""
        self._changed()

    def _changed(self) -> None:
        self._asked_to_leave = False
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(TYPING_PAUSE, self._paused)

    def _paused(self) -> None:
        letter = self.written
        if self._desk.keeps and letter != self._kept and not self._sending:
            self._kept = letter
            self._keep(letter)
        self._look()

    @work(group="keep", exclusive=True)
    async def _keep(self, letter: Letter) -> None:
        try:
            await asyncio.to_thread(self._desk.discard if self._untouched(letter) else partial(self._desk.keep, letter))
        except OSError as error:
            self._say(f"the draft cannot be kept: {error}")

    def _look(self) -> None:
        if not self._opening.fixed:
            self._foresee(self.written)

    @work(group="foresee", exclusive=True)
    async def _foresee(self, letter: Letter) -> None:
        """Say what it would come to; of an address that is being typed, which ones begin so."""
        typing = self.focused is self._to
        word, begin_so = started_word(self._to.value, self._desk.addresses) if typing else ("", [])
        whole = msgspec.structs.replace(letter, to=" ".join(letter.addresses[:-1] if begin_so else letter.addresses))
        try:
            text = await asyncio.to_thread(self._desk.foresee, whole) if whole.addresses else ""
        except (MailcoreError, OSError) as error:
            text = str(error)
        likely = f"{word}…: {' '.join(begin_so[:8])}" if begin_so else ""
        self._forecast.update(plain("; ".join(filter(None, (likely, text)))))

    def _show_manner(self) -> None:
        self._manner.update(plain(manner(self._letter)))
        leave = "esc draft" if self._desk.keeps else "esc back"
        keys = TEXT_KEYS if self._opening.fixed else MANNER_KEYS + TEXT_KEYS
        self._hint.update(f"ctrl+s send  {leave}  {keys}")
        if not self._opening.fixed:
            self._title.update("Dispatch" if self._letter.is_task else "Mail")

    def _say(self, trouble: str, focus: Widget | None = None) -> None:
        self._trouble.update("\n".join(map(plain, trouble.splitlines())))
        self._trouble.add_class("-open")
        if focus is not None:
            focus.focus()
