"""One alarm an episode: raised once, heard again until it is answered or over. Pure; a fold like that of the fleet."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from mailcore.config import Alarms
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.urgency import urgency_of
from praxmonitor.sound import Urgency

ACKNOWLEDGED = math.inf
"""As the time until which an alarm is not heard."""

Answers = Mapping[str, float]
"""An alarm's key → until when the operator does not want to hear it (seconds since the epoch), or ACKNOWLEDGED."""
NO_ANSWERS: Answers = MappingProxyType({})
SAME_EPISODE_WITHIN = 10.0
"""Seconds by which two watchers may raise one episode at different times."""
_KINDS = tuple(AlarmKind)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm, from its beginning to its end."""

    alarm: Alarm
    raised_at: float
    times_notified: int = 1
    """How often the operator was notified of it."""
    next_at: float = math.inf
    """When the operator is notified again, unless it is answered before."""
    answered_until: float = 0.0
    """What the operator answered: ACKNOWLEDGED, the end of a snooze, or 0.0."""
    cleared_at: float = 0.0
    """Since when its condition does not hold any more, while it settles; 0.0: it holds."""
    heard: bool = False
    """It sounded where somebody can hear it, once at least."""
    urgency: Urgency = Urgency.MEDIUM
    """By its kind and its age."""

    @property
    def acknowledged(self) -> bool:
        """The operator has taken note."""
        return self.answered_until == ACKNOWLEDGED

    def answered(self, now: float) -> bool:
        """Acknowledged, or snoozed for now."""
        return now < self.answered_until

    def report(self) -> ReportedEpisode:
        """What the next process is to know of it."""
        lasting = self.alarm if self.alarm.kind.lasting else None
        return ReportedEpisode(self.raised_at, self.times_notified, self.next_at, lasting, self.heard)


@dataclass(frozen=True, slots=True)
class ReportedEpisode:
    """What an earlier process of the same operator reported of an episode."""

    raised_at: float
    times_notified: int
    next_at: float
    alarm: Alarm | None = None
    """The alarm, if it stands until it is acknowledged."""
    heard: bool = False
    """As of an Episode."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """All episodes that go on, by their alarms' keys, in the order in which they were raised."""

    by_key: Mapping[str, Episode] = field(default_factory=lambda: MappingProxyType({}))
    reported_before: Mapping[str, ReportedEpisode] = field(default_factory=lambda: MappingProxyType({}))
    """Episodes that began before this process did: they go on, and are not raised again."""

    def standing(self) -> tuple[Episode, ...]:
        """Every episode: those not acknowledged first, then the most urgent kinds, then the oldest."""

        def order(episode: Episode) -> tuple[bool, int, float]:
            return episode.acknowledged, _KINDS.index(episode.alarm.kind), episode.raised_at

        return tuple(sorted(self.by_key.values(), key=order))

    def unanswered(self, now: float) -> tuple[Episode, ...]:
        """Those that want the operator now: neither acknowledged nor snoozed."""
        return tuple(episode for episode in self.by_key.values() if not episode.answered(now))

    def unheard(self, now: float) -> tuple[Episode, ...]:
        """Those of them whose condition holds and that nobody could hear."""
        return tuple(each for each in self.unanswered(now) if not each.heard and not each.cleared_at)

    def with_heard(self, keys: Collection[str], *, heard: bool) -> Episodes:
        """The same, with these marked as heard or not heard. The same object if nothing changed."""
        changed = {
            key: replace(self.by_key[key], heard=heard)
            for key in keys
            if key in self.by_key and self.by_key[key].heard is not heard
        }
        return replace(self, by_key=MappingProxyType({**self.by_key, **changed})) if changed else self

    def taken_over(self, reported: Mapping[str, ReportedEpisode], now: float) -> Episodes:
        """The episodes of a watcher that goes on duty now.

        What the watcher before it `reported` goes on from there. What that one could not report any more is left out,
        so that it is raised.
        """
        episodes = {}
        for key, episode in self.by_key.items():
            before = reported.get(key)
            if before is not None and episode.raised_at - before.raised_at < SAME_EPISODE_WITHIN:
                episodes[key] = replace(
                    episode,
                    raised_at=before.raised_at,
                    times_notified=before.times_notified,
                    next_at=before.next_at,
                    heard=before.heard,
                )
            elif episode.cleared_at or episode.answered(now):
                episodes[key] = episode
        return replace(self, by_key=MappingProxyType(episodes))


@dataclass(frozen=True, slots=True)
class AlarmEvents:
    """What one look changed, and the operator is to be notified of."""

    raised: tuple[Episode, ...] = ()
    repeated: tuple[Episode, ...] = ()
    """Those unanswered for so long that the operator is notified again, more urgently."""
    over: tuple[Episode, ...] = ()
    clear: bool = False
    """The last alarm that nobody answered is over: all clear."""

    def __bool__(self) -> bool:
        return bool(self.raised or self.repeated or self.over)


NO_EVENTS = AlarmEvents()
Repeat = Mapping[Urgency, Sequence[float]]
NO_REPEAT: Repeat = MappingProxyType({})


def repeats(policy: Alarms) -> Repeat:
    """The waits before repetitions, by urgency, as `[alarms]` sets them."""
    if not policy.repeat:
        return NO_REPEAT
    return MappingProxyType(
        {Urgency.HIGH: policy.repeat, Urgency.MEDIUM: policy.repeat_medium, Urgency.LOW: policy.repeat_low}
    )


def advance(
    episodes: Episodes, alarms: Sequence[Alarm], answers: Answers, now: float, repeat: Repeat = NO_REPEAT
) -> tuple[Episodes, AlarmEvents]:
    """The episodes after a look that found `alarms` standing, and the events. The same object if nothing changed.

    `repeat`: by urgency the seconds before each repetition, the last one again and again; empty for none.
    """
    if not alarms and not episodes.by_key and not episodes.reported_before:
        return episodes, NO_EVENTS
    going_on: dict[str, Episode] = {}
    raised, repeated, over = [], [], []
    standing = {
        key: before.alarm
        for key, before in episodes.reported_before.items()
        if before.alarm and answers.get(key) != ACKNOWLEDGED
    }
    standing |= {alarm.key: alarm for alarm in alarms}
    for key, old in episodes.by_key.items():
        found = standing.pop(key, None)
        if found is None:
            cleared_at = old.cleared_at or now
            if old.alarm.kind.lasting and answers.get(key) == ACKNOWLEDGED:
                over.append(replace(old, answered_until=ACKNOWLEDGED))
                continue
            if not old.alarm.kind.lasting and not 0 <= now - cleared_at < old.alarm.kind.settle:
                over.append(old)
                continue
            episode = old if old.cleared_at or old.alarm.kind.lasting else replace(old, cleared_at=cleared_at)
        else:
            episode = old if old.alarm == found and not old.cleared_at else replace(old, alarm=found, cleared_at=0.0)
        urgency = urgency_of(episode.alarm, now, episode.raised_at)
        if urgency is not episode.urgency:
            # More urgent than it was: heard at once.
            episode = replace(episode, urgency=urgency, next_at=now if urgency > episode.urgency else episode.next_at)
        answered_until = answers.get(key, 0.0)
        if answered_until != episode.answered_until:
            episode = replace(episode, answered_until=answered_until)
        waits = repeat.get(urgency, ())
        if waits and max(waits) < episode.next_at - now < math.inf:  # the clock was set back
            episode = replace(episode, next_at=now + _wait(episode.times_notified, waits))
        if now >= episode.next_at and not episode.cleared_at and not episode.answered(now):
            times = episode.times_notified + 1
            episode = replace(episode, times_notified=times, next_at=now + _wait(times, waits))
            repeated.append(episode)
        going_on[key] = episode
    for key, alarm in standing.items():
        answered_until = answers.get(key, 0.0)
        if (before := episodes.reported_before.get(key)) is not None:
            urgency = urgency_of(alarm, now, before.raised_at)
            episode = Episode(
                alarm,
                before.raised_at,
                before.times_notified,
                before.next_at,
                answered_until,
                heard=before.heard,
                urgency=urgency,
            )
        else:
            urgency = urgency_of(alarm, now, now)
            next_at = now + _wait(1, repeat.get(urgency, ()))
            episode = Episode(alarm, now, next_at=next_at, answered_until=answered_until, urgency=urgency)
            if not episode.answered(now):
                raised.append(episode)
        going_on[key] = episode
    same = len(going_on) == len(episodes.by_key) and all(episodes.by_key.get(key) is e for key, e in going_on.items())
    if same:
        return episodes, NO_EVENTS
    wanted = any(not episode.answered(now) for episode in over)
    clear = wanted and all(episode.answered(now) or episode.cleared_at for episode in going_on.values())
    episodes = replace(episodes, by_key=MappingProxyType(going_on))
    return episodes, AlarmEvents(tuple(raised), tuple(repeated), tuple(over), clear)


def _wait(times_notified: int, waits: Sequence[float]) -> float:
    return waits[min(times_notified, len(waits)) - 1] if waits else math.inf
