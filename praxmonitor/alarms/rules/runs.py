"""Alarms of runs: one whose end could not be reported, one that a timer did not start. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Run
from mailcore.text.units import date_and_time, duration
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.causes import cause_of
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

WAKE_LATE = 60.0
"""Seconds that a timer's wake may be late; a tenth of its period if that is longer."""


def run_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """What the newest run of an agent asks for: that its end is reported, and that the next one starts in time."""
    run = facts.run
    if run is None:
        return
    if run.phase.ended and run.undelivered:
        yield TimedAlarm(_undelivered(facts, run), run.since)
    every = config.agent(facts.address).wake_every
    if every and facts.lock is None and not facts.held:
        late = max(WAKE_LATE, every / 10)
        alarm = Alarm(
            AlarmKind.SILENCE, facts.address, run.created_at + every + late, "silent: its timer did not wake it",
            f"a run every {duration(every)} (wake_every in config.toml)",
            f"last run {date_and_time(run.created_at, seconds=False)}", "see to the timer; wake (w) it",
            f"wake {run.run_id}",
        )  # fmt: skip
        yield TimedAlarm(alarm, run.created_at + every, late)


def _undelivered(facts: AgentFacts, run: Run) -> Alarm:
    return Alarm(
        AlarmKind.UNDELIVERED, facts.address, run.since,
        f"{run.phase}, and {run.sender or 'its sender'} has not heard of it: {run.undelivered}",
        f"that it hears of {run.subject or 'a task'}", f"ended {date_and_time(run.since, seconds=False)}",
        "tell it by mail (m), or retry (r) the run; then acknowledge (A)", run.run_id,
        cause=cause_of(run.undelivered),
    )  # fmt: skip
