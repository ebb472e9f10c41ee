"""Alarms of runs: one whose end could not be reported, one that a timer did not start. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.machine_status import MachineStatus, counted_from
from mailcore.model.run import Run
from mailcore.text.units import date_and_time, duration
from praxmonitor.alarms.alarm import Alarm, AlarmKind
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
        seen = f"last run {date_and_time(run.created_at, seconds=False)}"
        yield _missed_wake(facts, run.created_at, every, "its timer did not wake it", seen, run.run_id)


def first_wake_alarms(fleet: Fleet, config: Config, now: float, machine_status: MachineStatus) -> Iterator[Alarm]:
    """Of agents that a timer was to wake, and that never had a run."""
    for address, since in machine_status.unwoken_since.items():
        facts, every = fleet.find(address), config.agent(address).wake_every
        if facts is not None and facts.run is None and facts.lock is None and not facts.held and every:
            seen = f"no run yet; config.toml and the agent are as they are since {date_and_time(since, seconds=False)}"
            wake = _missed_wake(facts, since, every, "its timer never woke it", seen, "")
            if counted_from(wake.last, wake.limit, machine_status.gaps) + wake.limit <= now:
                yield wake.alarm


def _missed_wake(facts: AgentFacts, last: float, every: float, what: str, seen: str, run_id: str) -> TimedAlarm:
    late = max(WAKE_LATE, every / 10)
    alarm = Alarm(
        AlarmKind.SILENCE, facts.address, last + every + late, f"silent: {what}",
        f"a run every {duration(every)} (wake_every in config.toml)", seen,
        "see to the timer (`crontab -l`), wake (w) it; if none is wanted, take wake_every out",
        f"wake {run_id}".strip(),
    )  # fmt: skip
    return TimedAlarm(alarm, last + every, late)


def _undelivered(facts: AgentFacts, run: Run) -> Alarm:
    return Alarm(
        AlarmKind.UNDELIVERED, facts.address, run.since,
        f"{run.phase}, and {run.sender or 'its sender'} has not heard of it: {run.undelivered}",
        f"that it hears of {run.subject or 'a task'}", f"ended {date_and_time(run.since, seconds=False)}",
        "tell it by mail (m), or retry (r) the run; then acknowledge (A)", run.run_id,
    )  # fmt: skip
