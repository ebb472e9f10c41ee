"""What was raised in a day, counted as a person counts it: one notification of a group is one, and wants one look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from praxmonitor.alarms.alarm import Alarm
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import AlarmEvents, Episode
from praxmonitor.sound import Urgency
from praxmonitor.state.snapshot import Snapshot
from tests.stories.days import Day
from tests.stories.play import play

TICK = 5.0
"""Seconds between two looks at a day."""
NEAR = 2 * TICK
"""Seconds by which an alarm may be off its condition: a look, and a look at the machine."""


class Sort(StrEnum):
    """What an alarm was, as the day knows it."""

    CAUSE = "cause"
    AGAIN = "again"
    """Of a cause that was told before."""
    EFFECT = "effect"
    """Of a cause that still stood."""
    LEFT = "left"
    """An effect that was still there when its cause had gone."""
    REQUEST = "request"
    """An agent asked for it by design."""
    FALSE = "false"
    """Nothing of the kind happened."""


@dataclass(frozen=True)
class Told:
    """One notification that wants action."""

    second: float
    alarm: Alarm
    sort: Sort
    cause: str = ""
    """The name of its cause in the day; empty: none."""

    @property
    def line(self) -> str:
        """It, for a person."""
        return (
            f"{self.second:7.0f} s  {self.sort:8} {self.cause or '-':20} {self.alarm.kind}: {self.alarm.summary[:90]}"
        )


@dataclass
class Tally:
    """What a day brought, as it goes on."""

    day: Day
    told: list[Told] = field(default_factory=list)
    joined: Counter[str] = field(default_factory=Counter)
    """By kind, alarms that joined a group which stood."""
    hidden: dict[str, str] = field(default_factory=dict)
    """Key of each alarm that a standing cause hid → its kind."""

    def look(self, second: float, snapshot: Snapshot, engine: AlarmEngine, events: AlarmEvents) -> None:
        """As `on_look` of `play`."""
        for episode in _groups(events):
            alarm = episode.alarm
            sort, cause = sort_of(self.day, self.causes, second, str(alarm.kind), alarm.address)
            self.told.append(Told(second, alarm, sort, cause))
        self.joined.update(str(episode.alarm.kind) for episode in events.joined)
        for key, episode in engine.episodes.by_key.items():
            if episode.hidden_by:
                self.hidden[key] = str(episode.alarm.kind)

    def of(self, *sorts: Sort) -> list[Told]:
        """Those of these sorts, in order of time."""
        return [one for one in self.told if one.sort in sorts]

    @property
    def alarms(self) -> list[Told]:
        """All but what agents asked for by design."""
        return [one for one in self.told if one.sort is not Sort.REQUEST]

    def lines(self) -> Iterator[str]:
        """The counts, for a person."""
        sorts = Counter(one.sort for one in self.told)
        yield f"{self.day.story.name}: {len(self.alarms)} alarms that want action, {sorts[Sort.REQUEST]} requests"
        yield "  by sort: " + ", ".join(f"{sort} {sorts[sort]}" for sort in Sort if sorts[sort])
        kinds = Counter(str(one.alarm.kind) for one in self.told)
        for name, counted in (("raised", kinds), ("joined", self.joined), ("hidden", Counter(self.hidden.values()))):
            yield f"  {name} {sum(counted.values())}: {', '.join(f'{k} {n}' for k, n in counted.most_common()) or '-'}"

    @property
    def causes(self) -> set[str]:
        """The names of those that were told."""
        return {one.cause for one in self.told if one.sort is Sort.CAUSE}


def sort_of(day: Day, told: Collection[str], second: float, kind: str, address: str) -> tuple[Sort, str]:
    """What an alarm was, and of which cause; `told`: the names of the causes that were told before."""
    if any((of, who) == (kind, address) and 0 <= second - at <= NEAR for at, of, who in day.requests):
        return Sort.REQUEST, ""
    for one in day.troubles:
        if (one.kind, one.address) == (kind, address) and one.at - 1 <= second <= one.until + NEAR:
            if one.follows:
                return (Sort.EFFECT if second < day.over(one.cause) else Sort.LEFT), one.cause
            return (Sort.AGAIN if one.cause in told else Sort.CAUSE), one.cause
    return Sort.FALSE, ""


def tally(day: Day) -> Tally:
    """Play the day, and count."""
    counted = Tally(day)
    play(day.story, TICK, on_look=counted.look)
    return counted


def _groups(events: AlarmEvents) -> Iterator[Episode]:
    """What was raised at one look: of each group one, the first."""
    seen: set[tuple[str, str]] = set()
    for episode in events.raised:
        alarm = episode.alarm
        group = (str(alarm.kind), alarm.cause) if alarm.cause else (alarm.key, "")
        if group not in seen and episode.urgency > Urgency.NONE:
            seen.add(group)
            yield episode
