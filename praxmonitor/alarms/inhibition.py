"""Which alarms are explained by another that stands, and therefore hidden in it. The rules are data. Pure.

What is hidden is listed below the alarm that hides it, and comes up when that one goes and its own condition stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailcore.observe.causes import DISK, NETWORK, SERVICE, SUPERVISOR, of_program, sort_of_cause
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import Episode

EARLIER = 300.0
"""Seconds by which an effect may be noticed before its cause: what failed long before it does not come of it."""

UNMOVED = frozenset({AlarmKind.SILENCE, AlarmKind.STUCK, AlarmKind.OVERDUE})
"""Work that does not go on."""
WAITS = frozenset({AlarmKind.STUCK, AlarmKind.OVERDUE})
"""Mail and tasks that do not move, as their agent does not."""
REPORTED = frozenset({AlarmKind.ERROR_BACK, AlarmKind.ERROR_UNTOLD})
"""Errors that repeat."""
BROKEN = frozenset({AlarmKind.FAILED, AlarmKind.BOUNCED, AlarmKind.STORM}) | REPORTED
"""Work that went wrong, and says why."""
UNTOLD = frozenset({AlarmKind.ORPHANED, AlarmKind.UNREADABLE, AlarmKind.UNDELIVERED})
"""Work whose files do not tell of it as they should."""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alarm of the kind `cause` stands, it hides alarms of the kinds `effects`."""

    cause: AlarmKind
    effects: frozenset[AlarmKind]
    named: bool = False
    """Only those that name it: work that went wrong for no known reason may have one of its own."""
    everywhere: bool = False
    """Those of all agents, not only of those that the alarm concerns."""
    unreachable: bool = False
    """Whom it concerns cannot be reached: all that is told of them is hidden, however old it is and whatever it comes
    of; where it concerns nobody, nothing is."""

    def explains(self, cause: Episode, effect: Episode) -> bool:
        """Whether it hides `effect` in `cause`. What names another cause does not come of it."""
        if effect.alarm.kind not in self.effects or cause.alarm.kind is not self.cause:
            return False
        if self.unreachable:
            return frozenset() < concerned_agents(effect.alarm) <= concerned_agents(cause.alarm)
        if (effect.alarm.cause or self.named) and not names(cause.alarm, effect.alarm.cause):
            return False
        if _began(effect) < _began(cause) - EARLIER:
            return False
        concerned = concerned_agents(cause.alarm)
        return self.everywhere or not concerned or concerned_agents(effect.alarm) <= concerned


INHIBITIONS = (
    Inhibition(AlarmKind.HOST_AWAY, frozenset(AlarmKind) - {AlarmKind.HOST_AWAY}, unreachable=True),
    Inhibition(AlarmKind.DISK, BROKEN | {AlarmKind.DEGRADED}, named=True, everywhere=True),
    Inhibition(AlarmKind.DISK, UNMOVED | UNTOLD, everywhere=True),
    Inhibition(AlarmKind.GONE, UNMOVED | UNTOLD | BROKEN),
    Inhibition(AlarmKind.NETWORK, BROKEN, named=True, everywhere=True),
    Inhibition(AlarmKind.NETWORK, UNMOVED),
    Inhibition(AlarmKind.LIMIT, BROKEN, named=True, everywhere=True),
    Inhibition(AlarmKind.LIMIT, WAITS),
    Inhibition(AlarmKind.STORM, frozenset({AlarmKind.ERROR_UNTOLD})),
    Inhibition(AlarmKind.DEADLOCK, UNMOVED),
    Inhibition(AlarmKind.ORPHANED, WAITS),
    Inhibition(AlarmKind.SILENCE, WAITS),
    Inhibition(AlarmKind.WAITING, WAITS),
)
"""In this order: what a disk explains is not asked of a limit. A limit explains no silence: whoever waits for it has a
time at which it tries again."""
CAUSES = frozenset({
    AlarmKind.DISK, AlarmKind.DISK_NEAR, AlarmKind.GONE, AlarmKind.NETWORK, AlarmKind.LIMIT, AlarmKind.SLOW,
    AlarmKind.DEGRADED, AlarmKind.HOST_AWAY,
})  # fmt: skip
"""Kinds that others come of, in more agents than one: no mute of an agent or a task hides them."""


def names(cause: Alarm, told: str) -> bool:
    """Whether this is how an alarm that comes of `cause` names it (`Alarm.cause`)."""
    match cause.kind:
        case AlarmKind.DISK:
            return told in (DISK, SUPERVISOR)
        case AlarmKind.GONE:
            return told == SUPERVISOR
        case AlarmKind.NETWORK:
            return sort_of_cause(told) == NETWORK
        case _:
            # A service that is down refuses, or has no connection.
            program = cause.cause.removeprefix(SERVICE).strip()
            return told != "" and told in (cause.cause, of_program(NETWORK, program))


def concerned_agents(alarm: Alarm) -> frozenset[str]:
    """The addresses of the agents that an alarm concerns; none where it concerns the workspace as a whole."""
    return frozenset(alarm.agents or ((alarm.address,) if alarm.address else ()))


def hidden(episodes: Iterable[Episode]) -> Mapping[str, str]:
    """The key of each alarm that is explained → that of the alarm which explains it."""
    by_kind: defaultdict[AlarmKind, list[Episode]] = defaultdict(list)
    by_agent: defaultdict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if not episode.latched:
            by_kind[episode.alarm.kind].append(episode)
            for address in concerned_agents(episode.alarm):
                by_agent[address].append(episode)
    found: dict[str, str] = {}
    for rule in INHIBITIONS:
        for cause in by_kind[rule.cause]:
            concerned = concerned_agents(cause.alarm)
            near = [effect for address in concerned for effect in by_agent[address]]
            if rule.everywhere or not (concerned or rule.unreachable):
                near = [effect for kind in rule.effects for effect in by_kind[kind]]
            for effect in near:
                key = effect.alarm.key
                if key not in found and effect is not cause and rule.explains(cause, effect):
                    found[key] = cause.alarm.key
    return found


def first_cause(key: str, found: Mapping[str, str]) -> str:
    """The alarm that hides this one and is hidden by none; empty where none hides it. `found`: as `hidden` gives it."""
    key = found.get(key, "")
    seen = {key}
    while (above := found.get(key, key)) not in seen:
        seen.add(above)
        key = above
    return key


def _began(episode: Episode) -> float:
    """Since when it holds: an alarm of many may tell since when the first of those holds that are left."""
    return min(episode.alarm.since or episode.raised_at, episode.raised_at)
