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
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.text import counted
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, MAIL, MAILBOX, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.mail import MailEntry, MailFolder, MailPlace
from praxmonitor.state.mail_reader import inbox_entries
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.text.lines import Line, plain
from praxmonitor.views.frame import Frame
from praxmonitor.views.mail_reading import MailReading
from praxmonitor.widgets.line_list import READING
from praxmonitor.widgets.mail import Body, MailList, nothing_in
from praxmonitor.widgets.mail_folders import FOLDERS, Folders

_NOTHING = {
    MailFolder.SENT: "nothing was sent",
    MailFolder.WAITING: "nothing waits for an answer",
    MailFolder.ARCHIVE: "nothing was closed",
}


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
        self.reading = MailReading(self, lambda: self.frame.opened, self.refresh_all)
        self.folders = Folders(self.turn_to)
        self.mail, self.body = MailList(), Body(own=True)
        self._line = Input(id="line", compact=True)
        self._place = MailPlace(OPERATOR)
        self._trail: list[MailPlace] = []
        """The places that Esc goes back to."""
        self._cursors: dict[MailPlace, tuple[str, str, str]] = {}
        """The mail that was under the cursor where a place was left."""
        self._thread: tuple[MailEntry, ...] = ()
        self._inbox: tuple[AgentFacts | None, tuple[MailEntry, ...]] = (None, ())
        self._moves = 0
        """The moment of which the thread or what was found is."""
        self._unplaced = False
        """The cursor goes where it was left as soon as there is something to list."""
        self._submit: Callable[[str], Awaitable[bool]] | None = None
        """What the line is written for; None for a search."""

    def compose(self) -> ComposeResult:
        """Header, mailboxes beside the list beside the message, footer."""
        yield self.frame.header.lines
        yield self.frame.projects.lines
        yield self.frame.alarm_bar.lines
        with Horizontal(id="panels"):
            yield self.folders.lines
            with Vertical(id="letters"):
                yield self.mail.lines
                yield self._line
            yield self.body.lines
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
        """Whose mailbox the mail under the cursor lies in; without one, whose mail is listed."""
        return self.mail.entry.owner if self.mail.entry is not None else self._place.owner

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

    @property
    def place(self) -> MailPlace:
        """The list that is shown."""
        return self._place

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        if not self.frame.in_front:
            return
        app = self.frame.app
        if app.snapshot is not EMPTY:
            self.mail.limit = self.body.limit = app.opened.config.mail.rung_limit
            self.reading.follow(app.snapshot.fleet)
            self._read_again()
            self._show_list()
            self.folders.show(self._place, app.snapshot.fleet, narrow=self.has_class("-narrow"))
            self._show_body()
        self.frame.show(self.selected, self.message)

    def _read_again(self) -> None:
        """Mail has moved: read the thread, or search, once more."""
        if self._moves == self.reading.moves or self.frame.opened.playback is not None:
            return
        self._moves = self.reading.moves
        if self._place.thread and self._thread:
            self.reading.thread(self._thread[0], self._take_thread)
        elif self._place.search and self.reading.found.text.strip():
            self.reading.search_again()

    def _take_thread(self, mails: tuple[MailEntry, ...]) -> None:
        if self._place.thread:
            self._thread = mails
            self.refresh_all()

    def _show_list(self) -> None:
        entries, nothing = self._listed()
        self.mail.lines.border_title = self._title()
        self.mail.show_entries(entries, self.frame.app.snapshot.now, nothing)
        if self._unplaced and entries:
            self._unplaced = False
            self.mail.put_cursor(self._cursors.get(self._place))

    def _listed(self) -> tuple[tuple[MailEntry, ...], Line]:
        """The mails of the place that is shown, and what stands there without any."""
        place, app = self._place, self.frame.app
        self.reading.leave()
        if place.thread:
            return self._thread, READING
        if place.search:
            found = self.reading.found
            said = found.trouble or ("nothing is found" if found.complete and found.text.strip() else "")
            return found.entries, ((f" {plain(said)}" if said else f" {HINT}", "muted"),)
        if place.folder is MailFolder.IN:
            facts = app.snapshot.fleet.find(place.owner)
            if facts is None:
                return (), ((f" {plain(place.owner)} is in the registry no longer", "muted"),)
            if self._inbox[0] is not facts:
                known = self._inbox[0]
                same = known is not None and known.mailbox is facts.mailbox and known.run is facts.run
                self._inbox = facts, self._inbox[1] if same else inbox_entries(facts)
            return self._inbox[1], nothing_in(facts.mailbox)
        if app.opened.playback is not None:
            return (), ((" a recording has open mail alone", "muted"),)
        page = self.reading.page(place.owner, place.folder)
        if page is None:
            return (), READING
        if self.reading.trouble and not page.entries:
            return (), ((f" {plain(self.reading.trouble)}", "error"),)
        return page.entries, ((f" {_NOTHING[place.folder]}", "faint"),)

    def _title(self) -> str:
        place, found = self._place, self.reading.found
        if place.thread:
            return f"thread of {counted(len(self._thread), 'mail')}"
        if place.search:
            more = "the newest " if found.more else ""
            going = "" if found.complete else f", {found.share:.0%} read…" if found.share else ", reading…"
            sought = plain(found.text.strip())
            return f"{more}{len(found.entries)} found{going}: {sought}" if sought else "search all mail"
        whose = "your mail" if place.owner == OPERATOR else f"mail of {place.owner}"
        return f"{whose} · {place.folder.label.lower()}"

    def _show_body(self) -> None:
        if not self.body.lines.has_class("-open"):
            return
        entries: tuple[MailEntry, ...] = ()
        if self._place.thread:
            entries = self._thread
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
        if self._place.thread and self.mail.entry is not None:
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
        if self._place.search:
            self.reading.find_more()
        elif not self._place.thread:
            self.reading.more(self._place.owner, self._place.folder)

    def open_message(self) -> None:
        """Show the text of the mail under the cursor; of a found one in its thread."""
        self.body.lines.add_class("-open")
        if self._place.search:
            self.toggle_thread()
        else:
            self._show_body()

    def turn_to(self, owner: str, folder: MailFolder = MailFolder.IN) -> None:
        """List this mail from now on."""
        self._trail.clear()
        self._turn(MailPlace(owner, folder))

    def turn_folder(self, step: int) -> None:
        """The next list of the same agent's, or with -1 the one before."""
        place = FOLDERS[(FOLDERS.index(self._place.folder) + step) % len(FOLDERS)]
        self.turn_to(self._place.owner, place)

    def _turn(self, place: MailPlace) -> None:
        if place == self._place:
            return
        if self.mail.entry is not None:
            self._cursors[self._place] = self.mail.entry.key
        self._place, self._unplaced = place, True
        self._show_line()
        self.refresh_all()

    def toggle_thread(self) -> None:
        """The mails that answer each other, of the mail under the cursor; again: back to the list."""
        if self._place.thread:
            self.back_to_list()
        elif self.mail.entry is not None:
            if self.frame.opened.playback is not None:
                self._show_thread((self.mail.entry,))
            else:
                self.reading.thread(self.mail.entry, self._show_thread)

    def _show_thread(self, mails: tuple[MailEntry, ...]) -> None:
        entry = self.mail.entry
        if entry is None or self._place.thread:
            return
        name = entry.message.sent_id or entry.message.id
        place = replace(self._place, thread=name, search=False)
        # It stands in the sender's records too, if another's copy was under the cursor: the same mail by another key.
        mine = next((one for one in mails if name in (one.message.sent_id, one.message.id)), entry)
        self._cursors[place] = mine.key
        self._trail.append(self._place)
        self._thread, self._moves = mails, self.reading.moves
        self._turn(place)
        self.call_after_refresh(self.body.go_to, mine)

    def back_to_list(self) -> None:
        """Out of a thread or a search, to where it was asked for."""
        if self._trail:
            self._turn(self._trail.pop())

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
        if not self._place.search:
            self._trail.append(self._place)
            self._turn(MailPlace(self._place.owner, self._place.folder, search=True))
        self._show_line()
        self._line.focus()

    def _show_line(self) -> None:
        """The line stands below what it finds; anywhere else while something is written in it."""
        searching = self._place.search
        self._submit = None
        self._line.placeholder = f"search all mail: {HINT}"
        self._line.value = self.reading.found.text if searching else ""
        self._line.set_class(searching, "-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        if self._place.search and self._submit is None and event.value != self.reading.found.text:
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
        found = bool(self._trail) and self._trail[-1].search
        if self._submit is not None:
            self._show_line()
        elif self.body.lines.has_class("-open") and not found:
            self.body.lines.remove_class("-open")
        elif self._trail:
            self.body.lines.remove_class("-open")
            self.back_to_list()
        else:
            self.frame.app.navigation.leave_view()
            return
        self.mail.lines.focus()
        self.refresh_all()
