"""What else can be said of a letter: what counts as done, who does it how, what is attached."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mailcore.exceptions import MailcoreError
from praxmonitor.dialogs.compose_fields import Completion, Field, Ghost
from praxmonitor.text.letters import PRIORITIES, SESSIONS, Letter
from praxmonitor.text.lines import plain

BEGINS = ("queue", "now")
CHOICES = {"priority": PRIORITIES, "session": SESSIONS[1:], "begin": BEGINS}
"""Of these fields only some words make sense."""
FIELDS = {
    "priority": ("Priority", "normal, high or low"),
    "attach": ("Attach", "paths in the project, separated by spaces"),
    "expect": ("Done when", "what counts as done, for a task"),
    "program": ("Program", "not the configured one"),
    "model": ("Model", "as the program calls it"),
    "session": ("Session", "a new one; or resume, fork, fresh"),
    "begin": ("Begin", "queue: when the agent is free; now: or not at all"),
}


def one_of(words: tuple[str, ...]) -> Completion:
    """Completes to the one of these words that begins so."""

    def complete(text: str) -> str:
        found = [word for word in words if text and word.startswith(text)]
        return found[0] if len(found) == 1 else text

    return complete


class OptionsScreen(ModalScreen[Letter | None]):
    """Dismissed with the letter as it is to go; None where it stays as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,enter,ctrl+g", "done", "done", priority=True),
        Binding("escape", "dismiss(None)", "back", priority=True),
        Binding("tab", "next", "next field", priority=True),
        Binding("down", "app.focus_next", "next field", priority=True),
        Binding("shift+tab,up", "app.focus_previous", "previous field", priority=True),
    ]
    DEFAULT_CSS = """
    OptionsScreen {
        align: center middle;
        background: $background 60%;
        #options { width: 76; max-width: 96%; height: 26; max-height: 100%; padding: 0 2; background: $surface;
            border: round $primary; border-title-color: $ink; }
        #fields { height: 1fr; scrollbar-size-vertical: 1; }
        Input { height: 3; border: round $faint; border-title-color: $muted; padding: 0 1; background: $surface;
            color: $ink; width: 1fr; }
        Input:focus { border: round $accent; border-title-color: $ink-accent; background-tint: transparent; }
        #wrong { color: $ink-error; height: auto; display: none; }
        #wrong.-open { display: block; }
        #hint { color: $faint; height: 1; }
    }
    """

    def __init__(self, letter: Letter, paths: Completion, attachable: Callable[[list[str]], tuple[str, ...]]) -> None:
        """`paths` completes a path of the project; `attachable` gives paths from its root, and raises MailcoreError of
        what cannot be attached. Both are called in a thread."""
        super().__init__()
        self._letter, self._paths, self._attachable = letter, paths, attachable

    def compose(self) -> ComposeResult:
        """A field for each."""
        letter = self._letter
        values = {
            "priority": letter.priority if letter.priority != "normal" else "",
            "attach": shlex.join(letter.attached),
            "expect": letter.expect,
            "program": letter.program,
            "model": letter.model,
            "session": letter.session,
            "begin": "now" if letter.at_once else "",
        }
        with Vertical(id="options") as box:
            box.border_title = "How it is to go"
            with VerticalScroll(id="fields", can_focus=False):
                for name, (label, placeholder) in FIELDS.items():
                    ghost = Ghost(one_of(CHOICES[name])) if name in CHOICES else None
                    ghost = Ghost(self._paths, in_thread=True) if name == "attach" else ghost
                    field = Field(plain(values[name]), placeholder=placeholder, id=name, suggester=ghost)
                    if ghost is not None:
                        field.completion = ghost.known
                    field.border_title = label
                    yield field
            yield Static("", markup=False, id="wrong")
            yield Static("enter done   tab next, or completes   esc back", markup=False, id="hint")

    async def action_next(self) -> None:
        """Complete what is typed, else the next field."""
        if not (isinstance(self.focused, Field) and await self.focused.complete()):
            self.focus_next()

    def action_done(self) -> None:
        """Take them, once each makes sense; with what was typed before the key."""
        (self.focused or self).call_later(self._take)

    @work(exclusive=True)
    async def _take(self) -> None:
        said = {name: self.query_one(f"#{name}", Field).value.strip() for name in FIELDS}
        for name, words in CHOICES.items():
            if said[name] and said[name] not in words:
                self._say(f"{FIELDS[name][0].lower()}: {said[name]}? one of {', '.join(words)}", name)
                return
        try:
            paths = await asyncio.to_thread(self._attachable, shlex.split(said["attach"]))
        except (MailcoreError, OSError, ValueError) as error:
            self._say(str(error), "attach")
            return
        letter = msgspec.structs.replace(
            self._letter, attached=paths, session=said["session"], at_once=said["begin"] == "now"
        )
        more = {name: said[name] for name in ("expect", "program", "model")}
        self.dismiss(msgspec.structs.replace(letter, priority=said["priority"] or "normal", **more))

    def _say(self, wrong: str, name: str) -> None:
        line = self.query_one("#wrong", Static)
        line.update(plain(wrong))
        line.add_class("-open")
        self.query_one(f"#{name}").focus()
