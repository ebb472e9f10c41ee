"""In which order, and how fast, the runs of one account go on when its limit is lifted.

The highest priority goes first, then the oldest. The first is a probe: it shows whether the limit is lifted, before the
others follow one by one. Whoever meets the limit again notes it (`limit_store`), and all others wait again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec.structs import replace

from mailcore.accounts.limit_store import changing_limits, read_limits
from mailcore.model.account import Account
from mailcore.model.limit import AccountLimits, WaitingRun
from mailcore.system.processes import alive

MINUTE = 60.0
PROBE_SECONDS = 5.0
"""Seconds after the first start in which it can show that the limit still stands."""
RANKS = {"high": 0, "normal": 1, "low": 2}


def rank_of(priority: str, since: float) -> tuple[int, float]:
    """The place of a run of that priority which waits since then: the lowest goes first."""
    return RANKS.get(priority, RANKS["normal"]), since


def join_waiting(account: Account, run: WaitingRun) -> None:
    """Wait among the account's runs; said again, it replaces what was said before. OSError, MailcoreError."""
    with changing_limits(account) as change:
        change(lambda state: replace(state, waiting=(*_others(state, run.run_id), run)))


def leave_waiting(account: Account, run_id: str) -> None:
    """Wait no more."""
    if any(one.run_id == run_id for one in read_limits(account).waiting):
        with changing_limits(account) as change:
            change(lambda state: replace(state, waiting=_others(state, run_id)))


def seconds_to_turn(account: Account, run_id: str, starts_a_minute: int) -> float:
    """0.0: it is this run's turn, which is noted, and it waits no more; else how long until it should ask again."""
    left = 0.0

    def take(state: AccountLimits) -> AccountLimits:
        nonlocal left
        now = time.time()
        starts = tuple(at for at in state.starts if now - MINUTE < at <= now)
        waiting = tuple(one for one in state.waiting if one.run_id == run_id or alive(one.pid, one.start_ticks))
        left = _seconds_left(waiting, starts, run_id, now, MINUTE / starts_a_minute)
        if left > 0:
            return replace(state, starts=starts, waiting=waiting)
        mine = tuple(one for one in waiting if one.run_id != run_id)
        return replace(state, starts=(*starts, now), waiting=mine)

    with changing_limits(account) as change:
        change(take)
    return left


def _seconds_left(
    waiting: Iterable[WaitingRun], starts: tuple[float, ...], run_id: str, now: float, gap: float
) -> float:
    due = sorted((one for one in waiting if one.until <= now or one.run_id == run_id), key=lambda one: one.rank)
    place = next((n for n, one in enumerate(due) if one.run_id == run_id), 0)
    pause = 0.0 if not starts else (max(PROBE_SECONDS, gap) if len(starts) == 1 else gap)
    free = starts[-1] + pause if starts else now
    return 0.0 if place == 0 and now >= free else max(free - now, 0.05) + place * gap


def _others(state: AccountLimits, run_id: str) -> tuple[WaitingRun, ...]:
    return tuple(one for one in state.waiting if one.run_id != run_id)
