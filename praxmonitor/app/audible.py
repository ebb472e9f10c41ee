"""The part of the app that is heard: speaker, mutes, the terminal's bell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import App
from textual.notifications import SeverityLevel
from textual.reactive import var

from mailcore.text import plain
from praxmonitor.alarms.watchers import Reach
from praxmonitor.sound import Cue, Speaker
from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path, save_mutes
from praxmonitor.state.sound_status import SoundStatus

if TYPE_CHECKING:
    from mailcore.workspace.find import Workspace
    from praxmonitor.alarms.notifier import Notifier
    from praxmonitor.feed.playback import Playback


class Audible(App[None], inherit_bindings=False):
    """An app with a speaker. `PraxApp` says whose sounds and when."""

    sound_status: var[SoundStatus] = var(SoundStatus())
    """Whether sound can be heard."""

    workspace: Workspace
    clock: Callable[[], float]
    playback: Playback | None
    notifier: Notifier

    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self._speaker = speaker
        self._mutes = Mutes()
        self._sounded = 0.0
        """When something was heard last."""
        self.lent = False
        """An agent's own program has the terminal."""

    @property
    def mutes(self) -> Mutes:
        """What the operator does not want to hear."""
        return self._speaker.mutes

    def mute(self) -> None:
        """All sound off, or on again."""
        silent = self._speaker.force_muted or self.mutes.all(self.clock())
        self._speaker.force_muted = False
        self._mute(replace(self.mutes, until=0.0 if silent else FOREVER))

    def mute_for(self, seconds: float) -> None:
        """All sound off for so long from now."""
        self._speaker.force_muted = False
        self._mute(replace(self.mutes, until=self.clock() + seconds))

    def mute_agent(self, address: str) -> None:
        """This agent's sounds off, or on again."""
        until = 0.0 if self.mutes.agent(address, self.clock()) else FOREVER
        self._mute(self.mutes.with_agent(address, until))

    def _mute(self, mutes: Mutes) -> None:
        self._speaker.mutes = self._mutes = mutes
        self._speaker.start()  # where no device was found, one may be there by now
        self.listen()
        self.notifier.reach_changed()
        if self.playback is None:
            self.run_worker(self._keep_mutes, thread=True)

    def _keep_mutes(self) -> None:
        try:
            save_mutes(mutes_path(self.workspace.root), self._mutes, self.clock())
        except OSError as error:
            self.call_from_thread(self.notify, f"muted until you leave only: {error}", severity="warning", markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say it at the edge of the screen: most of it is text of agents, or names their files."""
        del markup  # text is never a style
        super().notify(plain(message), title=plain(title), severity=severity, timeout=timeout, markup=False)

    def bell(self) -> None:
        """Ring the terminal's bell, also while an agent's program has the terminal."""
        if not self.lent:
            super().bell()
        elif sys.__stdout__ is not None:  # Textual's writer is stopped: it would take thirty, and then block
            print("\a", end="", file=sys.__stdout__, flush=True)

    def sound(self, due: Sequence[Cue]) -> None:
        """Let these be heard; where no device is, the terminal's bell rings for what is urgent."""
        if due:
            self._sounded = self.clock()
        bells = [cue for cue in due if not self._speaker.play(cue) and cue.sound.urgent]
        if bells:
            self.bell()

    def listen(self) -> None:
        """Say anew whether sound can be heard."""
        speaker = self._speaker
        backend = speaker.backend if speaker.backend != "starting" else ""
        mutes, holder = speaker.mutes, self.notifier.holder
        duty, not_heard = "", ""
        if holder is not None:
            duty, not_heard = holder.name, "" if holder.state.reach >= Reach.BELL else holder.state.says
        muted = speaker.force_muted or mutes.all(self.clock())
        until = FOREVER if speaker.force_muted else mutes.until
        now = self.clock()
        agents = tuple(sorted((address, end) for address, end in mutes.agents.items() if now < end))
        self.sound_status = SoundStatus(
            backend,
            muted,
            speaker.reason,
            speaker.burst,
            speaker.quiet,
            until,
            speaker.quiet_until,
            agents,
            duty,
            not_heard,
        )
