"""`limits`: what is known of the usage limits of the accounts, and which runs wait for them."""

from __future__ import annotations

import time
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.model.limit import AccountLimits, Limit, WaitingRun
from mailcore.system.processes import alive
from mailcore.text import line
from mailcore.text.units import age, duration, iso, soon


def arguments(verb: str, parser: Parser) -> None:
    """`limits`."""
    del verb
    sender_option(parser)


def limits(call: Call) -> VerbResult:
    """Every account of this user of which a limit is known, and of this workspace the runs that wait for it."""
    from mailcore.accounts.limit_store import read_all_limits

    now, root = time.time(), str(call.workspace.root)
    rows, lines = [], []
    for account in read_all_limits():
        own = (one for one in account.waiting if one.root == root and alive(one.pid, one.start_ticks))
        waiting = sorted(own, key=lambda one: one.rank)
        rows.append({
            "account": account.account,
            "program": account.program,
            "limits": [_limit_json(one, now) for one in account.limits],
            "waiting": [_waiting_json(one) for one in waiting],
        })  # fmt: skip
        lines += _account_lines(account, waiting, now)
    return rows, "\n".join(lines) or "no program has reported a limit yet"


def _account_lines(account: AccountLimits, waiting: list[WaitingRun], now: float) -> list[str]:
    name = account.program if account.account == account.program else f"{account.account} ({account.program})"
    found = [f"{line(name, 30):<24} {line(_words(one, now), 160)}" for one in account.limits]
    found += [f"{'':<24} {one.agent} waits until {soon(one.until, now=now)} (run {one.run_id})" for one in waiting]
    return found or [f"{line(name, 30):<24} nothing is known"]


def _words(limit: Limit, now: float) -> str:
    from mailcore.accounts.pace import used_up_at

    name = limit.scope or "limit"
    seen = f"seen {age(now - limit.seen_at)} ago"
    over = bool(limit.resets_at) and limit.resets_at <= now
    if limit.reached and not over:
        until = f"until {soon(limit.resets_at, now=now)}" if limit.resets_at else "and nobody knows until when"
        left = f", in {duration(limit.resets_at - now)}" if limit.resets_at else ""
        return f"{name}: reached, {until}{left} ({limit.certainty}; {seen})"
    if over:
        return f"{name}: reset {soon(limit.resets_at, now=now)} ({seen})"
    used = f"{limit.used:.0%} used" if limit.used is not None else "not reached"
    resets = f", resets {soon(limit.resets_at, now=now)}" if limit.resets_at else ""
    pace = f"; at this rate until {soon(end, now=now)}" if (end := used_up_at(limit)) else ""
    return f"{name}: {used}{resets}{pace} ({seen})"


def _limit_json(limit: Limit, now: float) -> dict[str, Any]:
    from mailcore.accounts.pace import used_up_at

    return {
        "scope": limit.scope or None,
        "model": limit.model or None,
        "reached": limit.reached and not 0 < limit.resets_at <= now,
        "used": limit.used,
        "resets_at": iso(limit.resets_at),
        "used_up_at": iso(used_up_at(limit)),
        "seen_at": iso(limit.seen_at),
        "certainty": str(limit.certainty),
        "words": limit.words or None,
    }


def _waiting_json(run: WaitingRun) -> dict[str, Any]:
    return {"run": run.run_id, "agent": run.agent, "until": iso(run.until)}
