"""Alarms of usage limits: one for each cause, however many agents wait for it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from mailcore.accounts.pace import used_up_at
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.limit import SERVICE
from mailcore.model.run import Run
from mailcore.observe import causes
from mailcore.observe.open_work import TURNS
from mailcore.text import counted
from mailcore.text.units import clock_time, date_and_time, soon
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.text.limits import near

SAME = 120
"""Seconds: resets that differ by less are one."""


def limit_alarms(fleet: Fleet, now: float) -> Iterator[Alarm]:
    """One for each account and reset that runs of the fleet wait for."""
    waiting: defaultdict[tuple[str, str, str, int], list[Run]] = defaultdict(list)
    trying: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    for facts in fleet.agents:
        run = facts.run
        if run is None or facts.lock is None:
            continue
        if run.parked:
            scope = SERVICE if run.limit_scope == SERVICE else ""
            waiting[run.program, run.account_label, scope, round(run.resets_at / SAME)].append(run)
        elif _tries_again(facts, run):
            trying[run.program, run.account_label].append(run)
    for (program, label, scope, reset), runs in waiting.items():
        account = label if label in ("", program) else f"{label} ({program})"
        concerned = [*runs, *trying[program, label]]
        agents = {run.target for run in concerned} | {run.sender for run in concerned} - {OPERATOR, ""}
        yield replace(_alarm(account, scope, reset, runs, now), agents=tuple(sorted(agents)))


def _tries_again(facts: AgentFacts, run: Run) -> bool:
    """Its attempts met the limit, and the present one has shown no work yet."""
    if run.phase.ended or len(run.attempts) < 2 or not run.attempts[-2].limited:
        return False
    began = run.attempts[-1].started_at
    return not any(activity.at > began and activity.kind in TURNS for activity in facts.activities)


def near_limit_alarms(fleet: Fleet, warn: float, now: float) -> Iterator[Alarm]:
    """One for each account of which most of a limit is used, until it is reached or reset."""
    for account, limit in near(fleet.limits, now, warn):
        name, scope = account.account, f" ({limit.scope})" if limit.scope else ""
        pace = f"; at this rate until {soon(end, now=now)}" if (end := used_up_at(limit)) else ""
        yield Alarm(
            AlarmKind.LIMIT_NEAR, "", limit.seen_at,
            f"usage limit of {name}{scope} is near: {limit.used or 0.0:.0%} used",
            f"less than {warn:.0%} of it ([limits] warn)",
            f"reset {soon(limit.resets_at, now=now)}{pace}",
            "at the limit its runs wait, and go on by themselves; hold (H) what can wait",
            f"{account.key} {limit.scope} {round(limit.resets_at / SAME)}",
        )  # fmt: skip


def _alarm(account: str, scope: str, reset: int, runs: list[Run], now: float) -> Alarm:
    first = min(runs, key=lambda run: run.since)
    resets_at, next_at = max(run.resets_at for run in runs), min(run.next_at for run in runs)
    if scope == SERVICE:
        what = f"the service of {account} is overloaded"
    else:
        what = f"usage limit of {account}"
    until = f" until {soon(resets_at, now=now)}" if resets_at else ""
    expected = "nothing: they go on by themselves" if resets_at else f"the next try, {clock_time(next_at)}"
    who = ", ".join(run.target for run in runs[:3]) + (f" and {len(runs) - 3} more" if len(runs) > 3 else "")
    return Alarm(
        AlarmKind.LIMIT, "", first.since, f"{what}{until}: {counted(len(runs), 'run waits', 'runs wait')}", expected,
        f"{who}; since {date_and_time(first.since, seconds=False)}",
        "retry (r) goes on now, elsewhere (P) does the task in another program or account, kill (D) cancels",
        f"{account} {scope} {reset}",
        cause=causes.of_program(causes.SERVICE, first.program) if scope == SERVICE else "",
    )  # fmt: skip
