"""Alarms of what went wrong of late: a storm of errors in an agent's log, a service that refuses the agent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts
from mailcore.observe.causes import SERVICE, cause_of, of_program
from mailcore.text.units import date_and_time
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

STORM = 60.0
"""Seconds in which so many errors are a storm, and for which it lasts past its last error."""
MOST_ERRORS = 20
"""More errors than that are not asked of a storm: an agent's newest 30 activities are kept."""


def error_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """A storm of errors, and a refusal by the service that nothing came after."""
    if config.alarms.storm and facts.activities:
        yield from _storm(facts, config.alarms.storm)
    if facts.activities and facts.activities[-1].kind is Kind.LIMIT and facts.lock is not None:
        yield _limited(facts)


def _storm(facts: AgentFacts, number: int) -> Iterator[TimedAlarm]:
    errors = [activity for activity in facts.activities if activity.kind is Kind.ERROR]
    number = min(number, MOST_ERRORS)
    for first, last in zip(errors, errors[number - 1 :], strict=False):
        if last.at - first.at <= STORM:
            alarm = Alarm(
                AlarmKind.STORM, facts.address, last.at, f"error storm: {errors[-1].text}",
                f"fewer than {number} errors in a minute ([alarms] storm)",
                f"{len(errors)} errors since {date_and_time(first.at, seconds=False)}",
                "open (Enter) its log; kill (D) or hold (H) it",
                cause=of_program(cause_of(errors[-1].text), facts.run.program if facts.run is not None else ""),
            )  # fmt: skip
            yield TimedAlarm(alarm, last.at - 0.001, until=errors[-1].at + STORM)
            return


def _limited(facts: AgentFacts) -> TimedAlarm:
    activity, run = facts.activities[-1], facts.run
    alarm = Alarm(
        AlarmKind.LIMIT, facts.address, activity.at, f"limited: {activity.text}", "the service's next answer",
        f"refused {date_and_time(activity.at, seconds=False)}",
        "its program tries again by itself; kill (D) it if it is not to",
        run.run_id if run is not None and not run.phase.ended else "",
        cause=of_program(SERVICE, run.program if run is not None else ""),
    )  # fmt: skip
    return TimedAlarm(alarm, activity.at - 0.001)
