"""How far a watcher reaches a person: does it sound, does its loop move, does its terminal take what it writes."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from math import isfinite

from mailcore.text import line
from mailcore.text.units import clock_time
from praxmonitor.alarms.watchers import Reach, WatcherState
from praxmonitor.sound import Cue, Sound, Speaker, Urgency

URGENT = Cue(Sound.SILENCE, urgency=Urgency.HIGH)
STALLED = 1.25
"""Seconds without a sign of its loop after which a watcher stands still: it gives one twice a second."""
BLOCKED = 1.0
"""Seconds in which a terminal must take something: a slow line takes its time."""


def reach(speaker: Speaker, now: float, *, terminal: bool) -> tuple[Reach, str]:
    """How far, and why, in words. `terminal`: it has one, on which a bell rings and where somebody may look."""
    silent = Reach.SHOWN if terminal else Reach.NOBODY
    if speaker.force_muted or speaker.mutes.all(now):
        return silent, muted_words(speaker, now)
    if not speaker.admits(URGENT):
        return silent, quiet_words(speaker) if speaker.quiet else "silent by its settings"
    if speaker.opened:
        return Reach.SOUND, f"sounds on {speaker.backend}"
    if speaker.backend == "none" and not speaker.reason:
        return silent, "without sound by its settings"
    if terminal:
        return Reach.BELL, "bell only" if speaker.backend == "bell" else "bell only: no sound device"
    return silent, "no sound device"


def muted_words(speaker: Speaker, now: float) -> str:
    """That it is muted, and until when: `muted until 12:30`. Empty if it is not."""
    if speaker.force_muted:
        return "muted by --mute"
    if not speaker.mutes.all(now):
        return ""
    until = speaker.mutes.until
    return f"muted until {clock_time(until, seconds=False)}" if isfinite(until) else "muted"


def reach_words(speaker: Speaker, now: float, *, terminal: bool) -> str:
    """The same for a log, with the reason where there is no device; empty while that is not known yet."""
    if speaker.backend == "starting":
        return ""
    words = reach(speaker, now, terminal=terminal)[1]
    if words.endswith("no sound device"):
        return f"{words}, and one is looked for again and again ({line(speaker.reason, 300)})"
    return words


def quiet_words(speaker: Speaker) -> str:
    """That these are quiet hours, and until when."""
    return f"quiet hours until {speaker.quiet_until}" if speaker.quiet_until else "quiet hours"


class Output:
    """A descriptor that is written to; from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._blocked_since = 0.0

    def takes(self) -> bool:
        """Whether it takes output: False once it has taken none for longer than BLOCKED (Ctrl+S, a hung ssh)."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        try:
            writable = bool(poll.poll(0))
        except OSError:
            writable = True
        self._blocked_since = 0.0 if writable else self._blocked_since or time.monotonic()
        return writable or time.monotonic() - self._blocked_since < BLOCKED


class ReachProbe:
    """What a watcher knows of itself: of its sound, its terminal, its loop. Call `state` from any thread."""

    def __init__(
        self,
        speaker: Speaker | None = None,
        *,
        terminal: bool = False,
        output: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`speaker`: what it plays on; None: it says what would be heard, and plays nothing. `terminal`: it has one,
        on which a bell rings. `output`: the descriptor that it writes to."""
        self._speaker, self._terminal, self._clock = speaker, terminal, clock
        self._output = Output(output) if output is not None else None
        self._alive_at = float("-inf")

    def mark_alive(self) -> None:
        """The loop moves."""
        self._alive_at = time.monotonic()

    def state(self) -> WatcherState:
        """How far it reaches a person, and why."""
        how_far, words = Reach.NOBODY, ""
        if self._speaker is not None:
            how_far, words = reach(self._speaker, self._clock(), terminal=self._terminal)
        if time.monotonic() - self._alive_at > STALLED:
            return WatcherState(how_far, "stands still", fit=False)
        if self._output is not None and not self._output.takes():
            return WatcherState(how_far, "its terminal takes no output", fit=False)
        return WatcherState(how_far, words)

    def can_hear(self, cue: Cue) -> bool:
        """Whether this cue is heard if it is played now."""
        speaker = self._speaker
        if speaker is None:
            return True
        return speaker.admits(cue) and (speaker.opened or (self._terminal and cue.urgent))

    def unplayed(self) -> set[tuple[Sound, str]]:
        """Sound and agent of alarms that were taken for heard, and were not; each once."""
        return {(cue.sound, cue.agent) for cue in self._speaker.unplayed()} if self._speaker is not None else set()
