"""The panels of the view of one agent: one of each section, and what is open of two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from textual.containers import Vertical

from mailcore.model.activity import Activity
from mailcore.model.changes import ChangeSet
from mailcore.model.fleet import AgentFacts, Status
from praxmonitor.state.agent_details import AgentDetails, Section
from praxmonitor.text.hosts import NOTHING_SAID, HostSaid
from praxmonitor.text.lines import Line, plain
from praxmonitor.widgets.agent_sections import (
    log_section_lines,
    memory_lines,
    process_tree_lines,
    recorded_run,
    run_there,
    timeline,
)
from praxmonitor.widgets.agent_story import Story
from praxmonitor.widgets.changes import changes_head, changes_rows
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.mail import Body, MailList
from praxmonitor.widgets.row_list import RowList
from praxmonitor.widgets.start_queue import queue_head, queue_rows
from praxmonitor.widgets.text_panel import TextPanel

UNRECORDED = frozenset((Section.PROCESSES, Section.QUEUE, Section.LOG, Section.MEMORIES, Section.CHANGES))
"""What no recording holds."""
COPIED = frozenset((Section.STORY, Section.LOG, Section.MAILBOX))
"""What is shown of a copy, of an agent of another host."""
SEEN_THERE = frozenset((Section.PROCESSES, Section.QUEUE, Section.MEMORIES, Section.CHANGES))
"""What of such an agent is seen on its own host alone."""


@dataclass(frozen=True, slots=True)
class AgentInView:
    """One agent at one moment, as far as its sections show it."""

    facts: AgentFacts
    status: Status
    now: float
    stream: tuple[Activity, ...]
    """What happened everywhere."""
    details: AgentDetails | None
    changes: ChangeSet | None
    newer: str
    """What is said of a newer run than the one whose changes those are; empty where there is none."""
    bypass: bool
    """It asks for no permissions."""
    played: bool
    """It is a recording's."""
    host: HostSaid = NOTHING_SAID
    """What is said of the host that it lives on, if that is another."""


class AgentPanels:
    """The panels. `show` hands one what it shows."""

    def __init__(
        self, open_diff: Callable[[], None], file_picked: Callable[[], None], start_picked: Callable[[], None]
    ):
        """Told of: a double click on a file; another file, or another start, under the cursor."""
        self.story, self.mail, self.body = Story(), MailList(), Body()
        self.processes, self.memories = TextPanel("processes"), TextPanel("memories")
        self.timeline, self.log_tail = TextPanel("timeline", follows=True), TextPanel("log", follows=True)
        self.queue = RowList("queue", picked=start_picked)
        self.files = RowList("files", picked=file_picked, opened=open_diff)
        self.diff = TextPanel("diff")
        self.body.lines.border_title, self.diff.lines.border_title = "message", "lines"
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

    def __iter__(self) -> Iterator[Vertical | Lines]:
        """What each section stands in, from the left."""
        return (outer for outer, _ in self._panels.values())

    def main(self, section: Section) -> Lines:
        """What of a section takes the keys."""
        return self._panels[section][1]

    def opened(self, section: Section) -> Lines | None:
        """What is open of a section beside its list; None if nothing is."""
        lines = {Section.MAILBOX: self.body.lines, Section.CHANGES: self.diff.lines}.get(section)
        return lines if lines is not None and lines.has_class("-open") else None

    def arrange(self, shown: tuple[Section, ...], chosen: Section) -> None:
        """Let these be in view; the chosen one has the focus."""
        for section, (outer, inner) in self._panels.items():
            outer.set_class(section in shown, "-shown")
            if section is chosen and not outer.has_focus_within:
                inner.focus()

    def begin_anew(self) -> None:
        """Another agent: nothing is open, and all stand at their beginning, or where they follow at their end."""
        self.body.lines.remove_class("-open")
        self.diff.lines.remove_class("-open")
        self.queue.step("first")
        self.files.step("first")
        for _, lines in self._panels.values():
            lines.jump(0)
            lines.at_end = True

    def name(self, address: str, remark: str, copied: str = "") -> None:
        """Say whose they are, and a remark; `copied`: another where a copy is shown of what lies on another host."""
        for section, (_, lines) in self._panels.items():
            what = {Section.STORY: "", Section.MAILBOX: "mail of "}.get(section, f"{section} of ")
            of_copy = f": {copied}" if copied and not remark and section in COPIED else ""
            lines.border_title = plain(f"{what}{address}{remark}{of_copy}")

    def step(self, way: str) -> bool:
        """Move in the list that has the focus, where pages are those of what is open of it; False if none has it."""
        lists = ((Section.MAILBOX, self.mail), (Section.CHANGES, self.files), (Section.QUEUE, self.queue))
        for section, rows in lists:
            if rows.lines.has_focus:
                opened = self.opened(section)
                if way.startswith("page") and opened is not None:
                    opened.step(way)
                else:
                    rows.step(way)
                return True
        return False

    def show(self, section: Section, agent: AgentInView) -> None:
        """Draw one section."""
        facts, details, now = agent.facts, agent.details, agent.now
        if agent.played and section in UNRECORDED:
            self._show_instead(section, recorded_run(facts, section, now))
            return
        if facts.agent.is_remote and section in SEEN_THERE:
            self._show_instead(section, run_there(facts, section, now))
            return
        match section:
            case Section.STORY:
                self.story.show(facts, agent.status, details, now, agent.bypass, agent.host)
            case Section.PROCESSES:
                self.processes.show(lambda _: process_tree_lines(facts, details, now))
            case Section.TIMELINE:
                self.timeline.show(lambda _: timeline(facts, agent.stream))
            case Section.MAILBOX:
                copied = details.mailbox if details is not None else None
                self.mail.show(copied or facts.mailbox, now)
            case Section.QUEUE:
                self.queue.show(queue_rows(details, now), partial(queue_head, details))
            case Section.LOG:
                self.log_tail.show(partial(log_section_lines, details))
            case Section.MEMORIES:
                self.memories.show(partial(memory_lines, details))
            case Section.CHANGES:
                changes, branch = agent.changes, str(facts.agent.branch)
                inside = changes is not None and branch != changes.top
                place = f"{branch.removeprefix(f'{changes.top}/')}/" if changes is not None and inside else ""
                self.files.show(changes_rows(changes, place), partial(changes_head, changes, newer=agent.newer))

    def _show_instead(self, section: Section, lines: list[Line]) -> None:
        if section is Section.QUEUE:
            self.queue.show((), lambda _: lines)
        elif section is Section.CHANGES:
            self.files.show((), lambda _: lines)
        else:
            panels = {Section.PROCESSES: self.processes, Section.LOG: self.log_tail}
            panels.get(section, self.memories).show(lambda _: lines)
