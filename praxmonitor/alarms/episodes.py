"""One alarm an episode: raised once, heard again until it is answered or over. Pure; a fold like that of the fleet."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.sound import MAX_URGENCY

ACKNOWLEDGED = math.inf
"""As the time until which an alarm is not heard."""

Answers = Mapping[str, float]
"""An alarm's key → until when the operator does not want to hear it (seconds since the epoch), or ACKNOWLEDGED."""
NO_ANSWERS: Answers = MappingProxyType({})
SAME = 10.0
"""Seconds by which two watchers may raise one episode at different times."""
_KINDS = tuple(AlarmKind)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm, from its beginning to its end."""

    alarm: Alarm
    raised_at: float
    times_notified: int = 1
    """How often it was told."""
    next_at: float = math.inf
    """When it is told again, unless it is answered."""
    answered_until: float = 0.0
    """What the operator answered: ACKNOWLEDGED, the end of a snooze, or 0.0."""
    cleared_at: float = 0.0
    """Since when its condition is gone, while it settles; 0.0: it stands."""
    heard: bool = False
    """It sounded where somebody can hear it, once at least."""

    @property
    def urgency(self) -> int:
        """0 when raised, one more with each repetition, to MAX_URGENCY."""
        return min(self.times_notified - 1, MAX_URGENCY)

    @property
    def acknowledged(self) -> bool:
        """The operator has taken note."""
        return self.answered_until == ACKNOWLEDGED

    def answered(self, now: float) -> bool:
        """Acknowledged, or snoozed for now."""
        return now < self.answered_until

    def remember(self) -> ReportedEpisode:
        """What the next process is to know of it."""
        lasting = self.alarm if self.alarm.kind.lasting else None
        return ReportedEpisode(self.raised_at, self.times_notified, self.next_at, lasting, self.heard)


@dataclass(frozen=True, slots=True)
class ReportedEpisode:
    """What an earlier process of the same operator told of an episode."""

    raised_at: float
    times_notified: int
    next_at: float
    alarm: Alarm | None = None
    """What it told, if that stands until it is acknowledged."""
    heard: bool = False
    """As of an Episode."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """All episodes that go on, by their alarm's key, in the order in which they were raised."""

    episodes: Mapping[str, Episode] = field(default_factory=lambda: MappingProxyType({}))
    known: Mapping[str, ReportedEpisode] = field(default_factory=lambda: MappingProxyType({}))
    """Episodes that go on from before this process began: not raised anew."""

    def standing(self) -> tuple[Episode, ...]:
        """Every episode: those not acknowledged first, then the most urgent kinds, then the oldest."""

        def order(episode: Episode) -> tuple[bool, int, float]:
            return episode.acknowledged, _KINDS.index(episode.alarm.kind), episode.raised_at

        return tuple(sorted(self.episodes.values(), key=order))

    def unanswered(self, now: float) -> tuple[Episode, ...]:
        """Those that want the operator now: neither acknowledged nor snoozed."""
        return tuple(episode for episode in self.episodes.values() if not episode.answered(now))

    def unheard(self, now: float) -> tuple[Episode, ...]:
        """Those of them that stand and were told, and that nobody could hear."""
        return tuple(each for each in self.unanswered(now) if not each.heard and not each.cleared_at)

    def marked(self, keys: Collection[str], *, heard: bool) -> Episodes:
        """The same, with what is known now of whether these were heard. The same object if nothing changed."""
        changed = {
            key: replace(self.episodes[key], heard=heard)
            for key in keys
            if key in self.episodes and self.episodes[key].heard is not heard
        }
        return replace(self, episodes=MappingProxyType({**self.episodes, **changed})) if changed else self

    def taken_over(self, known: Mapping[str, ReportedEpisode], now: float) -> Episodes:
        """The book of who goes on duty now: what the one before it told (`known`) goes on from there, and what that one
        did not live to tell is forgotten, so that it is raised."""
        episodes = {}
        for key, episode in self.episodes.items():
            told = known.get(key)
            if told is not None and episode.raised_at - told.raised_at < SAME:
                episodes[key] = replace(
                    episode,
                    raised_at=told.raised_at,
                    times_notified=told.times_notified,
                    next_at=told.next_at,
                    heard=told.heard,
                )
            elif episode.cleared_at or episode.answered(now):
                episodes[key] = episode
        return replace(self, episodes=MappingProxyType(episodes))


@dataclass(frozen=True, slots=True)
class AlarmEvents:
    """What is to be told after one look."""

    raised: tuple[Episode, ...] = ()
    repeated: tuple[Episode, ...] = ()
    """Not answered for long: to be told again, more urgently."""
    over: tuple[Episode, ...] = ()
    clear: bool = False
    """The last alarm that nobody answered is over: all clear."""

    def __bool__(self) -> bool:
        return bool(self.raised or self.repeated or self.over)


NOTHING = AlarmEvents()


def advance(
    book: Episodes, alarms: Sequence[Alarm], answers: Answers, now: float, repeat: Sequence[float]
) -> tuple[Episodes, AlarmEvents]:
    """The book after a look that found `alarms` standing, and what is to be told. The same book if nothing changed.

    `repeat`: seconds before each repetition, the last one again and again; empty for none.
    """
    if not alarms and not book.episodes and not book.known:
        return book, NOTHING
    episodes: dict[str, Episode] = {}
    raised, repeated, over = [], [], []
    standing = {key: told.alarm for key, told in book.known.items() if told.alarm and answers.get(key) != ACKNOWLEDGED}
    standing |= {alarm.key: alarm for alarm in alarms}
    for key, old in book.episodes.items():
        found = standing.pop(key, None)
        if found is None:
            gone_at = old.cleared_at or now
            if old.alarm.kind.lasting and answers.get(key) == ACKNOWLEDGED:
                over.append(replace(old, answered_until=ACKNOWLEDGED))
                continue
            if not old.alarm.kind.lasting and not 0 <= now - gone_at < old.alarm.kind.settle:
                over.append(old)
                continue
            episode = old if old.cleared_at or old.alarm.kind.lasting else replace(old, cleared_at=gone_at)
        else:
            episode = old if old.alarm == found and not old.cleared_at else replace(old, alarm=found, cleared_at=0.0)
        answered_until = answers.get(key, 0.0)
        if answered_until != episode.answered_until:
            episode = replace(episode, answered_until=answered_until)
        if repeat and episode.next_at - now > max(repeat):  # the clock was set back
            episode = replace(episode, next_at=now + _wait(episode.times_notified, repeat))
        if repeat and now >= episode.next_at and not episode.cleared_at and not episode.answered(now):
            told = episode.times_notified + 1
            episode = replace(episode, times_notified=told, next_at=now + _wait(told, repeat))
            repeated.append(episode)
        episodes[key] = episode
    for key, alarm in standing.items():
        answered_until = answers.get(key, 0.0)
        if (known := book.known.get(key)) is not None:
            episode = Episode(
                alarm, known.raised_at, known.times_notified, known.next_at, answered_until, heard=known.heard
            )
        else:
            episode = Episode(alarm, now, next_at=now + _wait(1, repeat), answered_until=answered_until)
            if not episode.answered(now):
                raised.append(episode)
        episodes[key] = episode
    same = len(episodes) == len(book.episodes) and all(book.episodes.get(key) is e for key, e in episodes.items())
    if same:
        return book, NOTHING
    heard = any(not episode.answered(now) for episode in over)
    clear = heard and all(episode.answered(now) or episode.cleared_at for episode in episodes.values())
    book = replace(book, episodes=MappingProxyType(episodes))
    return book, AlarmEvents(tuple(raised), tuple(repeated), tuple(over), clear)


def _wait(told: int, repeat: Sequence[float]) -> float:
    return repeat[min(told, len(repeat)) - 1] if repeat else math.inf
