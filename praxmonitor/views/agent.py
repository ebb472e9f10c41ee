"""One agent, full screen, in sections: its story, processes, timeline, mail, queue, log, memories and changes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mailcore.model.changes import ChangedFile, Changes
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, AGENT, EVERYWHERE, MAIL, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.agent_details import Section, WaitingStart
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.text.agents import bypasses
from praxmonitor.text.lines import plain
from praxmonitor.views.frame import Frame
from praxmonitor.views.reading import ChangesReading, Reading
from praxmonitor.widgets.agent_sections import (
    log_section_lines,
    memory_lines,
    process_tree_lines,
    recorded_run,
    timeline,
)
from praxmonitor.widgets.agent_story import Story
from praxmonitor.widgets.changes import DiffLines, changes_head, changes_rows
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.mail import Body, MailList
from praxmonitor.widgets.row_list import RowList
from praxmonitor.widgets.section_tabs import SectionTabs
from praxmonitor.widgets.start_queue import queue_head, queue_rows
from praxmonitor.widgets.text_panel import TextPanel

SECTIONS = tuple(Section)
TWO_FIT = 160
"""Cells of a screen from which on two sections stand side by side: the story, and the one that was chosen last."""
UNRECORDED = {
    Section.PROCESSES: "processes",
    Section.QUEUE: "queue",
    Section.LOG: "log",
    Section.MEMORIES: "memories",
    Section.CHANGES: "changes",
}
"""What no recording holds."""


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
        self.reading = Reading(self, self._readable, self._show_reading, lambda: self.shown)
        self.changing = ChangesReading(self, self._compared, self._show_reading)
        self.tabs = SectionTabs()
        self.story, self.mail, self.body = Story(), MailList(), Body()
        self.processes, self.memories = TextPanel("processes"), TextPanel("memories")
        self.timeline, self.log_tail = TextPanel("timeline", follows=True), TextPanel("log", follows=True)
        self.queue = RowList("queue", lambda: None, self._draw_keys)
        self.files = RowList("files", partial(self._do, "open_diff"), self._file_picked)
        self.diff = TextPanel("diff")
        letters = Vertical(self.mail.lines, self.body.lines)
        changed = Vertical(self.files.lines, self.diff.lines)
        self._panels: Mapping[Section, tuple[Vertical | Lines, Lines]] = {
            Section.STORY: (self.story.lines, self.story.lines),
            Section.PROCESSES: (self.processes.lines, self.processes.lines),
            Section.TIMELINE: (self.timeline.lines, self.timeline.lines),
            Section.MAILBOX: (letters, self.mail.lines),
            Section.QUEUE: (self.queue.lines, self.queue.lines),
            Section.LOG: (self.log_tail.lines, self.log_tail.lines),
            Section.MEMORIES: (self.memories.lines, self.memories.lines),
            Section.CHANGES: (changed, self.files.lines),
        }
        """What each section stands in, and what of it takes the keys."""
        self.body.lines.border_title, self.diff.lines.border_title = "message", "lines"

    def compose(self) -> ComposeResult:
        """Header, names of the sections, those that are shown, footer."""
        yield self.frame.header.lines
        yield self.frame.alarm_bar.lines
        yield self.tabs.lines
        yield Horizontal(*(outer for outer, _ in self._panels.values()), id="panels")
        yield self.frame.keys.lines

    def turn_to(self, address: str) -> None:
        """Be about this agent from now on."""
        if address != self._address:
            self._address = address
            self.body.lines.remove_class("-open")
            self.diff.lines.remove_class("-open")
            self.queue.step("first")
            self.files.step("first")
            for _, lines in self._panels.values():
                lines.jump(0)
                lines.at_end = True

    def on_mount(self) -> None:
        """The section that was chosen last has the focus; follow the app."""
        kept = self.frame.app.preferences.agent_section
        if self._section is Section.STORY and kept in SECTIONS:
            self._choose(Section(kept))
        self._arrange()
        self.frame.follow(self.refresh_all)
        self.reading.begin(self.frame.app.opened.config.observe.sample)

    def on_screen_resume(self) -> None:
        """Catch up after another view was in front; where no agent was chosen yet, the first."""
        agents = self.frame.app.snapshot.fleet.agents
        if not self._address and agents:
            self.turn_to(agents[0].address)
        self.refresh_all()

    def on_resize(self) -> None:
        """One section, or two; the header is laid out for the width."""
        if self.is_mounted:
            self._arrange()
            self.call_after_refresh(self.refresh_all)

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
        """Choose this one, and keep it for the next time."""
        if section is self._section:
            return
        self._choose(section)
        if self.is_mounted:
            self.frame.app.prefer(agent_section=section.value)
            self._arrange()
            self.refresh_all()
            self.reading.read()

    def turn_section(self, step: int) -> None:
        """Choose the next one, or with -1 the one before."""
        self.show_section(SECTIONS[(SECTIONS.index(self._section) + step) % len(SECTIONS)])

    def _choose(self, section: Section) -> None:
        self._section = section
        self._beside = section if section is not Section.STORY else self._beside

    def _arrange(self) -> None:
        """Show what is to be seen; the chosen section has the focus."""
        shown = self.shown
        for section, (outer, inner) in self._panels.items():
            outer.set_class(section in shown, "-shown")
            if section is self._section and not outer.has_focus_within:
                inner.focus()

    def on_section_tabs_picked(self, event: SectionTabs.Picked) -> None:
        """A click on a name."""
        self.show_section(event.section)

    def _readable(self) -> AgentFacts | None:
        """The agent; none of a recording, which has neither process nor log here."""
        app = self.frame.app
        return app.snapshot.fleet.find(self._address) if app.opened.playback is None else None

    def _compared(self) -> AgentFacts | None:
        """The agent, if its changes are in view."""
        return self._readable() if Section.CHANGES in self.shown and self.is_current else None

    def read_agent(self) -> None:
        """Read all that is in view of the agent now."""
        self.reading.read()
        self.changing.read()

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        if not self.frame.in_front:
            return
        snapshot = self.frame.app.snapshot
        self._draw_keys()
        if snapshot is not EMPTY:
            self.show_snapshot(snapshot)
            self.reading.follow(snapshot.fleet.find(self._address))
            self.changing.follow()

    def _draw_keys(self) -> None:
        """Of a list without a row nothing can be asked for."""
        rows = {Section.QUEUE: self.queue, Section.CHANGES: self.files}.get(self._section)
        self.frame.section = "" if rows is not None and rows.index is None else self._section
        self.frame.show(self._address)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot down to what is in view."""
        facts = snapshot.fleet.find(self._address)
        gone = "" if facts is not None else ": no longer in the registry; this is the last that was known"
        for section, (_, lines) in self._panels.items():
            about = f"mail of {self._address}" if section is Section.MAILBOX else f"{section} of {self._address}"
            lines.border_title = plain(f"{self._address if section is Section.STORY else about}{gone}")
        if facts is None:
            return
        details = self.reading.of(self._address)
        starts = details.starts if details is not None else ()
        counts = {Section.MAILBOX: facts.mailbox.unread, Section.QUEUE: len(starts)}
        self.tabs.show(self._section, self.shown, counts)
        for section in self.shown:
            self._show(section, facts, snapshot)

    def _show(self, section: Section, facts: AgentFacts, snapshot: Snapshot) -> None:
        """Draw one section."""
        details, now, app = self.reading.of(self._address), snapshot.now, self.frame.app
        if app.opened.playback is not None and section in UNRECORDED:
            self._show_unrecorded(section, facts, now)
            return
        match section:
            case Section.STORY:
                bypass = bypasses(facts, app.opened.bypass)
                self.story.show(facts, snapshot.status(self._address), details, now, bypass)
            case Section.PROCESSES:
                self.processes.show(lambda _: process_tree_lines(facts, details, now))
            case Section.TIMELINE:
                self.timeline.show(lambda _: timeline(facts, snapshot.fleet.stream))
            case Section.MAILBOX:
                self.mail.show(facts.mailbox, now)
            case Section.QUEUE:
                self.queue.show(partial(queue_head, details), queue_rows(details, now))
            case Section.LOG:
                self.log_tail.show(partial(log_section_lines, details))
            case Section.MEMORIES:
                self.memories.show(partial(memory_lines, details))
            case Section.CHANGES:
                self._show_changes(facts)

    def _show_unrecorded(self, section: Section, facts: AgentFacts, now: float) -> None:
        lines = recorded_run(facts, UNRECORDED[section], now)
        match section:
            case Section.QUEUE:
                self.queue.show(lambda _: lines, ())
            case Section.CHANGES:
                self.files.show(lambda _: lines, ())
            case _:
                panels = {Section.PROCESSES: self.processes, Section.LOG: self.log_tail}
                panels.get(section, self.memories).show(lambda _: lines)

    def _show_changes(self, facts: AgentFacts) -> None:
        changes = self.changing.of(self._address)
        branch = str(facts.agent.branch)
        place = f"{branch.removeprefix(f'{changes.top}/')}/" if changes is not None and branch != changes.top else ""
        self.files.show(partial(changes_head, changes), changes_rows(changes, place))
        found = self.changed_file
        diff = self.changing.diff_of(found[1] if found is not None else None)
        if diff is not None:
            self.diff.show(partial(DiffLines, diff))

    def _show_reading(self) -> None:
        if self.frame.app.snapshot is not EMPTY:
            self.show_snapshot(self.frame.app.snapshot)
            self._draw_keys()

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; from a list, pages are those of what is open of it."""
        lists = ((self.mail, self.body.lines), (self.files, self.diff.lines), (self.queue, None))
        for rows, opened in lists:
            if rows.lines.has_focus:
                if way.startswith("page") and opened is not None and opened.has_class("-open"):
                    opened.step(way)
                else:
                    rows.step(way)
                return
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
        messages = facts.mailbox.messages if facts is not None else ()
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
        details, index = self.reading.of(self._address), self.queue.index
        starts = details.starts if details is not None else ()
        return starts[index] if index is not None and index < len(starts) else None

    @property
    def changed_file(self) -> tuple[Changes, ChangedFile] | None:
        """The file under the cursor of what changed, and what it is among."""
        changes, index = self.changing.of(self._address), self.files.index
        if changes is None or index is None or index >= len(changes.files):
            return None
        return changes, changes.files[index]

    def open_diff(self) -> None:
        """Show what changed in the file under the cursor."""
        self.diff.lines.add_class("-open")
        self._file_picked()

    def _file_picked(self) -> None:
        found = self.changed_file
        if self.diff.lines.has_class("-open") and found is not None:
            self.diff.lines.jump(0)
            self.changing.read_lines(found[1])

    def section_text(self) -> str:
        """What the chosen section shows, as text: of the changes the lines that are open, of the mail the message."""
        opened = {Section.MAILBOX: self.body.lines, Section.CHANGES: self.diff.lines}.get(self._section)
        lines = opened if opened is not None and opened.has_class("-open") else self._panels[self._section][1]
        return lines.text

    def back(self) -> None:
        """Close what is open of the chosen section, else the view."""
        opened = {Section.MAILBOX: self.body.lines, Section.CHANGES: self.diff.lines}.get(self._section)
        if opened is not None and opened.has_class("-open"):
            opened.remove_class("-open")
            self._panels[self._section][1].focus()
        else:
            self.frame.app.leave_view()
