"""What a handler is given: the view in front, what it showed, and the parts of the app that it may ask.

Each is typed by the little that handlers use of it: no handler knows the app, nor a view.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

from textual.screen import Screen

from mailcore.model.activity import Activity
from mailcore.model.changes import ChangedFile, ChangeSet
from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import Scope
from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.alarms.listing import AlarmRow
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.sound.mutes import Mutes
from praxmonitor.state.agent_details import Section, WaitingStart
from praxmonitor.state.attendance import Attendance
from praxmonitor.state.mail import MailEntry, MailFolder
from praxmonitor.state.needs import Need, NeedWalk, needs_of
from praxmonitor.state.notices import Notice
from praxmonitor.state.snapshot import Snapshot

T = TypeVar("T")
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


class Sound(Protocol):
    """What is heard."""

    @property
    def mutes(self) -> Mutes:
        """What the operator does not want to hear."""

    def mute(self) -> None:
        """All sound off, or on again."""

    def mute_for(self, seconds: float) -> None:
        """All sound off for so long from now."""

    def mute_agent(self, address: str, seconds: float) -> None:
        """This agent's sounds off for so long from now; 0: on again."""

    def mute_kind(self, kind: str, seconds: float) -> None:
        """The sounds of one of `SOUND_KINDS` off for so long from now; 0: on again."""


class Preferring(Protocol):
    """Keeps what the operator chooses on the screen."""

    def prefer(self, **chosen: Any) -> None:
        """Let fields of `Preferences` have these values from now on."""


class Ways(Protocol):
    """From any view to every other."""

    def show_view(self, name: str) -> None:
        """Bring a view to the front, as it was left: one of `ViewName`."""

    def show_last_view(self) -> None:
        """Bring the view to the front that was there before this one."""

    def show_agent(self, address: str) -> None:
        """Bring the view of one agent to the front; the operator's is that of the own mail."""

    def show_section(self, address: str, section: Section) -> None:
        """Bring a section of the view of one agent to the front; with no address that of the one looked at last."""

    def select_agent(self, address: str) -> None:
        """Put this agent under the cursor, in the view of all agents or in that of one, whichever is in front."""

    def show_message(self, message_id: str) -> None:
        """Bring the operator's own mail to the front, this message under the cursor."""

    def show_alarm(self, key: str) -> None:
        """Bring the alarms to the front, the one of this key chosen."""

    def show_mail(self, address: str) -> None:
        """Bring the mail view to the front, with the mail of this agent."""

    def leave_view(self) -> None:
        """Back to the view that was in front before this one."""


class Display(Protocol):
    """What a handler shows."""

    def key_of(self, action_id: str) -> str:
        """The key that stands for an action now, as a person reads it; empty if none does."""

    @property
    def attendance(self) -> Attendance:
        """When the operator was away."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
    ) -> None:
        """Say it for some seconds, in a line, and keep it among the notices."""

    def push_screen(self, screen: Screen[Any]) -> object:
        """Open a dialog."""

    async def push_screen_wait(self, screen: Screen[T]) -> T:
        """Open a dialog and wait for its answer."""

    @property
    def navigation(self) -> Ways:
        """The way to every view."""

    def show_playback(self) -> None:
        """Say anew how the recording is played."""

    def show_project(self, step: int) -> None:
        """Let the views show the project that is so many further, round and round."""

    def show_help(self) -> None:
        """List the keys."""

    def pick_theme(self) -> None:
        """List the themes; each is seen while it is under the cursor."""

    def action_command_palette(self) -> None:
        """Open the command palette."""


class Terminal(Protocol):
    """The terminal that the screen is on."""

    def leave(self) -> None:
        """Leave the screen."""

    def suspend(self) -> None:
        """Back to the shell for a while."""

    def copy(self, text: str) -> None:
        """Let it keep this text in its clipboard."""

    def lend(self) -> AbstractContextManager[None]:
        """Another program has it meanwhile. SuspendNotSupported where it cannot be lent."""


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
            view.marked, getattr(view, "run_id", ""),
        )  # fmt: skip
