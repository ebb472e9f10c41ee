"""The operator's own mail: the list, and the message that is open."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from mailcore.model.agent import OPERATOR
from mailcore.model.message import Message
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, MAIL, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.views.frame import Frame
from praxmonitor.widgets.mail import Body, MailList


class MailScreen(Screen[None]):
    """List at the left, message at the right; one above the other below 110 columns."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, MAIL, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    MailScreen {
        background: $background; color: $ink;
        #panels { height: 1fr; }
        #mail { width: 2fr; height: 1fr; min-height: 4; }
        #body { width: 3fr; height: 1fr; display: none; padding: 0 0 0 1; }
        #body.-open { display: block; }
        #mail, #body { border-top: solid $rule; border-title-color: $muted; border-title-align: left; }
        #mail:focus, #body:focus { border-top: solid $accent; border-title-color: $ink-accent; }
        &.-narrow #panels { layout: vertical; }
        &.-narrow #mail { width: 100%; height: 1fr; }
        &.-narrow #body { width: 100%; height: 2fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.mail, self.body = MailList(), Body(own=True)
        self.mail.lines.border_title = "your mail"
        self.body.lines.border_title = "message"

    def compose(self) -> ComposeResult:
        """Header, list beside message, footer."""
        yield self.frame.header.lines
        yield self.frame.projects.lines
        yield self.frame.alarm_bar.lines
        yield Horizontal(self.mail.lines, self.body.lines, id="panels")
        yield self.frame.keys.lines

    def on_mount(self) -> None:
        """The list has the focus; follow the app."""
        self.mail.lines.focus()
        self.frame.follow(self.refresh_all)

    def on_screen_resume(self) -> None:
        """Catch up after another view was in front."""
        self.refresh_all()

    def on_resize(self) -> None:
        """The header is laid out for the width."""
        if self.is_mounted:
            self.call_after_refresh(self.refresh_all)

    @property
    def selected(self) -> str:
        """Whose mailbox it is."""
        return OPERATOR

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        if not self.frame.in_front:
            return
        snapshot = self.frame.app.snapshot
        self.frame.show(OPERATOR)
        if snapshot is not EMPTY and (facts := snapshot.fleet.find(OPERATOR)) is not None:
            self.mail.show(facts.mailbox, snapshot.now)

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; from the list, pages are those of the mail that is open."""
        if not self.mail.lines.has_focus:
            self.frame.step(way)
        elif way.startswith("page") and self.body.lines.has_class("-open"):
            self.body.lines.step(way)
        else:
            self.mail.step(way)

    def next_panel(self) -> None:
        """Focus the next panel."""
        self.focus_next()

    def on_mail_list_picked(self, event: MailList.Picked) -> None:
        """Another mail: if one is open, show this one instead."""
        if self.body.lines.has_class("-open"):
            self.body.show(event.message)

    def on_mail_list_opened(self) -> None:
        """A double click."""
        self.frame.app.action_do("read")

    def select_message(self, message_id: str) -> None:
        """Put the cursor on this message, once the view is drawn; one that is not here changes nothing."""
        self.call_after_refresh(self.mail.select_message, message_id)

    @property
    def message(self) -> Message | None:
        """The mail under the cursor."""
        return self.mail.selected

    def open_message(self) -> None:
        """Show the text of the mail under the cursor."""
        self.body.show(self.mail.selected)
        self.body.lines.add_class("-open")

    def back(self) -> None:
        """Close the message, else the view."""
        if self.body.lines.has_class("-open"):
            self.body.lines.remove_class("-open")
            self.mail.lines.focus()
        else:
            self.frame.app.leave_view()
