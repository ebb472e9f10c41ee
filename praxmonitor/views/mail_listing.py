"""Which mail the mail view lists: the place that is shown, what stands in it, and the way back to those before."""

from __future__ import annotations

from dataclasses import replace

from mailcore.mail.search_text import HINT
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.text import counted
from praxmonitor.state.mail import MailEntry, MailFolder, MailPlace
from praxmonitor.state.mail_reader import inbox_entries
from praxmonitor.text.lines import Line, plain
from praxmonitor.views.frame import Frame
from praxmonitor.views.mail_reading import MailReading
from praxmonitor.widgets.line_list import READING
from praxmonitor.widgets.mail import nothing_in

_NOTHING = {
    MailFolder.SENT: "nothing was sent",
    MailFolder.WAITING: "nothing waits for an answer",
    MailFolder.ARCHIVE: "nothing was closed",
}


class MailListing:
    """The list. What is not in the fleet is read by `reading`."""

    def __init__(self, frame: Frame, reading: MailReading) -> None:
        self._frame, self._reading = frame, reading
        self.place = MailPlace(OPERATOR)
        """That is shown."""
        self.trail: list[MailPlace] = []
        """The places that Esc goes back to."""
        self.thread: tuple[MailEntry, ...] = ()
        """The mails of the thread that is shown, or was last."""
        self._inbox: tuple[AgentFacts | None, tuple[MailEntry, ...]] = (None, ())
        self._moves = 0
        """The moment of which the thread or what was found is."""

    def enter_thread(self, name: str, mails: tuple[MailEntry, ...]) -> MailPlace:
        """The thread of the mail of this name, these mails: where it is shown, for `place` to become."""
        self.trail.append(self.place)
        self.thread, self._moves = mails, self._reading.moves
        return replace(self.place, thread=name, search=False)

    def read_again(self) -> None:
        """Mail has moved: read the thread, or search, once more."""
        if self._moves == self._reading.moves or self._frame.opened.playback is not None:
            return
        self._moves = self._reading.moves
        if self.place.thread and self.thread:
            self._reading.thread(self.thread[0], self._take_thread)
        elif self.place.search and self._reading.found.text.strip():
            self._reading.search_again()

    def _take_thread(self, mails: tuple[MailEntry, ...]) -> None:
        if self.place.thread:
            self.thread = mails
            self._frame.refresh()

    def entries(self) -> tuple[tuple[MailEntry, ...], Line]:
        """The mails of the place that is shown, and what stands there without any."""
        place, app, reading = self.place, self._frame.app, self._reading
        reading.leave()
        if place.thread:
            return self.thread, READING
        if place.search:
            found = reading.found
            said = found.trouble or ("nothing is found" if found.complete and found.text.strip() else "")
            return found.entries, ((f" {plain(said)}" if said else f" {HINT}", "muted"),)
        if place.folder is MailFolder.IN:
            facts = app.snapshot.fleet.find(place.owner)
            if facts is None:
                return (), ((f" {plain(place.owner)} is in the registry no longer", "muted"),)
            if facts.agent.is_remote and app.opened.playback is None:
                return self._copied(facts)
            if self._inbox[0] is not facts:
                known = self._inbox[0]
                same = known is not None and known.mailbox is facts.mailbox and known.run is facts.run
                self._inbox = facts, self._inbox[1] if same else inbox_entries(facts)
            return self._inbox[1], nothing_in(facts.mailbox)
        if app.opened.playback is not None:
            return (), ((" a recording has open mail alone", "muted"),)
        page = reading.page(place.owner, place.folder)
        if page is None:
            return (), READING
        if reading.trouble and not page.entries:
            return (), ((f" {plain(reading.trouble)}", "error"),)
        return page.entries, ((f" {_NOTHING[place.folder]}", "faint"),)

    def _copied(self, facts: AgentFacts) -> tuple[tuple[MailEntry, ...], Line]:
        """The open mail of an agent of another host; until it was copied here what the fleet has of it."""
        page = self._reading.page(facts.address, MailFolder.IN)
        if page is not None and page.entries:
            return page.entries, READING
        said = ((f" {plain(self._reading.trouble)}", "warn"),) if self._reading.trouble else READING
        return inbox_entries(facts), said if page is None or self._reading.trouble else nothing_in(facts.mailbox)

    def more(self) -> None:
        """Read on at the end of a long list."""
        if self.place.search:
            self._reading.find_more()
        elif not self.place.thread:
            self._reading.more(self.place.owner, self.place.folder)

    @property
    def title(self) -> str:
        """What the list is."""
        place, found = self.place, self._reading.found
        if place.thread:
            return f"thread of {counted(len(self.thread), 'mail')}"
        if place.search:
            more = "the newest " if found.more else ""
            going = "" if found.complete else f", {found.share:.0%} read…" if found.share else ", reading…"
            sought = plain(found.text.strip())
            return f"{more}{len(found.entries)} found{going}: {sought}" if sought else "search all mail"
        whose = "your mail" if place.owner == OPERATOR else f"mail of {place.owner}"
        return f"{whose} · {place.folder.label.lower()}"
