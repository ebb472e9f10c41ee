"""What PraxMonitor lets a person hear: a sound for each kind of event, a cue for each event.

This module is cheap to import; the device lives in a child process, see `praxmonitor.sound.player`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Protocol

from praxmonitor.sound.mutes import Mutes

if TYPE_CHECKING:
    from mailcore.config import Sound as SoundConfig


class Urgency(IntEnum):
    """How soon a person is wanted: the rhythm of an alarm says it, after IEC 60601-1-8."""

    NONE = 0
    """No alarm: something happened."""
    LOW = 1
    """It can wait, and is heard once: two pulses."""
    MEDIUM = 2
    """Soon: three pulses."""
    HIGH = 3
    """Now: two groups of five pulses, three and two."""

    @property
    def word(self) -> str:
        """`low`, `medium`, `high`, `none`."""
        return self.name.lower()

    @property
    def pulses(self) -> int:
        """Of its rhythm, in the packs that ship: 2, 3, 10."""
        return (0, 2, 3, 10)[self]


class Sound(StrEnum):
    """A kind of event that can be heard, in order of priority: when voices run out, the later one wins."""

    HEARTBEAT = "heartbeat"
    """Work goes on, though nothing was heard for a while."""
    TOOL = "tool"
    """An agent began to use a tool: the soft tick."""
    PROMPT = "prompt"
    """An agent was given a prompt."""
    TURN = "turn"
    """An agent's turn is over."""
    SESSION = "session"
    """An agent's program began a session."""
    COMPACT = "compact"
    """An agent compacts its context: it will be quiet for a while."""
    MAIL_LOW = "mail_low"
    MAIL = "mail"
    """Mail arrived, of normal priority."""
    DISPATCHED = "dispatched"
    """A task was handed out."""
    START = "start"
    """A run began."""
    RETRY = "retry"
    """A run is tried again."""
    DONE = "done"
    """A run ended well."""
    ALL_CLEAR = "all_clear"
    """The last alarm is over."""
    MAIL_HIGH = "mail_high"
    STUCK = "stuck"
    """Alarm alone: mail or a task does not move."""
    LIMIT = "limit"
    """The service refuses for now: a rate limit, an overload."""
    ERROR = "error"
    """Something went wrong: an error in a log. As an alarm: a storm of them, a fault of machine or observing."""
    WAITING = "waiting"
    """Alarm alone: an agent waits for the operator."""
    FAILED = "failed"
    """A run failed for good and bounced, or was killed."""
    SILENCE = "silence"
    """Alarm alone: an agent that should be working shows no sign of life."""

    @property
    def priority(self) -> int:
        """0 (heartbeat) to 19 (silence)."""
        return _PRIORITY[self]

    @property
    def ambient(self) -> bool:
        """Says only that work goes on: it thins out under load, and an alarm silences it."""
        return self in (Sound.HEARTBEAT, Sound.TOOL)

    @property
    def alarming(self) -> bool:
        """What an alarm may sound like: its kind by the melody, its urgency by the rhythm."""
        return self in ALARM_SOUNDS

    @property
    def category(self) -> str | None:
        """The CESP 1.0 category it is looked up in; `None` for what CESP does not know."""
        return _CATEGORY.get(self)


ALARM_SOUNDS = (Sound.STUCK, Sound.LIMIT, Sound.ERROR, Sound.WAITING, Sound.FAILED, Sound.SILENCE)
"""Those that an alarm may have; nobody tells more than about seven apart."""
ALARMS_ALONE = (Sound.STUCK, Sound.WAITING, Sound.SILENCE)
"""Those of them that no event has."""
_PRIORITY = {sound: index for index, sound in enumerate(Sound)}
_CATEGORY = {
    Sound.HEARTBEAT: "task.progress",
    Sound.SESSION: "session.start",
    Sound.START: "task.acknowledge",
    Sound.DONE: "task.complete",
    Sound.LIMIT: "resource.limit",
    Sound.ERROR: "task.error",
    Sound.WAITING: "input.required",
    Sound.FAILED: "task.error",
}

FAMILIES = ("shell", "read", "edit", "web", "agent", "other")
"""Families of tools; the tick of each has a timbre of its own."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One event or alarm to be heard: `Cue(Sound.SILENCE, "@writer", 2, urgency=Urgency.HIGH)`."""

    sound: Sound
    agent: str = ""
    """The address of the agent that it is about; empty: the workspace as a whole."""
    voice: int = 0
    """The agent's place in the registry, from 0: it decides the pitch, so that agents can be told apart."""
    family: str = ""
    """Of TOOL: one of FAMILIES."""
    volume: float = 1.0
    """0.0 to 1.0, before the operator's own settings."""
    urgency: Urgency = Urgency.NONE
    """Of an alarm; NONE: it is none."""

    @property
    def key(self) -> str:
        """What a pack calls its sound: `done`, `tool.shell`, or of an alarm `silence.high`."""
        if self.sound is Sound.TOOL:
            return f"{self.sound}.{self.family or 'other'}"
        return f"{self.sound}.{self.urgency.word}" if self.urgency else str(self.sound)

    @property
    def priority(self) -> int:
        """More wins where voices run out: an alarm over all that is none, by its urgency."""
        return 100 * self.urgency + self.sound.priority

    @property
    def urgent(self) -> bool:
        """Wants the operator soon: worth the terminal's bell, and the breaking of quiet hours."""
        return self.urgency >= Urgency.MEDIUM


class Speaker(Protocol):
    """What plays cues: `praxmonitor.sound.player.Player`, or a test's list. No call blocks or raises."""

    mutes: Mutes
    """What is not played; setting it cuts off what plays and is now muted."""
    force_muted: bool
    """Nothing is played here whatever the mutes say, until this screen's own operator wants it: `--mute`."""
    backend: str
    """`starting`, the device's name such as `miniaudio/pulse`, `bell`, or `none`."""
    reason: str
    """Why there is no device, although one is wanted."""

    @property
    def chord(self) -> int:
        """How many events the newest chord stood for, for a few seconds after it; 0 for single sounds."""
        ...

    @property
    def quiet(self) -> bool:
        """Whether these are quiet hours."""
        ...

    @property
    def quiet_until(self) -> str:
        """When the quiet hours end, as text: `07:00`; empty if there are none."""
        ...

    @property
    def opened(self) -> bool:
        """Whether a device is open."""
        ...

    def admits(self, cue: Cue) -> bool:
        """Whether this would be heard where there is a device or a bell: it is not muted, and these no quiet hours."""
        ...

    def unplayed(self) -> list[Cue]:
        """Alarms that a device took and, as it turns out, did not play. Each is told once."""
        ...

    def adopt(self, config: SoundConfig) -> None:
        """Follow these settings, as far as that goes while the device is open."""

    def start(self) -> None:
        """Open the device, without waiting for it."""

    def play(self, cue: Cue) -> bool:
        """Play it now. `False`: no device took it, ring the bell if it is urgent. `True`: nothing is left to do."""
        ...

    def close(self) -> None:
        """Let go of the device."""
