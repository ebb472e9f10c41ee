"""What an agent's messages used, summed up. Pure; a part of the fold."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Run
from mailcore.model.usage import Spending, Spent, Usage


def spend(old: AgentFacts, spent: Iterable[Spent]) -> AgentFacts:
    """Add what was used to the day's sum and, where it fell into the current run, to the task's.

    A message of a new day begins a new sum; one of an earlier day counts for no day here.
    """
    spending = old.spending
    for one in spent:
        day = date(one.at)
        if day > spending.day:
            spending = replace(spending, day=day, today=Usage())
        if day == spending.day:
            spending = replace(spending, today=spending.today + one.usage)
        if spending.run_id and _within(one.at, old.run):
            spending = replace(spending, task=spending.task + one.usage)
        spending = replace(
            spending,
            model=one.model or spending.model,
            context=one.context or spending.context,
            window=one.window or spending.window,
        )
    return old if spending == old.spending else replace(old, spending=spending)


def on_run(spending: Spending, run: Run) -> Spending:
    """A run that was not known before begins a new sum of its task."""
    return spending if spending.run_id == run.run_id else replace(spending, run_id=run.run_id, task=Usage())


def date(at: float) -> str:
    """The local date of a moment, as `2026-11-22`: such dates sort."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def _within(at: float, run: Run | None) -> bool:
    if run is None or at < int(run.created_at):
        return False
    return not run.phase.ended or at <= run.since + 1
