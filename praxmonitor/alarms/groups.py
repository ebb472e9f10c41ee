"""What stands as few lines: of alarms of one cause one, and what one hides within it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.telling import GROUP_INTERVAL
from praxmonitor.sound import Urgency

_KINDS = tuple(AlarmKind)


class AlarmState(StrEnum):
    """How an alarm stands, in the order in which the list has them."""

    WANTS = "wants you"
    SETTLING = "settling"
    """Its condition is gone, and may come again within moments."""
    OVER = "over, not acknowledged"
    """Something failed, and is latched."""
    SNOOZED = "snoozed"
    MUTED = "muted"
    HIDDEN = "hidden"
    ACKNOWLEDGED = "acknowledged"


_ORDER = {state: place for place, state in enumerate(AlarmState)}


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """One line of the list: an alarm that stands by itself, those that joined it, and those that they hide."""

    leader: Episode
    state: AlarmState
    joined: tuple[Episode, ...] = ()
    hidden: tuple[Episode, ...] = ()

    @property
    def members(self) -> tuple[Episode, ...]:
        """The leader and those that joined it: who answers the line answers all of them, and nothing that they hide."""
        return self.leader, *self.joined

    @property
    def keys(self) -> tuple[str, ...]:
        """Of its members."""
        return tuple(episode.alarm.key for episode in self.members)

    @property
    def urgency(self) -> Urgency:
        """The highest of its members."""
        return max(episode.urgency for episode in self.members)

    @property
    def since(self) -> float:
        """When the oldest of its members began, seconds since the epoch."""
        return min(map(began, self.members))


def began(episode: Episode) -> float:
    """When its condition began, seconds since the epoch; where nobody knows, when it was raised."""
    return episode.alarm.since or episode.raised_at


def named_since(episodes: Sequence[Episode]) -> float:
    """When the first of these began, or the oldest that one clause names with it; 0.0 of none."""
    alike = [one for one in episodes if one.alarm.clause_of == episodes[0].alarm.clause_of]
    return min(map(began, alike), default=0.0)


def alarm_state(episode: Episode, now: float) -> AlarmState:
    """How an alarm stands at `now`."""
    told = (
        (episode.latched, AlarmState.OVER),
        (episode.hidden_by, AlarmState.HIDDEN),
        (episode.muted_by, AlarmState.MUTED),
        (episode.acknowledged, AlarmState.ACKNOWLEDGED),
        (episode.answered(now), AlarmState.SNOOZED),
        (episode.cleared_at, AlarmState.SETTLING),
    )
    return next((state for holds, state in told if holds), AlarmState.WANTS)


def groups_of(standing: Sequence[Episode], now: float) -> tuple[AlarmGroup, ...]:
    """The lines of the list at `now`, those that want the operator first; within a state in the order of `standing`.

    Alarms of one group that stand otherwise, as one that is over and others that go on, are lines of their own.
    """
    known = {episode.alarm.key for episode in standing}
    leaders = _leaders(standing)
    hidden: defaultdict[str, list[Episode]] = defaultdict(list)
    lines: defaultdict[tuple[str, AlarmState], list[Episode]] = defaultdict(list)
    for episode in standing:
        key, state = episode.alarm.key, alarm_state(episode, now)
        if state is AlarmState.HIDDEN and episode.hidden_by in known:
            hidden[episode.hidden_by].append(episode)
            continue
        together = AlarmState.WANTS if state is AlarmState.SETTLING else state
        lines[leaders.get(key, key), together].append(episode)
    found = [_line(members, hidden, now) for members in lines.values()]
    return tuple(sorted(found, key=lambda group: _ORDER[group.state]))


def _line(members: Sequence[Episode], hidden: defaultdict[str, list[Episode]], now: float) -> AlarmGroup:
    """The line of these; that one leads which was raised by itself, of several the first."""
    first, *_ = sorted(members, key=lambda one: (bool(one.joined), one.raised_at))
    joined = tuple(one for one in members if one is not first)
    state = min((alarm_state(one, now) for one in members), key=lambda each: _ORDER[each])
    return AlarmGroup(first, state, joined, tuple(effect for one in members for effect in hidden[one.alarm.key]))


def _leaders(standing: Iterable[Episode]) -> dict[str, str]:
    """Key of each alarm that names a cause → key of the one that it stands with: the first of its kind and cause.

    As the engine joins them; told anew from their times, for a restart forgets who joined whom.
    """
    first: dict[tuple[AlarmKind, str], Episode] = {}
    found: dict[str, str] = {}
    for episode in sorted(standing, key=lambda one: one.raised_at):
        alarm = episode.alarm
        if episode.joined:
            found[alarm.key] = episode.joined
        elif alarm.cause:
            leader = first.get((alarm.kind, alarm.cause))
            late = leader is not None and episode.raised_at - leader.raised_at >= GROUP_INTERVAL
            if leader is None or (late and alarm.kind.latching):
                leader = first[alarm.kind, alarm.cause] = episode
            found[alarm.key] = leader.alarm.key
    return found


def most_urgent_first(episodes: Iterable[Episode]) -> list[Episode]:
    """The same, by urgency, kind and age: the one order of urgency, in which every list of what wants the operator
    begins, be it of alarms, of needs or of agents."""
    return sorted(episodes, key=lambda one: (-one.urgency, _KINDS.index(one.alarm.kind), one.raised_at))
