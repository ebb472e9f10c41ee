"""The parts of the app that a handler may ask: sound, dialogs, the ways between views, the terminal.

Each is typed by the little that handlers use of it: no handler knows the app.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from textual.screen import Screen

from praxmonitor.sound.mutes import Mutes
from praxmonitor.state.agent_details import Section
from praxmonitor.state.attendance import Attendance
from praxmonitor.state.mail import MailFolder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A line of an agent's logs: by its file and place, or by its time."""

    path: str = ""
    offset: int = -1
    """Bytes before it in that file; -1: its end."""
    at: float = 0.0
    """Seconds since the epoch; 0.0: the end."""


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

    def show_host(self, host: str) -> None:
        """Bring the view of all agents to the front, with those of that host alone."""

    def show_message(self, message_id: str) -> None:
        """Bring the operator's own mail to the front, this message under the cursor."""

    def show_alarm(self, key: str) -> None:
        """Bring the alarms to the front, the one of this key chosen."""

    def show_error(self, fingerprint: str) -> None:
        """Bring the errors to the front, the group of this fingerprint chosen."""

    def show_letter(self, owner: str, folder: MailFolder, message_id: str) -> None:
        """Bring a list of an agent's mail to the front, the message of this id open as soon as it is listed."""

    def show_mail(self, address: str) -> None:
        """Bring the mail view to the front, with the mail of this agent."""

    def show_log(self, address: str, target: LogTarget | None = None) -> None:
        """Bring the logs of this agent to the front; with a target that line of them. With no address those looked at
        last."""

    def leave_view(self) -> None:
        """Back to the view that was in front before this one."""


class Notifying(Protocol):
    """Says something to the operator."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
    ) -> None:
        """Say it for some seconds, in a line, and keep it among the notices."""


class Display(Notifying, Protocol):
    """What a handler shows."""

    def key_of(self, action_id: str) -> str:
        """The key that stands for an action now, as a person reads it; empty if none does."""

    @property
    def attendance(self) -> Attendance:
        """When the operator was away."""

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
