"""The workspace that is open: where it lies, the settings that hold, and the clock that it is watched by."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.programs.registry import bypasses
from mailcore.workspace.find import Workspace, load_workspace
from praxmonitor.feed.playback import Playback
from praxmonitor.text.letters import sent_in

if TYPE_CHECKING:
    from mailcore.mail.outgoing import Outgoing


class OpenWorkspace:
    """What every view draws of and every action acts on. Registry and settings may change while it is open."""

    ends_agents = False
    """Leaving ends the agents too: this is the demo."""
    read_only = False
    """Nothing may be asked for that changes anything, and nothing is written, nor in the user's own files."""
    withheld = ""
    """Why what config.toml starts or permits is not followed; empty if it is."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        *,
        clock: Callable[[], float] = time.time,
        playback: Playback | None = None,
        live: bool = False,
    ) -> None:
        """`clock` gives seconds since the epoch.

        `playback`: a recording is played by this clock; nothing of what was recorded is read or written here.
        `live`: this is a screen of the workspace's own: it may go on duty, looks at processes, keeps answers to alarms.
        """
        self.workspace = workspace
        self.clock = playback or clock
        self.playback = playback
        self.live = live
        self.trouble: Callable[[], str] = str
        """What is wrong with what is shown here, in words; empty for nothing."""
        self.waiting_mail: tuple[Outgoing, ...] = ()
        """The operator's mail that waits in the outbox and can be taken back, the next first."""
        self.away = ""
        """Until when the operator said that he is away, in words; empty where he did not, or is back."""
        self._noted = 0.0
        self.adopt(config)

    @property
    def writable(self) -> bool:
        """Whether what is done here may be written: no recording is played, and the screen is not read-only."""
        return self.playback is None and not self.read_only

    def adopt(self, config: Config) -> None:
        """Let these settings hold from now on."""
        self.config = config
        self._look_who_bypasses()

    def enroll(self) -> None:
        """Read the registry anew: agents came or went. The feed says in its notes what is wrong with it."""
        if self.playback is None:
            with suppress(MailcoreError):
                self.workspace = load_workspace(self.workspace.registry)
                self._look_who_bypasses()

    def _look_who_bypasses(self) -> None:
        agents = self.workspace.agents
        self.bypass = frozenset(agent.address for agent in agents if bypasses(self.config.agent(agent.address)))
        """Addresses of the agents that config lets work without asking for permissions."""

    @property
    def sending(self) -> str:
        """When the mail that was written last is sent, in words; empty where none waits."""
        last = max(self.waiting_mail, key=lambda mail: mail.due, default=None)
        if last is None:
            return ""
        return "not sent" if last.failed else sent_in(last.due, self.clock())

    def note_presence(self) -> None:
        """The operator acted: agents see that somebody is at the screen. For worker threads, at most once in
        `KEY_PERIOD`. Only after an act that wrote something anyway: looking writes nothing."""
        from mailcore.workspace.presence import KEY_PERIOD, key_pressed

        now = self.clock()
        if not self.writable:
            return
        if now - self._noted >= KEY_PERIOD:
            self._noted = now
            with suppress(OSError):
                key_pressed(self.workspace)
