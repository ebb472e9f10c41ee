"""One agent, full screen: its mail, its run's story, what it did, the end of its log. The operator's inbox too."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from mailcore.exceptions import MailcoreError
from mailcore.model.agent import OPERATOR
from mailcore.model.message import Message
from praxmonitor.actions import requests
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.table import MAIL
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.agents import bypasses
from praxmonitor.text.lines import plain, sender
from praxmonitor.views.operating import Operating
from praxmonitor.widgets.agent_story import Story
from praxmonitor.widgets.mail import Body, MailList


class AgentScreen(Operating):
    """Mail at the left, story at the right; one above the other below 110 columns."""

    SCOPES = (MAIL,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MAIL)]
    DEFAULT_CSS = """
    AgentScreen {
        #panels { height: 1fr; }
        #letters { width: 1fr; height: 1fr; }
        #mail { height: 1fr; min-height: 4; }
        #body { height: 2fr; display: none; padding: 0 0 0 1; }
        #body.-open { display: block; }
        #story { width: 1fr; height: 1fr; padding: 0 0 0 1; }
        MailList, Body, Story {
            border-top: solid $rule; border-title-color: $muted; border-title-align: left;
        }
        MailList:focus, Body:focus, Story:focus { border-top: solid $accent; border-title-color: $ink-accent; }
        &.-narrow #panels { layout: vertical; }
        &.-narrow #letters, &.-narrow #story { width: 100%; }
        &.-narrow #story { height: 3fr; }
        &.-narrow #letters { height: 2fr; }
        &.-narrow.-operator #letters { height: 3fr; }
        &.-narrow.-operator #story { height: 1fr; }
        &.-wide.-operator #letters { width: 3fr; }
        &.-wide.-operator #story { width: 2fr; }
    }
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        own = address == OPERATOR
        self._mail, self._body, self._story = MailList(id="mail"), Body(own=own, id="body"), Story(id="story")
        self._mail.border_title = "your mail" if own else f"mail of {address}"
        self._body.border_title = "message"
        self._story.border_title = self._heading = "what reaches you" if own else address

    def compose(self) -> ComposeResult:
        """Header, story beside mail (the operator's mail comes first), footer."""
        letters = Vertical(self._mail, self._body, id="letters")
        panels = (letters, self._story) if self._address == OPERATOR else (self._story, letters)
        yield self._header
        yield self._alarm_bar
        yield Horizontal(*panels, id="panels")
        yield self._keys

    def on_mount(self) -> None:
        """The mail has the focus."""
        self.set_class(self._address == OPERATOR, "-operator")
        self._mail.focus()

    @property
    def selected(self) -> str:
        """The agent that this screen is about."""
        return self._address

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot down."""
        facts = snapshot.fleet.find(self._address)
        gone = "" if facts is not None else ": no longer in the registry; this is the last that was known"
        self._story.border_title = self._heading + gone
        if facts is None:
            return
        self._mail.show(facts.mailbox, snapshot.now)
        bypass = bypasses(facts, self.prax.bypass)
        self._story.show(facts, snapshot.status(self._address), self.details, snapshot.now, bypass)

    def show_details(self) -> None:
        """Hand the reading down."""
        self.show_snapshot(self.prax.snapshot)

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; from the list, pages are those of the mail that is open."""
        if way.startswith("page") and self._mail.has_focus and self._body.has_class("-open"):
            self._body.step(way)
        else:
            super().step(way)

    def on_mail_list_picked(self, event: MailList.Picked) -> None:
        """Another mail: if one is open, show this one instead."""
        if self._body.has_class("-open"):
            self._body.show(event.message)

    def on_mail_list_opened(self) -> None:
        """A double click."""
        self.do_read()

    def do_read(self) -> None:
        """Show the selected mail. The operator's own is marked opened; looking into another's changes nothing."""
        message = self._mail.selected
        self._body.show(message)
        self._body.add_class("-open")
        mine = self._address == OPERATOR and self.prax.playback is None
        if message is not None and message.unread and mine:
            self._mark_opened(message.id)

    @work(group="mail")
    async def _mark_opened(self, message_id: str) -> None:
        try:
            await asyncio.to_thread(requests.mark_opened, self.prax.workspace, message_id)
            await asyncio.to_thread(self.prax.note_presence)
        except (MailcoreError, OSError) as error:
            self.notify(plain(str(error)), title="not marked", severity="error", markup=False)

    def do_reply(self) -> None:
        """Answer the selected mail."""
        message = self._mail.selected
        if message is None or self._asks_approval(message):
            return

        def answer(_to: list[str], _subject: str, body: str) -> str:
            return requests.reply(self.prax.workspace, self.prax.config, message.id, body)

        self.write("Reply", answer, to=message.sender, subject=f"RE: {message.subject}", fixed=True)

    @work(group="mail")
    async def do_close(self) -> None:
        """Archive the selected mail."""
        message = self._mail.selected
        if message is not None and not self._asks_approval(message):
            await self.ask(requests.close, self.prax.workspace, [message.id])

    @work(group="mail")
    async def do_close_read(self) -> None:
        """Archive every mail that was read, if the operator says yes to their number; none that came since."""
        from praxmonitor.actions.questions import close_lines

        app = self.prax
        facts = app.snapshot.fleet.find(self._address)
        read = [m for m in facts.mailbox.messages if not m.unread and not m.undecided] if facts is not None else []
        if not read:
            self.notify("no mail here was read and waits for nothing", severity="warning", markup=False)
            return
        question = f"Close {len(read)} mail{'s' if len(read) > 1 else ''} that you have read?"
        kept = "the archive keeps them; new and undecided mail stays open"
        lines = partial(close_lines, read, app.snapshot.now)
        if await self.agreed(question, kept, lines, "Yes, close"):
            await self.ask(requests.close, app.workspace, [message.id for message in read])

    def _asks_approval(self, message: Message) -> bool:
        """Whether neither an answer nor a close is what this mail wants; it is said then."""
        if message.undecided:
            why = f"{sender(message.sender)} waits for your decision: approve (Y) or deny (N) it"
            self.notify(plain(why), severity="warning", markup=False)
        return message.undecided

    @work(group="mail")
    async def do_approve(self) -> None:
        """Grant what the selected mail asks for."""
        await self._decide("Approve", "approved")

    @work(group="mail")
    async def do_deny(self) -> None:
        """Refuse what the selected mail asks for."""
        await self._decide("Deny", "denied")

    async def _decide(self, title: str, decision: str) -> None:
        message = self._mail.selected
        if message is None:
            return
        if not message.undecided:
            self.notify("this mail asks for no approval", severity="warning", markup=False)
            return
        if not await self.unlocked(message.tier):
            return

        def decide(_to: list[str], _subject: str, why: str) -> str:
            return requests.decide(self.prax.workspace, self.prax.config, message.id, decision, why)

        subject = f"{decision.upper()}: {message.subject}"
        self.write(title, decide, to=message.sender, subject=subject, fixed=True)

    def do_back(self) -> None:
        """Close the message, else the screen."""
        if self._body.has_class("-open"):
            self._body.remove_class("-open")
            self._mail.focus()
        else:
            self.app.pop_screen()
