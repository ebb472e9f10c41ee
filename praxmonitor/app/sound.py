"""What is heard of the screen: its speaker, what is muted, the terminal's bell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.alarms.watchers import Reach, Watcher
from praxmonitor.sound import Cue, Speaker
from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path, save_mutes
from praxmonitor.state.sound_status import SoundStatus

NEWS = 60.0
"""Seconds for which it is news that nothing can be heard any more."""


class Sound:
    """The speaker of one screen, and what its operator does not want to hear."""

    def __init__(
        self, speaker: Speaker, opened: OpenWorkspace, ring: Callable[[], None], muted: Callable[[], None]
    ) -> None:
        """`ring` is the terminal's bell; `muted` is told that the operator muted something, or wants to hear it."""
        self.speaker = speaker
        self._opened = opened
        self._ring, self._muted = ring, muted
        self.sounded = opened.clock()
        """When something was heard last."""
        self._lost = -NEWS
        """When sound was lost that could be heard before."""
        self._heard = False

    @property
    def mutes(self) -> Mutes:
        """What the operator does not want to hear."""
        return self.speaker.mutes

    def mute(self) -> None:
        """All sound off, or on again."""
        silent = self.speaker.force_muted or self.mutes.all(self._opened.clock())
        self.speaker.force_muted = False
        self._mute(replace(self.mutes, until=0.0 if silent else FOREVER))

    def mute_for(self, seconds: float) -> None:
        """All sound off for so long from now."""
        self.speaker.force_muted = False
        self._mute(replace(self.mutes, until=self._opened.clock() + seconds))

    def mute_agent(self, address: str, seconds: float) -> None:
        """This agent's sounds off for so long from now; 0: on again."""
        self._mute(self.mutes.with_agent(address, self._end(seconds)))

    def mute_kind(self, kind: str, seconds: float) -> None:
        """The sounds of one of `SOUND_KINDS` off for so long from now; 0: on again."""
        self._mute(self.mutes.with_kind(kind, self._end(seconds)))

    def _end(self, seconds: float) -> float:
        return self._opened.clock() + seconds if seconds else 0.0

    def _mute(self, mutes: Mutes) -> None:
        self.speaker.mutes = mutes
        self.speaker.start()  # where no device was found, one may be there by now
        self._muted()

    def keep_mutes(self) -> None:
        """Let them outlive this screen. For a thread; OSError if they cannot be written."""
        save_mutes(mutes_path(self._opened.workspace.root), self.mutes, self._opened.clock())

    def play(self, due: Sequence[Cue]) -> None:
        """Let these be heard; where no device is, the terminal's bell rings for what is urgent."""
        if due:
            self.sounded = self._opened.clock()
        if [cue for cue in due if not self.speaker.play(cue) and cue.urgent]:
            self._ring()

    def status(self, holder: Watcher | None, elsewhere: str = "") -> SoundStatus:
        """Whether sound can be heard now. `holder`: who is on duty in our stead, if another is; `elsewhere`: the host
        that sounds in our stead, if it is another."""
        speaker, mutes, now = self.speaker, self.mutes, self._opened.clock()
        backend = speaker.backend if speaker.backend != "starting" else ""
        if self._heard and speaker.reason:
            self._lost = now
        self._heard = bool(backend) and not speaker.reason
        duty, not_heard = "", ""
        if holder is not None:
            duty, not_heard = holder.name, "" if holder.state.reach >= Reach.BELL else holder.state.says
        elif elsewhere:
            duty = f"host {elsewhere}"
        muted = speaker.force_muted or mutes.all(now)
        until = FOREVER if speaker.force_muted else mutes.until
        off = (*sorted(mutes.agents.items()), *sorted(mutes.kinds.items()))
        agents = tuple((name, end) for name, end in off if now < end)
        return SoundStatus(
            backend,
            muted,
            speaker.reason,
            speaker.chord,
            speaker.quiet,
            until,
            speaker.quiet_until,
            agents,
            duty,
            not_heard,
            now - self._lost < NEWS,
        )
