"""One agent, full screen, in sections: its story, processes, timeline, mail, queue, log, memories and changes."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from mailcore.model.changes import ChangedFile, ChangeSet
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.text.units import clock_time
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, AGENT, EVERYWHERE, MAIL, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.agent_details import Section, WaitingStart
from praxmonitor.state.remote_files import RemoteFiles
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.text.agents import bypasses
from praxmonitor.text.hosts import host_said
from praxmonitor.views.frame import Frame
from praxmonitor.views.reading import ChangesReading, Reading
from praxmonitor.widgets.agent_panels import AgentInView, AgentPanels
from praxmonitor.widgets.agent_sections import copy_words
from praxmonitor.widgets.changes import DiffLines
from praxmonitor.widgets.mail import MailList
from praxmonitor.widgets.section_tabs import SectionTabs

SECTIONS = tuple(Section)
TWO_FIT = 160
"""Cells of a screen from which on two sections stand side by side: the story, and the one that was chosen last."""


class AgentScreen(Screen[None]):
    """The sections, by name in a line at the top; one of them is chosen and has the focus."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, AGENT, MAIL, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    AgentScreen {
        background: $background; color: $ink;
        #panels { height: 1fr; }
        #panels > * { width: 1fr; height: 1fr; display: none; }
        #panels > .-shown { display: block; }
        #panels Lines {
            border-top: solid $rule; border-title-color: $muted; border-title-align: left; padding: 0 0 0 1;
        }
        #panels Lines:focus { border-top: solid $accent; border-title-color: $ink-accent; }
        #mail, #files { height: 1fr; min-height: 4; padding: 0; }
        #body, #diff { height: 2fr; display: none; }
        #body.-open, #diff.-open { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._address = ""
        self._section, self._beside = Section.STORY, Section.MAILBOX
        self.frame = Frame(self, self.SCOPES)
        remote = RemoteFiles(lambda: self.frame.opened.workspace)
        self.reading = Reading(self, self._readable, self._show_reading, lambda: self.shown, remote)
        self.changing = ChangesReading(self, self._compared, self._show_reading)
        self.tabs = SectionTabs()
        self.panels = AgentPanels(partial(self._do, "open_diff"), self._file_picked, self._draw_keys)
        self.mail, self.body, self.story = self.panels.mail, self.panels.body, self.panels.story

    def compose(self) -> ComposeResult:
        """Header, names of the sections, those that are shown, footer."""
        yield from self.frame.around(self.tabs.lines, Horizontal(*self.panels, id="panels"))

    def turn_to(self, address: str) -> None:
        """Be about this agent from now on; another one's story comes first."""
        if address != self._address:
            another, self._address = bool(self._address), address
            self.panels.begin_anew()
            if another:
                self.show_section(Section.STORY)

    def on_mount(self) -> None:
        """The chosen section has the focus; follow the app."""
        self._arrange()
        self.frame.follow(self._draw)
        self.reading.begin(self.frame.app.opened.config.observe.sample)

    def on_resize(self) -> None:
        """One section, or two."""
        if self.is_mounted:
            self._arrange()

    @property
    def selected(self) -> str:
        """The agent that this screen is about."""
        return self._address

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    @property
    def section(self) -> Section:
        """The one that is chosen."""
        return self._section

    @property
    def shown(self) -> tuple[Section, ...]:
        """Those in view, from the left."""
        if self.app.size.width < TWO_FIT:
            return (self._section,)
        return (Section.STORY, self._beside)

    def show_section(self, section: Section) -> None:
        """Choose this one, for as long as the screen is about this agent."""
        if section is self._section:
            return
        self._section = section
        self._beside = section if section is not Section.STORY else self._beside
        if self.is_mounted:
            self._arrange()
            self.frame.refresh()
            self.reading.read()

    def turn_section(self, step: int) -> None:
        """Choose the next one, or with -1 the one before."""
        self.show_section(SECTIONS[(SECTIONS.index(self._section) + step) % len(SECTIONS)])

    def _arrange(self) -> None:
        """Show what is to be seen; the chosen section has the focus."""
        self.panels.arrange(self.shown, self._section)
        if Section.CHANGES not in self.shown:
            self.changing.let_go()

    def on_screen_suspend(self) -> None:
        """Another view is in front: its changes begin with the newest run when it comes back. A dialog lies over it."""
        if not self.app.screen.is_modal:
            self.changing.let_go()

    def on_section_tabs_picked(self, event: SectionTabs.Picked) -> None:
        """A click on a name."""
        self.show_section(event.section)

    def _readable(self) -> AgentFacts | None:
        """The agent; none of a recording, which has neither process nor log here."""
        app = self.frame.app
        return app.snapshot.fleet.find(self._address) if app.opened.playback is None else None

    def _compared(self) -> AgentFacts | None:
        """The agent, if its changes are in view; none of another host, whose files lie there."""
        facts = self._readable() if Section.CHANGES in self.shown and self.is_current else None
        return facts if facts is not None and not facts.agent.is_remote else None

    def read_agent(self) -> None:
        """Read all that is in view of the agent now."""
        self.reading.read()
        self.changing.read()

    def _draw(self) -> None:
        """Where no agent was chosen yet, it is the first's."""
        snapshot = self.frame.app.snapshot
        if not self._address and snapshot.fleet.agents:
            self.turn_to(snapshot.fleet.agents[0].address)
        self._draw_keys()
        if snapshot is not EMPTY:
            self.show_snapshot(snapshot)
            self.reading.follow(snapshot.fleet.find(self._address))
            self.changing.follow()

    def _draw_keys(self) -> None:
        rows = {Section.QUEUE: self.panels.queue, Section.CHANGES: self.panels.files}.get(self._section)
        self.frame.section, self.frame.rowless = self._section, rows is not None and rows.index is None
        self.frame.show(self._address, self.message)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot down to what is in view."""
        facts = snapshot.fleet.find(self._address)
        gone = "" if facts is not None else ": no longer in the registry; this is the last that was known"
        details = self.reading.of(self._address)
        copy = details.copy if details is not None else None
        self.panels.name(self._address, gone, copy_words(copy, snapshot.now) if copy is not None else "")
        if facts is None:
            return
        starts = details.starts if details is not None else ()
        counts = {Section.MAILBOX: facts.mailbox.unread, Section.QUEUE: len(starts)}
        self.tabs.show(self._section, self.shown, counts)
        app = self.frame.app
        agent = AgentInView(
            facts, snapshot.status(self._address), snapshot.now, snapshot.fleet.stream, details,
            self.changing.of(self._address), self._newer_run(), bypasses(facts, app.opened.bypass),
            app.opened.playback is not None, host_said(facts, snapshot.fleet.hosts, snapshot.away, snapshot.now),
        )  # fmt: skip
        for section in self.shown:
            self.panels.show(section, agent)
        found = self.changed_file
        diff = self.changing.diff_of(found[1] if found is not None else None)
        if diff is not None:
            self.panels.diff.show(partial(DiffLines, diff))

    def _show_reading(self) -> None:
        if self.frame.app.snapshot is not EMPTY:
            self.show_snapshot(self.frame.app.snapshot)
            self._draw_keys()

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; from a list, pages are those of what is open of it."""
        if not self.panels.step(way):
            self.frame.step(way)

    def next_panel(self) -> None:
        """The next section."""
        self.turn_section(1)

    def on_mail_list_picked(self, event: MailList.Picked) -> None:
        """Another mail: if one is open, show this one instead."""
        if self.body.lines.has_class("-open"):
            self.body.show(event.message)

    def on_mail_list_opened(self) -> None:
        """A double click."""
        self._do("read")

    def _do(self, action_id: str) -> None:
        self.frame.app.action_do(action_id)

    @property
    def message(self) -> Message | None:
        """The mail under the cursor; in the queue that of the start; where its list is not in view, the newest."""
        facts = self.frame.app.snapshot.fleet.find(self._address)
        details = self.reading.of(self._address)
        copied = details.mailbox if details is not None else None
        messages = (copied or facts.mailbox).messages if facts is not None else ()
        if self._section is Section.QUEUE:
            wanted = self.start.message_id if self.start is not None else ""
            return next((message for message in messages if message.id == wanted), None)
        return self.mail.selected if Section.MAILBOX in self.shown else next(iter(messages), None)

    def open_message(self) -> None:
        """Show the text of the mail under the cursor, in the section that lists mail."""
        message = self.message
        if message is not None:
            self.show_section(Section.MAILBOX)
            self.body.show(message)
            self.body.lines.add_class("-open")

    @property
    def start(self) -> WaitingStart | None:
        """The start under the cursor of the queue."""
        details, index = self.reading.of(self._address), self.panels.queue.index
        starts = details.starts if details is not None else ()
        return starts[index] if index is not None and index < len(starts) else None

    @property
    def changed_file(self) -> tuple[ChangeSet, ChangedFile] | None:
        """The file under the cursor of what changed, and what it is among."""
        changes, index = self.changing.of(self._address), self.panels.files.index
        if changes is None or index is None or index >= len(changes.files):
            return None
        return changes, changes.files[index]

    def open_diff(self) -> None:
        """Show what changed in the file under the cursor."""
        self.panels.diff.lines.add_class("-open")
        self._file_picked()

    def _newer_run(self) -> str:
        """That a newer run has begun than the one whose changes are shown, and which key goes to it."""
        began = self.changing.newer_began
        key = self.frame.app.keymap.first("newest_run")
        shows = f": what it changed is among these; {key} shows that alone" if key else ""
        return f"a newer run began at {clock_time(began)}{shows}" if began else ""

    def show_newest_run(self) -> bool:
        """Show what the newest run changed; False if that is shown already."""
        newer = bool(self.changing.newer_began)
        if newer:
            self.changing.let_go()
            self.changing.read()
        return newer

    def _file_picked(self) -> None:
        found = self.changed_file
        opened = self.panels.opened(Section.CHANGES)
        if opened is not None and found is not None:
            opened.jump(0)
            self.changing.read_lines(found[1])

    def section_text(self) -> str:
        """What the chosen section shows, as text: of the changes the lines that are open, of the mail the message."""
        opened = self.panels.opened(self._section)
        return (opened if opened is not None else self.panels.main(self._section)).text

    def back(self) -> None:
        """Close what is open of the chosen section, else the view."""
        opened = self.panels.opened(self._section)
        if opened is not None:
            opened.remove_class("-open")
            self.panels.main(self._section).focus()
        else:
            self.frame.app.navigation.leave_view()
