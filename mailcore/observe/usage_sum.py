"""What an agent's messages used, summed up. Pure; a part of the fold."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache

from msgspec.structs import replace

from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Run
from mailcore.model.usage import Spending, Spent, Usage
from mailcore.text import units

QUARTER = 900
"""Seconds: time zones differ by quarters of an hour, so no date changes within one."""


def add_spent(old: AgentFacts, spent: Iterable[Spent]) -> Spending:
    """The agent's spending with this: in the day's sum and, where it fell into the current run, in the task's.

    A message of a new day begins a new sum; one of an earlier day counts for no day here.
    """
    known = old.spending
    day, today, task = known.day, known.today, known.task
    model, context, window, at = known.model, known.context, known.window, known.at
    for one in spent:
        its_day = local_date(one.at)
        if its_day > day:
            day, today = its_day, Usage()
        if its_day == day:
            today += one.usage
        if known.run_id and _within(one.at, old.run):
            task += one.usage
        if one.context and one.at >= at:  # neither a subagent's nor one of the backlog
            model, context, window, at = one.model or model, one.context, one.window or window, one.at
    return Spending(day, today, known.run_id, task, model, context, window, at, known.unfinished)


def for_run(spending: Spending, run: Run) -> Spending:
    """A run that was not known before begins a new sum of its task."""
    return spending if spending.run_id == run.run_id else replace(spending, run_id=run.run_id, task=Usage())


def local_date(at: float) -> str:
    """The local date of a moment, as `2026-11-22`: such dates sort. Empty where no calendar holds it."""
    return _date(int(at // QUARTER)) if units.is_known_time(at) else ""


def local_midnight(at: float) -> float:
    """When the local day began that this moment is of."""
    return time.mktime((*time.localtime(at)[:3], 0, 0, 0, 0, 0, -1))


@lru_cache(maxsize=256)
def _date(quarter: int) -> str:
    return units.date((quarter + 0.5) * QUARTER)


def _within(at: float, run: Run | None) -> bool:
    if run is None or at < int(run.created_at):
        return False
    return not run.phase.ended or at <= run.since + 1
