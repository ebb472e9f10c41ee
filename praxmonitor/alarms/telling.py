"""Which of the alarms that go on are told now: raised, joined to their group, hidden in their cause, or muted. Pure.

What has the cause of one that was raised before joins it, and what one cause hid comes up as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.alarm_mutes import AlarmMute, muting
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.inhibition import first_cause, hidden
from praxmonitor.alarms.repeats import Repeat, wait

GROUP_INTERVAL = 300.0
"""Seconds after an alarm in which others of its kind and cause join it unheard."""
COME_UP = 300.0
"""Seconds for which an alarm stays hidden that the listed cause does not explain any more: an agent that tries again
leaves those that wait, and comes back to them; what an orphan held up moves on when that is cleaned up."""
RUN_FAILURES = frozenset({AlarmKind.ORPHANED, AlarmKind.BOUNCED, AlarmKind.FAILED})
"""Kinds that tell of the end of one run: who has heard of the first need not hear of the next."""
CAME_UP = "came up"
"""Names the group of those that one cause hid, and that come up at one look."""


def tell(
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
            if leader is not None and leader.urgency >= episode.urgency:
                next_at, answer = leader.next_at, leader.answered_until
                episode = replace(
                    episode, times_notified=times, next_at=next_at, answered_until=answer, joined=leader.alarm.key
                )
                joined.append(episode)
            else:
                episode = replace(episode, times_notified=times, next_at=now + wait(times, repeat.get(episode.urgency)))
                leaders |= dict.fromkeys(groups, episode)
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
