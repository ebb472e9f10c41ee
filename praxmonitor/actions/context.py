"""What a handler is given: the view in front, what it showed, and the parts of the app that it may ask.

Each view is typed by the little that handlers use of it: no handler knows one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from mailcore.model.activity import Activity
from mailcore.model.changes import ChangedFile, ChangeSet
from mailcore.model.error_group import ErrorGroup
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from praxmonitor.actions.app_parts import Display, Sound, Terminal
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import Scope
from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.alarms.listing import AlarmRow
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.state.agent_details import Section, WaitingStart
from praxmonitor.state.mail import MailEntry, MailFolder
from praxmonitor.state.needs import Need, NeedWalk, needs_of
from praxmonitor.state.notices import Notice
from praxmonitor.state.snapshot import Snapshot

V = TypeVar("V", bound="View", covariant=True)


@runtime_checkable
class View(Protocol):
    """Any view: one agent is under its cursor."""

    SCOPES: ClassVar[tuple[Scope, ...]]
    """Of the actions that it offers."""

    @property
    def selected(self) -> str:
        """Address of the agent under the cursor; empty for none."""

    @property
    def marked(self) -> tuple[str, ...]:
        """Addresses of the agents that are marked, in the order shown: acts take these instead of the selected one."""

    def step(self, way: str) -> None:
        """Move in the panel that has the focus: `up`, `last`, `page_down` and so on."""

    def next_panel(self) -> None:
        """Focus the next panel."""

    def back(self) -> None:
        """Close what is open in it, else the view itself."""

    def read_agent(self) -> None:
        """Read process, log and queue of the agent under the cursor now."""

    def run_worker(self, work: Coroutine[None, None, None]) -> object:
        """Do this as long as the view is there."""


@runtime_checkable
class SectionsView(View, Protocol):
    """The view of one agent: its sections, of which one is chosen."""

    @property
    def section(self) -> Section:
        """The one that is chosen."""

    def turn_section(self, step: int) -> None:
        """Choose the next one, or with -1 the one before."""

    def show_section(self, section: Section) -> None:
        """Choose this one."""

    @property
    def start(self) -> WaitingStart | None:
        """The start under the cursor of the queue."""

    @property
    def changed_file(self) -> tuple[ChangeSet, ChangedFile] | None:
        """The file under the cursor of what changed, and what it is among."""

    def open_diff(self) -> None:
        """Show what changed in that file."""

    def show_newest_run(self) -> bool:
        """Show what the newest run changed; False if that is shown already."""

    def section_text(self) -> str:
        """What the chosen section shows, as text."""


@runtime_checkable
class AgentList(View, Protocol):
    """The view that lists the agents."""

    def change_order(self) -> None:
        """Those that need attention first; again: the registry's order."""

    @property
    def arrangement(self) -> Arrangement:
        """How the agents are listed."""

    def list_as(self, arrangement: Arrangement) -> None:
        """List them so from now on."""

    def mark(self) -> None:
        """Mark the agent under the cursor, or do so no more, and go on to the next."""

    def mark_all(self) -> None:
        """Mark all that are shown; again: none."""

    def mark_on(self, way: str) -> None:
        """Move the cursor this way, and mark all from where the first of such moves began to where it stands now."""

    def drop_marks(self) -> None:
        """Mark those that are shown no more: what they were marked for was asked for."""


class AlarmList(View, Protocol):
    """The view that lists requests for approval and alarms."""

    @property
    def rows(self) -> Sequence[AlarmRow]:
        """What it shows, as it is drawn: a key answers what was shown."""

    @property
    def chosen(self) -> AlarmRow | None:
        """The one under the cursor."""

    def choose(self, row: AlarmRow) -> None:
        """Put the cursor on this one."""

    def let_go(self) -> None:
        """Forget which is chosen: what is answered moves away, and the next takes its place."""

    def refresh_all(self) -> None:
        """Draw it anew."""


class ErrorList(View, Protocol):
    """The view that lists groups of errors."""

    @property
    def chosen(self) -> ErrorGroup | None:
        """The one under the cursor."""

    @property
    def whole(self) -> bool:
        """Whether all of the chosen one is what is read."""

    def open_whole(self) -> None:
        """Let all of the chosen one be read."""

    def close_whole(self) -> bool:
        """Back to the list; whether it was not there."""

    def toggle_settled(self) -> None:
        """Show what is muted or resolved too, or not."""

    def write_line(self, what: str, submit: Callable[[str], Awaitable[bool]]) -> None:
        """Let one line be written at the bottom; Enter hands it to `submit`, which says whether it was taken."""

    def whole_text(self) -> str:
        """All of the chosen one, as text."""


class Filtered(View, Protocol):
    """A view that shows a part of what there is, as the operator types it."""

    def open_filter(self) -> None:
        """Type what to show."""


class ActivityView(Filtered, Protocol):
    """The view that lists what happens."""

    @property
    def activity(self) -> Activity | None:
        """What is under the cursor."""

    def freeze(self) -> None:
        """Let what is shown stand still, or go on."""

    def go_back(self, seconds: float) -> None:
        """Put the cursor on what happened so long ago."""


@runtime_checkable
class LogView(View, Protocol):
    """The view of an agent's logs."""

    def follow(self) -> None:
        """Go to the end and on with it; again: stay here."""

    def toggle_wrap(self) -> None:
        """Break long lines, or no more."""

    def turn_times(self) -> None:
        """Times as written, in a column, or left out."""

    def sideways(self, way: int) -> None:
        """Move the view to the right (1) or left (-1)."""

    def turn_level(self) -> None:
        """All lines, warnings and errors, errors alone."""

    def next_error(self, way: int) -> None:
        """To the next error (1) or the one before (-1)."""

    def type_search(self) -> None:
        """Type what to search for."""

    def next_hit(self, way: int) -> None:
        """To the next hit of what is searched for (1) or the one before (-1)."""

    def type_place(self) -> None:
        """Type a line, a share or a time to go to."""

    def mark(self) -> None:
        """Mark the line under the cursor, or do so no more, and go on to the next."""

    async def chosen_lines(self) -> Sequence[str]:
        """The lines between the marks, or from the mark to the cursor, or that of the cursor; harmless."""

    async def place(self) -> tuple[Path, int] | None:
        """File and line of the one under the cursor; None where there is none."""

    async def choose(self, display: Display) -> None:
        """Let the operator choose another log, or another agent's."""


@runtime_checkable
class MailView(View, Protocol):
    """The view that lists an agent's mail."""

    @property
    def message(self) -> Message | None:
        """The mail under the cursor."""

    def open_message(self) -> None:
        """Show the text of the mail under the cursor."""


@runtime_checkable
class MailboxView(MailView, Protocol):
    """The view of all mail: mailboxes, threads, search."""

    @property
    def entry(self) -> MailEntry | None:
        """The mail under the cursor, and what is known of it."""

    def turn_to(self, owner: str, folder: MailFolder = MailFolder.IN) -> None:
        """List this mail."""

    def turn_folder(self, step: int) -> None:
        """The next list of the same agent's, or with -1 the one before."""

    def toggle_thread(self) -> None:
        """The thread of the mail under the cursor; again: back to the list."""

    def toggle_raw(self) -> None:
        """The text as it was written; again: as Markdown."""

    def open_search(self) -> None:
        """Type what to find in all mail."""

    def write_line(self, what: str, submit: Callable[[str], Awaitable[bool]]) -> None:
        """Let one line be written at the bottom; Enter hands it to `submit`, which says whether it was taken."""


@dataclass(frozen=True, slots=True)
class Context(Generic[V]):
    """One key press: where it was pressed, and what it may ask."""

    view: V
    snapshot: Snapshot
    """What was shown."""
    opened: OpenWorkspace
    alarms: AlarmDesk
    sound: Sound
    notices: Sequence[Notice]
    """What was said here, oldest first."""
    display: Display
    terminal: Terminal
    walk: NeedWalk
    """Where the operator stands among the things that need him."""

    @property
    def facts(self) -> AgentFacts | None:
        """What was shown of the agent under the cursor."""
        return self.snapshot.fleet.find(self.view.selected)

    @property
    def targets(self) -> tuple[str, ...]:
        """Addresses that an act is meant for: the marked agents, else the one under the cursor; empty for none."""
        return self.view.marked or ((self.view.selected,) if self.view.selected else ())

    def drop_marks(self) -> None:
        """What the marked agents were marked for was asked for: they are marked no more."""
        if isinstance(self.view, AgentList):
            self.view.drop_marks()

    @property
    def needs(self) -> tuple[Need, ...]:
        """What needs the operator, in the order in which it is walked through."""
        return needs_of(self.snapshot, [episode.alarm for episode in self.alarms.unanswered()])

    @property
    def situation(self) -> Situation:
        """What decides whether an action can be asked for."""
        played = self.opened.playback is not None
        needing = [need.key for need in self.needs]
        section = self.view.section if isinstance(self.view, SectionsView) else ""
        message: Message | None = getattr(self.view, "message", None)
        opened, view = self.opened, self.view
        return Situation(
            self.snapshot.fleet, view.selected, played, needing, section, message, opened.read_only, opened.sending,
            view.marked, getattr(view, "run_id", ""), getattr(view, "searched", False),
        )  # fmt: skip
