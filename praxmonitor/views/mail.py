"""Mail: whose, which list of it, the mails, and the one that is open; their threads; what a search finds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input

from mailcore.mail.search_text import HINT
from mailcore.model.message import Message
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, MAIL, MAILBOX, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.mail import MailEntry, MailFolder, MailPlace
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.views.frame import Frame
from praxmonitor.views.mail_listing import MailListing
from praxmonitor.views.mail_reading import MailReading
from praxmonitor.widgets.mail import Body, MailList
from praxmonitor.widgets.mail_folders import FOLDERS, FolderKeys, Folders


class MailScreen(Screen[None]):
    """Mailboxes, list and message side by side; one above the other below 110 columns."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, MAIL, MAILBOX, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    MailScreen {
        background: $background; color: $ink;
        #panels { height: 1fr; }
        #folders { width: 20; height: 1fr; padding: 1 0 0 0; scrollbar-gutter: auto; }
        #letters { width: 2fr; height: 1fr; }
        #mail { height: 1fr; min-height: 4; }
        #line { display: none; height: 1; border: none; padding: 0 1; background: $panel; color: $ink; }
        #line.-open { display: block; }
        #body { width: 3fr; height: 1fr; display: none; padding: 0 0 0 1; }
        #body.-open { display: block; }
        #mail, #body { border-top: solid $rule; border-title-color: $muted; border-title-align: left; }
        #mail:focus, #body:focus { border-top: solid $accent; border-title-color: $ink-accent; }
        &.-narrow #panels { layout: vertical; }
        &.-narrow #folders { width: 100%; height: 1; padding: 0; overflow: hidden hidden; }
        &.-narrow #letters { width: 100%; height: 1fr; }
        &.-narrow #body { width: 100%; height: 2fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.reading = MailReading(self, lambda: self.frame.opened, self.frame.refresh)
        self.listing = MailListing(self.frame, self.reading)
        self.folders = Folders(self.turn_to)
        self.mail, self.body = MailList(), Body(own=True)
        self._line = Input(id="line", compact=True)
        self._cursors: dict[MailPlace, tuple[str, str, str]] = {}
        """The mail that was under the cursor where a place was left."""
        self._unplaced = False
        """The cursor goes where it was left as soon as there is something to list."""
        self._wanted = ""
        """The message that is opened as soon as it is listed, by its id; empty for none."""
        self._submit: Callable[[str], Awaitable[bool]] | None = None
        """What the line is written for; None for a search."""

    def compose(self) -> ComposeResult:
        """Header, mailboxes beside the list beside the message, footer."""
        letters = Vertical(self.mail.lines, self._line, id="letters")
        yield from self.frame.around(Horizontal(self.folders.lines, letters, self.body.lines, id="panels"))

    def on_mount(self) -> None:
        """The list has the focus; follow the app."""
        self.mail.lines.focus()
        self.frame.follow(self._draw)

    @property
    def selected(self) -> str:
        """Whose mailbox the mail under the cursor lies in; without one, whose mail is listed."""
        return self.mail.entry.owner if self.mail.entry is not None else self.listing.place.owner

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    @property
    def message(self) -> Message | None:
        """The mail under the cursor."""
        return self.mail.selected

    @property
    def entry(self) -> MailEntry | None:
        """The same, with what is known of it."""
        return self.mail.entry

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def _draw(self) -> None:
        app = self.frame.app
        if app.snapshot is not EMPTY:
            self.mail.limit = self.body.limit = app.opened.config.mail.rung_limit
            self.reading.follow(app.snapshot.fleet)
            self.listing.read_again()
            self._show_list()
            keys = FolderKeys(*map(app.keymap.first, ("last_mailbox", "next_mailbox", "whose_mail")))
            self.folders.show(self.listing.place, app.snapshot.fleet, keys, narrow=self.has_class("-narrow"))
            self._show_body()
        self.frame.show(self.selected, self.message)

    def _show_list(self) -> None:
        entries, nothing = self.listing.entries()
        self.mail.lines.border_title = self.listing.title
        self.mail.show_entries(entries, self.frame.app.snapshot.now, nothing)
        if self._unplaced and entries:
            self._unplaced = False
            self.mail.put_cursor(self._cursors.get(self.listing.place))
        if self._wanted and self.mail.select_message(self._wanted):
            self._wanted = ""
            self.call_after_refresh(self.open_message)

    def _show_body(self) -> None:
        if not self.body.lines.has_class("-open"):
            return
        entries: tuple[MailEntry, ...] = ()
        if self.listing.place.thread:
            entries = self.listing.thread
        elif self.mail.entry is not None:
            entries = (self.mail.entry,)
        drawn = tuple(replace(each, run=run) if (run := self.reading.run_of(each)) else each for each in entries)
        self.body.lines.border_title = "conversation" if len(drawn) > 1 else "message"
        self.body.show_entries(drawn, self.frame.app.snapshot.now)

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; from the list, pages are those of the mail that is open."""
        if self.body.lines.has_focus or (way.startswith("page") and self.body.lines.has_class("-open")):
            self.body.lines.step(way)
        else:
            self.mail.step(way)

    def next_panel(self) -> None:
        """Focus the next panel."""
        self.focus_next()

    def on_mail_list_picked(self) -> None:
        """Another mail: if one is open, show this one instead."""
        if self.listing.place.thread and self.mail.entry is not None:
            self.body.go_to(self.mail.entry)
        self._show_body()
        self.frame.show(self.selected, self.message)

    def on_mail_list_opened(self) -> None:
        """A double click."""
        self.frame.app.action_do("read")

    def select_message(self, message_id: str) -> None:
        """Put the cursor on this message of the list, as soon as it is there."""
        self.call_after_refresh(self.mail.select_message, message_id)

    def on_mail_list_at_end(self) -> None:
        """More of a long list."""
        self.listing.more()

    def open_message(self) -> None:
        """Show the text of the mail under the cursor; of a found one in its thread."""
        self.body.lines.add_class("-open")
        if self.listing.place.search:
            self.toggle_thread()
        else:
            self._show_body()

    def turn_to(self, owner: str, folder: MailFolder = MailFolder.IN) -> None:
        """List this mail from now on."""
        self.listing.trail.clear()
        self._turn(MailPlace(owner, folder))

    def open_letter(self, owner: str, folder: MailFolder, message_id: str) -> None:
        """List this mail, and open the message of this id as soon as it is listed."""
        self.turn_to(owner, folder)
        self._wanted = message_id
        self.frame.refresh()

    def turn_folder(self, step: int) -> None:
        """The next list of the same agent's, or with -1 the one before."""
        place = FOLDERS[(FOLDERS.index(self.listing.place.folder) + step) % len(FOLDERS)]
        self.turn_to(self.listing.place.owner, place)

    def _turn(self, place: MailPlace) -> None:
        if place == self.listing.place:
            return
        if self.mail.entry is not None:
            self._cursors[self.listing.place] = self.mail.entry.key
        self.listing.place, self._unplaced = place, True
        self._show_line()
        self.frame.refresh()

    def toggle_thread(self) -> None:
        """The mails that answer each other, of the mail under the cursor; again: back to the list."""
        if self.listing.place.thread:
            self.back_to_list()
        elif self.mail.entry is not None:
            if self.frame.opened.playback is not None:
                self._show_thread((self.mail.entry,))
            else:
                self.reading.thread(self.mail.entry, self._show_thread)

    def _show_thread(self, mails: tuple[MailEntry, ...]) -> None:
        entry = self.mail.entry
        if entry is None or self.listing.place.thread:
            return
        name = entry.message.sent_id or entry.message.id
        place = self.listing.enter_thread(name, mails)
        # It stands in the sender's records too, if another's copy was under the cursor: the same mail by another key.
        mine = next((one for one in mails if name in (one.message.sent_id, one.message.id)), entry)
        self._cursors[place] = mine.key
        self._turn(place)
        self.call_after_refresh(self.body.go_to, mine)

    def back_to_list(self) -> None:
        """Out of a thread or a search, to where it was asked for."""
        if self.listing.trail:
            self._turn(self.listing.trail.pop())

    def toggle_raw(self) -> None:
        """The text as it was written; again: as Markdown."""
        self.body.toggle_raw()

    def write_line(self, what: str, submit: Callable[[str], Awaitable[bool]]) -> None:
        """Let one line be written at the bottom; Enter hands it to `submit`, which says whether it was taken."""
        self._submit = submit
        self._line.value = ""
        self._line.placeholder = what
        self._line.add_class("-open")
        self._line.focus()

    def open_search(self) -> None:
        """Type what to find in all mail, open and closed, of every agent."""
        self._submit = None
        if not self.listing.place.search:
            self.listing.trail.append(self.listing.place)
            self._turn(MailPlace(self.listing.place.owner, self.listing.place.folder, search=True))
        self._show_line()
        self._line.focus()

    def _show_line(self) -> None:
        """The line stands below what it finds; anywhere else while something is written in it."""
        searching = self.listing.place.search
        self._submit = None
        self._line.placeholder = f"search all mail: {HINT}"
        self._line.value = self.reading.found.text if searching else ""
        self._line.set_class(searching, "-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        if self.listing.place.search and self._submit is None and event.value != self.reading.found.text:
            self.reading.search(event.value)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand on what was written; of a search: to what it found."""
        if self._submit is None:
            self.mail.lines.focus()
        elif event.value.strip() and await self._submit(event.value.strip()):
            self._show_line()
            self.mail.lines.focus()

    def back(self) -> None:
        """Close the line that is written, then the message, then the thread or search; else the view."""
        found = bool(self.listing.trail) and self.listing.trail[-1].search
        if self._submit is not None:
            self._show_line()
        elif self.body.lines.has_class("-open") and not found:
            self.body.lines.remove_class("-open")
        elif self.listing.trail:
            self.body.lines.remove_class("-open")
            self.back_to_list()
        else:
            self.frame.app.navigation.leave_view()
            return
        self.mail.lines.focus()
        self.frame.refresh()
