"""How many alarms wanted a person, and which: the load, by EEMUA 191's figures. Pure.

EEMUA 191: in steady work at most one alarm in ten minutes, ten in the ten minutes after an upset, fewer than ten
standing, and none that stands for a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mailcore.text import counted
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.history import HistoryEntry

TEN_MINUTES, AN_HOUR, DAY = 600.0, 3600.0, 86_400.0
STEADY_AN_HOUR = 6
"""Alarms in an hour that are one in ten minutes."""
UPSET = 10
"""Alarms in ten minutes beyond which nobody follows."""
MANY_STANDING = 10
STALE_AFTER = DAY
"""Seconds for which an alarm has stood that is stale: nobody does anything about it."""
WORST = 5
"""Sources of most alarms that are named."""


@dataclass(frozen=True, slots=True)
class AlarmLoad:
    """The load on the person who answers."""

    last_ten_minutes: int
    last_hour: int
    last_day: int
    most_in_ten_minutes: int
    """Of the last day."""
    standing: int
    """That want the operator now."""
    stale: tuple[str, ...]
    """Who and what stands for longer than a day."""
    worst: tuple[tuple[str, str, int], ...]
    """(kind, address, number) of the last day, the most first."""
    urgencies: Mapping[str, int]
    """Urgency → alarms of the last day."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of it is more than EEMUA 191 allows, in words; empty: nothing."""
        found = []
        if self.last_ten_minutes > UPSET:
            number = counted(self.last_ten_minutes, "alarm")
            found.append(f"{number} in ten minutes: more than {UPSET}, which nobody follows")
        elif self.last_hour > STEADY_AN_HOUR:
            found.append(f"{counted(self.last_hour, 'alarm')} in an hour: more than one in ten minutes")
        if self.standing >= MANY_STANDING:
            found.append(f"{counted(self.standing, 'alarm')} standing: {MANY_STANDING} or more")
        if self.stale:
            found.append(f"{counted(len(self.stale), 'alarm')} standing for more than a day")
        return tuple(found)


def load_of(entries: Iterable[HistoryEntry], standing: Collection[Episode], now: float) -> AlarmLoad:
    """The load at `now` (seconds since the epoch), of the history of the last day and of what stands."""
    raised = [entry for entry in entries if entry.event == "raised" and 0 <= now - entry.at < DAY]
    times = sorted(entry.at for entry in raised)
    wanting = [episode for episode in standing if episode.wants(now)]
    stale = [one.alarm.summary for one in standing if now - (one.alarm.since or one.raised_at) > STALE_AFTER]
    worst = Counter((entry.kind, entry.address) for entry in raised).most_common(WORST)
    return AlarmLoad(
        sum(now - at < TEN_MINUTES for at in times),
        sum(now - at < AN_HOUR for at in times),
        len(times),
        _most_within(times, TEN_MINUTES),
        len(wanting),
        tuple(stale),
        tuple((kind, address, number) for (kind, address), number in worst),
        MappingProxyType(Counter(entry.urgency for entry in raised)),
    )


def _most_within(times: Sequence[float], seconds: float) -> int:
    """The most of these, in order, that lie within so many seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
