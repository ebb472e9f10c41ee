"""One alarm an episode: raised once, heard again until it is answered or over. Pure; a fold like that of the fleet.

A look has two halves. The first follows the conditions: which go on, settle, are latched or over. The second decides
what of them is told: what another alarm explains is hidden, what a mute matches is muted, what has the cause of one
that was raised a moment ago joins it, and only the rest is heard.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.alarm_mutes import NO_MUTES, AlarmMute, muting
from praxmonitor.alarms.episode import ACKNOWLEDGED, NO_EVENTS, AlarmEvents, Answers, Episode, ReportedEpisode
from praxmonitor.alarms.inhibition import first_cause, hidden
from praxmonitor.alarms.repeats import NO_REPEAT, Repeat, repeated, wait
from praxmonitor.alarms.urgency import urgency_of

SAME_EPISODE_WITHIN = 10.0
"""Seconds by which two watchers may raise one episode at different times."""
GROUP_INTERVAL = 300.0
"""Seconds after an alarm in which others of its kind and cause join it unheard."""
COME_UP = 300.0
"""Seconds for which an alarm stays hidden that the listed cause does not explain any more: an agent that tries again
leaves those that wait, and comes back to them; what an orphan held up moves on when that is cleaned up."""
CHATTER = 600.0
"""Seconds after its end in which a condition that comes again chatters: then it has to be gone for as long."""
MOST_LATCHED = 100
"""Latched alarms that are kept; the history keeps all."""
RUN_FAILURES = frozenset({AlarmKind.ORPHANED, AlarmKind.BOUNCED, AlarmKind.FAILED})
"""Kinds that tell of the end of one run: who has heard of the first need not hear of the next."""
CAME_UP = "came up"
"""Names the group of those that one cause hid, and that come up at one look."""
_KINDS = tuple(AlarmKind)

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
        """Every episode: those that want the operator first, then by urgency, kind and age."""

        def order(episode: Episode) -> tuple[bool, bool, int, int, float]:
            unwanted = bool(episode.hidden_by or episode.muted_by or episode.latched)
            kind = _KINDS.index(episode.alarm.kind)
            return episode.acknowledged, unwanted, -episode.urgency, kind, episode.raised_at

        return tuple(sorted(self.by_key.values(), key=order))

    def unanswered(self, now: float) -> tuple[Episode, ...]:
        """Those that want the operator now."""
        return tuple(episode for episode in self.by_key.values() if episode.wants(now) and not episode.cleared_at)

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
) -> tuple[Episodes, AlarmEvents]:
    """The episodes after a look that found `alarms` standing, and the events. The same object if nothing changed.

    `repeat`: by urgency the waits before each repetition. `mutes`: those that hold now.
    """
    if not alarms and not episodes.by_key and not episodes.reported_before:
        return episodes, NO_EVENTS
    going_on, over = _conditions(episodes, alarms, answers, now)
    told, raised, joined = _told(going_on, episodes.reported_before.keys(), now, repeat, mutes)
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
    episodes: Episodes, alarms: Sequence[Alarm], answers: Answers, now: float
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
            episode = _gone(old, answer, now)
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


def _gone(old: Episode, answer: float, now: float) -> Episode | None:
    """An episode whose condition does not hold; None: it is over and leaves the list."""
    kind = old.alarm.kind
    if kind.lasting or old.latched:
        return None if answer == ACKNOWLEDGED else old
    cleared_at = old.cleared_at or now
    if 0 <= now - cleared_at < old.settle:
        return old if old.cleared_at else replace(old, cleared_at=cleared_at)
    if kind.latching and answer != ACKNOWLEDGED and old.times_notified:
        return replace(old, cleared_at=cleared_at, latched=True)
    return None


def _begun(episodes: Episodes, alarm: Alarm, answer: float, now: float) -> Episode:
    """An episode that begins now, or that an earlier process reported; whoever began now is not told yet."""
    ended = episodes.ended.get((alarm.kind, alarm.address), -math.inf)
    settle = CHATTER if 0 <= now - ended < CHATTER else max(alarm.kind.settle, alarm.settle)
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


def _told(
    going_on: dict[str, Episode],
    reported: Collection[str],
    now: float,
    repeat: Repeat,
    mutes: Collection[AlarmMute],
) -> tuple[dict[str, Episode], list[Episode], list[Episode]]:
    """What is hidden, muted, raised now, or joins one that was raised before. `reported`: keys that stood before."""
    explained = hidden(going_on.values())
    staying = _staying_hidden(going_on, explained, reported, now)
    hiding = {**staying, **explained}
    leaders = _leaders(going_on, hiding, now)
    told: dict[str, Episode] = {}
    raised, joined = [], []
    for key, old in going_on.items():
        hidden_by = first_cause(key, hiding)
        unexplained_at = (old.unexplained_at or now) if key in staying else 0.0
        muted_by = muting(mutes, old.alarm, now)
        came_up = (old.hidden_by or old.muted_by) and not (hidden_by or muted_by)
        episode = old
        if (hidden_by, unexplained_at, muted_by) != (old.hidden_by, old.unexplained_at, old.muted_by):
            episode = replace(old, hidden_by=hidden_by, unexplained_at=unexplained_at, muted_by=muted_by)
        first = not episode.times_notified
        if (first or came_up) and episode.wants(now) and not episode.cleared_at:
            times = episode.times_notified + 1
            # What one cause hid comes up as one.
            groups = ((CAME_UP, old.hidden_by),) if came_up and old.hidden_by else tuple(_groups(episode.alarm))
            leader = next((leaders[name] for name in groups if name in leaders), None)
            if leader is not None:
                next_at, answer = leader.next_at, leader.answered_until
                episode = replace(
                    episode, times_notified=times, next_at=next_at, answered_until=answer, joined=leader.alarm.key
                )
                joined.append(episode)
            else:
                episode = replace(episode, times_notified=times, next_at=now + wait(times, repeat.get(episode.urgency)))
                leaders |= {name: episode for name in groups if name not in leaders}
                raised.append(episode)
        elif first and episode.answered(now):
            episode = replace(episode, times_notified=1)
        told[key] = episode
    return told, raised, joined


def _staying_hidden(
    going_on: Mapping[str, Episode], explained: Mapping[str, str], reported: Collection[str], now: float
) -> dict[str, str]:
    """What no alarm explains any more and stays hidden for a while → the listed alarm that hid it."""
    return {
        key: old.hidden_by
        for key, old in going_on.items()
        if key not in explained
        and (old.hidden_by in reported or old.hidden_by in going_on)
        and 0 <= now - (old.unexplained_at or now) < COME_UP
    }


def _groups(alarm: Alarm) -> Iterator[tuple[str, str]]:
    """The groups that an alarm belongs to: those of its kind and cause; of its run that lost its supervisor."""
    if alarm.cause:
        yield alarm.kind, alarm.cause
    if alarm.kind in RUN_FAILURES and alarm.id:
        yield alarm.address, alarm.id


def _leaders(going_on: Mapping[str, Episode], hiding: Mapping[str, str], now: float) -> dict[tuple[str, str], Episode]:
    """The group → the alarm that others of it join: one that lasts while it stands, a failure for `GROUP_INTERVAL`."""
    leaders: dict[tuple[str, str], Episode] = {}
    for key, episode in going_on.items():
        alarm = episode.alarm
        if not episode.times_notified or key in hiding:
            continue
        fresh = not episode.joined and 0 <= now - episode.raised_at < GROUP_INTERVAL
        for group in _groups(alarm):
            if fresh or not (alarm.kind.latching and group[0] == alarm.kind):
                leaders.setdefault(group, episode)
    return leaders


def _ended(episodes: Episodes, over: Sequence[Episode], now: float) -> Mapping[Condition, float]:
    """When conditions that may chatter were over last."""
    now_over = {(one.alarm.kind, one.alarm.address): now for one in over if one.alarm.kind.chatters}
    if not now_over and all(now - at < CHATTER for at in episodes.ended.values()):
        return episodes.ended
    recent = {condition: at for condition, at in episodes.ended.items() if 0 <= now - at < CHATTER}
    return MappingProxyType({**recent, **now_over})
