"""One alarm from its beginning to its end, and what is known of it across restarts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from praxmonitor.alarms.alarm import Alarm
from praxmonitor.sound import Urgency

ACKNOWLEDGED = math.inf
"""As the time until which an alarm is not heard."""

Answers = Mapping[str, float]
"""An alarm's key → until when the operator does not want to hear it (seconds since the epoch), or ACKNOWLEDGED."""
NO_ANSWERS: Answers = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm, from its beginning to its end. Times are seconds since the epoch."""

    alarm: Alarm
    raised_at: float
    times_notified: int = 1
    """How often the operator was notified of it; 0: not yet, for it was hidden or muted from its beginning."""
    next_at: float = math.inf
    """When the operator is notified again, unless it is answered before."""
    answered_until: float = 0.0
    """What the operator answered: ACKNOWLEDGED, the end of a snooze, or 0.0."""
    cleared_at: float = 0.0
    """Since when its condition does not hold any more, while it settles or is latched; 0.0: it holds."""
    heard: bool = False
    """It sounded where somebody can hear it, once at least."""
    urgency: Urgency = Urgency.MEDIUM
    """By its kind and its age."""
    hidden_by: str = ""
    """The key of the alarm that explains it, and stands (`praxmonitor.alarms.inhibition`); empty: none does."""
    unexplained_at: float = 0.0
    """Since when the alarm in `hidden_by` is listed and does not explain it any more; 0.0: it does."""
    muted_by: str = ""
    """The id of the mute that matches it; empty: none does."""
    joined: str = ""
    """The key of the alarm of the same kind and cause that it joined; empty: it was raised by itself."""
    latched: bool = False
    """Its condition is over, and it stays listed until it is acknowledged: something failed."""
    settle: float = 0.0
    """Seconds for which its condition must be gone until it is over."""

    @property
    def acknowledged(self) -> bool:
        """The operator has taken note."""
        return self.answered_until == ACKNOWLEDGED

    def answered(self, now: float) -> bool:
        """Acknowledged, or snoozed for now."""
        return now < self.answered_until

    def wants(self, now: float) -> bool:
        """It wants the operator at `now`: neither answered, nor explained by another, nor muted, nor over."""
        return not (self.answered(now) or self.hidden_by or self.muted_by or self.latched)

    def report(self) -> ReportedEpisode:
        """What the next process is to know of it."""
        kept = self.alarm if self.alarm.kind.lasting or self.alarm.kind.latching else None
        return ReportedEpisode(
            self.raised_at, self.times_notified, self.next_at, kept, self.heard, hidden_by=self.hidden_by
        )


@dataclass(frozen=True, slots=True)
class ReportedEpisode:
    """What an earlier process of the same operator reported of an episode."""

    raised_at: float
    times_notified: int
    next_at: float
    alarm: Alarm | None = None
    """The alarm, if it stays until it is acknowledged."""
    heard: bool = False
    """As of an Episode."""
    hidden_by: str = ""
    """As of an Episode."""


@dataclass(frozen=True, slots=True)
class AlarmEvents:
    """What one look changed, and the operator is to be notified of."""

    raised: tuple[Episode, ...] = ()
    repeated: tuple[Episode, ...] = ()
    """Those unanswered for so long, or so much more urgent by now, that the operator is notified again."""
    over: tuple[Episode, ...] = ()
    clear: bool = False
    """The last alarm that nobody answered is over: all clear."""
    joined: tuple[Episode, ...] = ()
    """Those that have the cause of one that was raised a moment ago: they are told, and not heard."""

    def __bool__(self) -> bool:
        return bool(self.raised or self.joined or self.repeated or self.over)


NO_EVENTS = AlarmEvents()
