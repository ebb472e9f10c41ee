"""What the operator does not want to hear of for a while: by agent, kind, task, cause or text, until when and why.

A mute never hides a new cause: a kind that others come of (a full disk, a limit) is hidden only where a mute names it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from mailcore.observe.causes import sort_of_cause
from praxmonitor.alarms.alarm import Alarm
from praxmonitor.alarms.inhibition import CAUSES, concerned_agents


@dataclass(frozen=True, slots=True)
class AlarmMute:
    """One mute. What it leaves empty matches everything; at least one of its matchers is set."""

    id: str
    """Four letters and digits, to end it by."""
    until: float
    """Seconds since the epoch."""
    agent: str = ""
    """An address."""
    kind: str = ""
    """An `AlarmKind`."""
    task: str = ""
    """A part of the task's subject, or the id of a run or message, in small letters."""
    cause: str = ""
    """What a group of alarms has in common: `Alarm.cause`, or that without its program (`network`)."""
    text: str = ""
    """A part of the alarm's text, in small letters."""
    by: str = ""
    """The address of who muted."""
    why: str = ""
    at: float = 0.0
    """When it was made, seconds since the epoch."""

    def matches(self, alarm: Alarm) -> bool:
        """Whether it hides this alarm; of several agents' alarm only where all of them are its own."""
        if alarm.kind in CAUSES and self.kind != alarm.kind:
            return False
        return (
            (not self.agent or concerned_agents(alarm) == {self.agent})
            and self.kind in ("", alarm.kind)
            and (not self.task or self.task in alarm.id.lower() or self.task in alarm.what.lower())
            and self.cause in ("", alarm.cause, sort_of_cause(alarm.cause))
            and self.text in alarm.text.lower()
        )

    @property
    def words(self) -> str:
        """What it matches: `@writer, kind silence, text "build"`."""
        said = [self.agent] if self.agent else []
        said += [f"{name} {value}" for name, value in (("kind", self.kind), ("cause", self.cause)) if value]
        said += [f'{name} "{value}"' for name, value in (("task", self.task), ("text", self.text)) if value]
        return ", ".join(said)


NO_MUTES: tuple[AlarmMute, ...] = ()


def new_id(taken: Collection[str] = ()) -> str:
    """A name for a mute that none of `taken` has."""
    while (found := secrets.token_hex(2)) in taken:
        pass
    return found


def muting(mutes: Collection[AlarmMute], alarm: Alarm, now: float) -> str:
    """The id of the mute that hides this alarm at `now`; empty where none does."""
    return next((mute.id for mute in mutes if now < mute.until and mute.matches(alarm)), "")
