"""One alarm an episode: raised once, heard again until it is answered or over. Pure; a fold like that of the fleet.

A look has two halves. The first follows the conditions: which go on, settle, are latched or over. The second decides
what of them is told: what another alarm explains is hidden, what a mute matches is muted, what has the cause of one
that was raised a moment ago joins it, and only the rest is heard.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.alarm_mutes import NO_MUTES, AlarmMute
from praxmonitor.alarms.episode import ACKNOWLEDGED, NO_EVENTS, AlarmEvents, Answers, Episode, ReportedEpisode
from praxmonitor.alarms.groups import most_urgent_first
from praxmonitor.alarms.repeats import NO_REPEAT, Repeat, repeated
from praxmonitor.alarms.telling import tell
from praxmonitor.alarms.urgency import urgency_of

SAME_EPISODE_WITHIN = 10.0
"""Seconds by which two watchers may raise one episode at different times."""
CHATTER = 600.0
"""Seconds after its end in which a condition that comes again chatters: then it has to be gone for as long, or until
it would have come again."""
MOST_LATCHED = 100
"""Latched alarms that are kept; the history keeps all."""

Condition = tuple[AlarmKind, str]
"""Kind and address: what comes and goes, whatever run or session it belongs to."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """All episodes that go on, by their alarms' keys, in the order in which they were raised."""

    by_key: Mapping[str, Episode] = field(default_factory=lambda: MappingProxyType({}))
    reported_before: Mapping[str, ReportedEpisode] = field(default_factory=lambda: MappingProxyType({}))
    """Episodes that began before this process did: they go on, and are not raised again."""
    ended: Mapping[Condition, float] = field(default_factory=lambda: MappingProxyType({}))
    """When conditions that may chatter were over last; seconds since the epoch."""

    def standing(self) -> tuple[Episode, ...]:
        """Every episode: those that want the operator first, each part the most urgent first."""

        def unwanted(episode: Episode) -> tuple[bool, bool]:
            return episode.acknowledged, bool(episode.hidden_by or episode.muted_by or episode.latched)

        return tuple(sorted(most_urgent_first(self.by_key.values()), key=unwanted))

    def unanswered(self, now: float) -> tuple[Episode, ...]:
        """Those that want the operator now, the most urgent first."""
        found = (episode for episode in self.by_key.values() if episode.wants(now) and not episode.cleared_at)
        return tuple(most_urgent_first(found))

    def hidden_in(self, key: str) -> tuple[Episode, ...]:
        """Those that the alarm of this key explains."""
        return tuple(episode for episode in self.by_key.values() if episode.hidden_by == key)

    def unheard(self, now: float) -> tuple[Episode, ...]:
        """Those of them that nobody could hear."""
        return tuple(each for each in self.unanswered(now) if not each.heard)

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
            elif episode.cleared_at or not episode.wants(now):
                episodes[key] = episode
        return replace(self, by_key=MappingProxyType(episodes))


def advance(
    episodes: Episodes,
    alarms: Sequence[Alarm],
    answers: Answers,
    now: float,
    repeat: Repeat = NO_REPEAT,
    mutes: Collection[AlarmMute] = NO_MUTES,
    at_rest: Collection[str] = (),
) -> tuple[Episodes, AlarmEvents]:
    """The episodes after a look that found `alarms` standing, and the events. The same object if nothing changed.

    `repeat`: by urgency the waits before each repetition. `mutes`: those that hold now. `at_rest`:
    addresses of agents whose work is over, so that their silence cannot come again.
    """
    if not alarms and not episodes.by_key and not episodes.reported_before:
        return episodes, NO_EVENTS
    going_on, over = _conditions(episodes, alarms, answers, now, at_rest)
    told, raised, joined = tell(going_on, episodes.reported_before.keys(), now, repeat, mutes)
    told, again = repeated(told, now, repeat, {episode.alarm.key for episode in (*raised, *joined)})
    ended = _ended(episodes, over, now)
    old = episodes.by_key
    if len(told) == len(old) and ended is episodes.ended and all(old.get(key) is one for key, one in told.items()):
        return episodes, NO_EVENTS
    over = [episode for episode in over if episode.times_notified]
    wanted = any(episode.wants(now) for episode in over)
    clear = wanted and all(not episode.wants(now) or episode.cleared_at for episode in told.values())
    episodes = replace(episodes, by_key=MappingProxyType(told), ended=ended)
    return episodes, AlarmEvents(tuple(raised), tuple(again), tuple(over), clear, tuple(joined))


def _conditions(
    episodes: Episodes, alarms: Sequence[Alarm], answers: Answers, now: float, at_rest: Collection[str]
) -> tuple[dict[str, Episode], list[Episode]]:
    """Every episode whose condition holds, settles or is latched, and those that are over now."""
    before = episodes.reported_before
    kept = {key: one.alarm for key, one in before.items() if one.alarm is not None and answers.get(key) != ACKNOWLEDGED}
    standing = {key: alarm for key, alarm in kept.items() if alarm.kind.lasting}
    standing |= {alarm.key: alarm for alarm in alarms}
    going_on: dict[str, Episode] = {}
    over = []
    for key, old in episodes.by_key.items():
        answer = answers.get(key, 0.0)
        found = standing.pop(key, None)
        if found is None:
            episode = _gone(old, answer, now, at_rest)
        else:
            episode = _held(old, found) if not old.latched else _begun(episodes, found, answer, now)
        if not old.latched and (episode is None or episode.latched):
            over.append(old if answer == old.answered_until else replace(old, answered_until=answer))
        if episode is None:
            continue
        urgency = urgency_of(episode.alarm, now, episode.raised_at)
        if urgency is not episode.urgency or answer != episode.answered_until:
            # More urgent than it was: heard at once.
            next_at = now if urgency > episode.urgency and episode.times_notified else episode.next_at
            episode = replace(episode, urgency=urgency, answered_until=answer, next_at=next_at)
        going_on[key] = episode
    for key, alarm in standing.items():
        going_on[key] = _begun(episodes, alarm, answers.get(key, 0.0), now)
    for key, alarm in kept.items():
        # It failed under another watcher, and its condition is over since.
        if key not in going_on and key not in episodes.by_key and alarm.kind.latching:
            going_on[key] = replace(_begun(episodes, alarm, answers.get(key, 0.0), now), cleared_at=now, latched=True)
    return _bounded(going_on), over


def _held(old: Episode, found: Alarm) -> Episode:
    """An episode whose condition holds."""
    if old.alarm == found and not old.cleared_at:
        return old
    return replace(old, alarm=found, cleared_at=0.0)


def _gone(old: Episode, answer: float, now: float, at_rest: Collection[str]) -> Episode | None:
    """An episode whose condition does not hold; None: it is over and leaves the list."""
    kind = old.alarm.kind
    if kind.lasting or old.latched:
        return None if answer == ACKNOWLEDGED else old
    cleared_at = old.cleared_at or now
    rests = kind is AlarmKind.SILENCE and old.alarm.address in at_rest
    if 0 <= now - cleared_at < (_settle(old.alarm) if rests else old.settle):
        return old if old.cleared_at else replace(old, cleared_at=cleared_at)
    if kind.latching and answer != ACKNOWLEDGED and old.times_notified:
        return replace(old, cleared_at=cleared_at, latched=True)
    return None


def _settle(alarm: Alarm, *, chatters: bool = False) -> float:
    """Seconds for which its condition must be gone."""
    return max(alarm.kind.settle, alarm.settle, min(CHATTER, alarm.comes_again) if chatters else 0.0)


def _begun(episodes: Episodes, alarm: Alarm, answer: float, now: float) -> Episode:
    """An episode that begins now, or that an earlier process reported; whoever began now is not told yet."""
    ended = episodes.ended.get((alarm.kind, alarm.address), -math.inf)
    settle = _settle(alarm, chatters=0 <= now - ended < CHATTER)
    before = episodes.reported_before.get(alarm.key)
    if before is None:
        urgency = urgency_of(alarm, now, now)
        return Episode(alarm, now, 0, answered_until=answer, urgency=urgency, settle=settle)
    urgency = urgency_of(alarm, now, before.raised_at)
    return Episode(
        alarm, before.raised_at, before.times_notified, before.next_at, answer,
        heard=before.heard, urgency=urgency, settle=settle, hidden_by=before.hidden_by,
    )  # fmt: skip


def _bounded(going_on: dict[str, Episode]) -> dict[str, Episode]:
    latched = sorted((one.cleared_at, key) for key, one in going_on.items() if one.latched)
    for _, key in latched[:-MOST_LATCHED]:
        del going_on[key]
    return going_on


def _ended(episodes: Episodes, over: Sequence[Episode], now: float) -> Mapping[Condition, float]:
    """When conditions that may chatter were over last."""
    now_over = {(one.alarm.kind, one.alarm.address): now for one in over if one.alarm.kind.chatters}
    if not now_over and all(now - at < CHATTER for at in episodes.ended.values()):
        return episodes.ended
    recent = {condition: at for condition, at in episodes.ended.items() if 0 <= now - at < CHATTER}
    return MappingProxyType({**recent, **now_over})
