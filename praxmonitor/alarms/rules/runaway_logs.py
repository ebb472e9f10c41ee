"""Alarms of logs that run away: they would fill the disk, and nobody reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts
from mailcore.model.log import GrowingLog
from mailcore.observe.log_growth import GROWTH_WINDOW
from mailcore.text import line
from mailcore.text.units import date_and_time, size
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm


def runaway_log_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """One for each log that grows by more than it may, until it has not grown for a minute."""
    for log in runaway_logs(facts, config.alarms.runaway_log):
        rate = f"{size(config.alarms.runaway_log)} a minute"
        alarm = Alarm(
            AlarmKind.RUNAWAY_LOG, facts.address, log.since,
            f"runaway log: {log_place(facts, log.path)} grows by more than {rate}",
            "less than that ([alarms] runaway_log)",
            f"it grows since {date_and_time(log.since)}",
            remedy="open its log (L) and see what writes it; hold (H) or kill (D) it; cut log (X)",
            id=log_place(facts, log.path),
        )  # fmt: skip
        yield TimedAlarm(alarm, log.at - 0.001, until=log.at + GROWTH_WINDOW)


def runaway_logs(facts: AgentFacts, limit: int) -> tuple[GrowingLog, ...]:
    """The agent's logs that grow steadily by so many bytes a minute or more; none for a limit of 0."""
    return tuple(log for log in facts.log_growth if limit and log.steady and log.rate * 60 >= limit)


def log_place(facts: AgentFacts, path: str) -> str:
    """A log as seen from the agent's directory: `logs/app.log`."""
    place = Path(path)
    branch = facts.agent.branch
    return line(str(place.relative_to(branch) if place.is_relative_to(branch) else place), 200)
