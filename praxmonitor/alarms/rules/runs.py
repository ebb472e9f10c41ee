"""Alarms of runs: one whose end could not be reported, a wake that did not come. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.machine_status import MachineStatus, counted_from
from mailcore.model.run import Run
from mailcore.observe.causes import cause_of
from mailcore.text.units import date_and_time, duration
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

WAKE_LATE = 60.0
"""Seconds that a timer's wake may be late; a tenth of its period if that is longer."""


def run_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """What the newest run of an agent asks for: that its end is reported."""
    del config
    run = facts.run
    if run is None:
        return
    if run.phase.ended and run.undelivered:
        yield TimedAlarm(_undelivered(facts, run), run.since)


def wake_alarms(fleet: Fleet, config: Config, now: float, machine_status: MachineStatus) -> Iterator[Alarm]:
    """Of agents that a timer was to wake, and did not: again, or for the first time."""
    signs = machine_status.woken_at
    if signs is None and machine_status.work is not None:
        return  # somebody looks, and has not yet
    for facts in fleet.local_agents:
        every, run = config.agent(facts.address).wake_every, facts.run
        last = max(run.created_at if run is not None else 0.0, (signs or {}).get(facts.address, 0.0))
        if not every or not last or facts.lock is not None or facts.held:
            continue
        late = max(WAKE_LATE, every / 10)
        if counted_from(last + every, late, machine_status.gaps) + late <= now:
            yield _missed_wake(facts, last, every, last + every + late)


def _missed_wake(facts: AgentFacts, last: float, every: float, since: float) -> Alarm:
    run, at = facts.run, date_and_time(last, seconds=False)
    seen = f"last run {at}" if run is not None else f"no run yet; waited for since {at}"
    if run is not None and last > run.created_at:
        seen = f"last woken {at}, when no mail waited"
    return Alarm(
        AlarmKind.SILENCE, facts.address, since,
        f"silent: its timer {'did not wake' if run is not None else 'never woke'} it",
        f"a wake every {duration(every)} (wake_every in config.toml)", seen,
        "see to the timer (`crontab -l`), wake (w) it; if none is wanted, take wake_every out",
        f"wake {run.run_id if run is not None else ''}".strip(),
    )  # fmt: skip


def _undelivered(facts: AgentFacts, run: Run) -> Alarm:
    return Alarm(
        AlarmKind.UNDELIVERED, facts.address, run.since,
        f"{run.phase}, and {run.sender or 'its sender'} has not heard of it: {run.undelivered}",
        f"that it hears of {run.subject or 'a task'}", f"ended {date_and_time(run.since, seconds=False)}",
        "tell it by mail (m), or retry (r) the run; then acknowledge (A)", run.run_id,
        cause=cause_of(run.undelivered),
    )  # fmt: skip
