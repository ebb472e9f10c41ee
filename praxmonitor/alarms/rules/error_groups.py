"""Alarms of errors that repeat: one that came back after it was resolved, one that nobody was told of. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config, Errors
from mailcore.model.error_group import ErrorGroup, GroupState, Severity
from mailcore.model.fleet import Fleet
from mailcore.observe.causes import cause_of, of_program
from mailcore.text import line
from mailcore.text.units import date_and_time, duration
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

GRACE = 60.0
"""Seconds after an error is due to be told of in which it may still be."""
LONGEST = 200
"""Characters of a title, and of what was done about it."""
LOOK_AT_IT = "look at it among the errors: view errors (7)"


def error_group_alarms(fleet: Fleet, config: Config) -> Iterator[TimedAlarm]:
    """One for each group that is back again, and for each that is due and that nobody was told of."""
    if fleet.errors is None:
        return
    for group in fleet.errors.groups:
        if _is_back(group):
            yield TimedAlarm(_back(group, fleet), 0.0)
        elif (since := _due_since(group, config.errors)) and group.state is GroupState.NEW and not group.asked_at:
            why = _why_untold(config.errors, fleet.errors.breaker_at)
            yield TimedAlarm(_untold(group, fleet, config.errors, since, why), since, GRACE)


def _is_back(group: ErrorGroup) -> bool:
    """It came again after it was resolved, and it is not over, whoever was asked about it anew."""
    if group.state is GroupState.BACK:
        return True
    return group.state is GroupState.INVESTIGATING and 0.0 < group.resolved_at < group.last_at


def _back(group: ErrorGroup, fleet: Fleet) -> Alarm:
    # The first that was entered after it was resolved is that it came back; what happens later moves nothing.
    since = next((entry.at for entry in group.history if entry.at > group.resolved_at), group.last_at)
    done = f": {line(group.resolution, LONGEST)}" if group.resolution else ""
    return _alarm(
        AlarmKind.ERROR_BACK, group, fleet, since, f"error back: {line(group.title, LONGEST)}",
        f"that it stays away; it was resolved {date_and_time(group.resolved_at, seconds=False)}{done}",
        f"again since {date_and_time(since, seconds=False)}",
    )  # fmt: skip


def _due_since(group: ErrorGroup, policy: Errors) -> float:
    """Since when it happened as often as an agent is told of; 0.0: it did not."""
    if policy.severity == "fatal" and group.severity is not Severity.FATAL:
        return 0.0
    if any(word.casefold() in group.title.casefold() for word in policy.mute):
        return 0.0
    pairs = zip(group.recent, group.recent[policy.count - 1 :], strict=False)
    return next((last for first, last in pairs if last - first <= policy.window), 0.0)


def _why_untold(policy: Errors, breaker_at: float) -> str:
    if not (policy.mail or policy.dispatch):
        return "config says so ([errors] mail)"
    if breaker_at:
        return "too many agents were asked in an hour ([errors] breaker)"
    return "no mail about it was sent"


def _untold(group: ErrorGroup, fleet: Fleet, policy: Errors, since: float, why: str) -> Alarm:
    return _alarm(
        AlarmKind.ERROR_UNTOLD, group, fleet, since, f"nobody was asked about an error: {line(group.title, LONGEST)}",
        f"that an agent is asked about it; {why}",
        f"{policy.count} times within {duration(policy.window)}, {date_and_time(since, seconds=False)}",
    )  # fmt: skip


def _alarm(
    kind: AlarmKind, group: ErrorGroup, fleet: Fleet, since: float, what: str, expected: str, seen: str
) -> Alarm:
    reporters = group.reporters
    address = next(iter(reporters), "")
    facts = fleet.find(address)
    program = facts.run.program if facts is not None and facts.run is not None else ""
    agents = reporters if len(reporters) > 1 else ()
    name = f"{group.fingerprint} {group.returns}"
    cause = of_program(cause_of(group.title), program)
    return Alarm(kind, address, since, what, expected, seen, LOOK_AT_IT, name, cause=cause, agents=agents)
