"""When alarms that nobody answered are heard again: by urgency, together, and farther apart once a person was there.

Only the most urgent of them repeat, as IEC 60601-1-8 has it, and those of one urgency at one time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from mailcore.config import Alarms
from praxmonitor.alarms.episode import Episode
from praxmonitor.sound import Urgency

LONGEST_ATTENDED = 1800.0
"""Seconds between two repetitions, at most, once a person was at the keys."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """How the operator is reminded."""

    waits: Mapping[Urgency, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))
    """By urgency the seconds before each repetition, the last one again and again; empty for none."""
    attended_at: float = 0.0
    """When a person last pressed a key here, seconds since the epoch; 0.0: never."""

    def get(self, urgency: Urgency, default: Sequence[float] = ()) -> Sequence[float]:
        """The waits of one urgency."""
        return self.waits.get(urgency, default)


NO_REPEAT = Repeat()


def repeat_of(policy: Alarms, attended_at: float = 0.0) -> Repeat:
    """As `[alarms]` sets it."""
    if not policy.repeat:
        return NO_REPEAT
    waits = {Urgency.HIGH: policy.repeat, Urgency.MEDIUM: policy.repeat_medium, Urgency.LOW: policy.repeat_low}
    return Repeat(MappingProxyType(waits), attended_at)


def wait(times_notified: int, waits: Sequence[float], *, attended: bool = False) -> float:
    """Seconds until the next repetition after so many notifications; infinite for none.

    `attended`: it was heard, and a person pressed a key since: then each wait is twice as long as the one before.
    """
    if not waits:
        return math.inf
    seconds = waits[min(times_notified, len(waits)) - 1]
    return min(max(seconds, LONGEST_ATTENDED), waits[-1] * 2.0 ** min(times_notified, 20)) if attended else seconds


def repeated(
    episodes: dict[str, Episode], now: float, repeat: Repeat, told: Collection[str]
) -> tuple[dict[str, Episode], list[Episode]]:
    """The episodes with those that are due notified again, and these. `told`: keys of what was told by this look."""
    wanting = [one for one in episodes.values() if one.wants(now) and not one.cleared_at and one.times_notified]
    most = max((one.urgency for one in wanting), default=Urgency.NONE)
    most_urgent = [one for one in wanting if one.urgency is most]
    waits = repeat.get(most)
    late = max(*waits, LONGEST_ATTENDED) if waits else math.inf
    set_back = [one for one in most_urgent if late < one.next_at - now < math.inf]
    if set_back:  # the clock was
        later = [replace(one, next_at=now + wait(one.times_notified, waits)) for one in set_back]
        episodes = episodes | {one.alarm.key: one for one in later}
    if not any(now >= one.next_at for one in most_urgent):
        return episodes, []
    again = []
    for old in most_urgent:
        key = old.alarm.key
        if key in told:
            continue
        times = old.times_notified + 1
        attended = old.heard and repeat.attended_at > old.raised_at
        episode = replace(old, times_notified=times, next_at=now + wait(times, waits, attended=attended))
        again.append(episode)
    soonest = min((one.next_at for one in again), default=math.inf)
    again = [replace(one, next_at=soonest) if one.next_at != soonest else one for one in again]
    return episodes | {one.alarm.key: one for one in again}, again
