"""Usage limits in few words: of the accounts that the fleet works with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailcore.model.fleet import Fleet
from mailcore.model.limit import SERVICE, AccountLimits, Limit
from mailcore.text.units import soon

if TYPE_CHECKING:  # what measures cells is no part of an alarm's rules
    from praxmonitor.text.lines import Span

SIGN = "⧗"
MOST_LIMITS = 2
"""Limits that the header has room for; the rest is counted."""


def standing(accounts: Iterable[AccountLimits], now: float) -> list[tuple[AccountLimits, Limit]]:
    """The limits that are reached and not over, of each account the one that lasts longest; an overload is none."""
    found = []
    for account in accounts:
        reached = [one for one in account.limits if one.reached and one.scope != SERVICE and one.resets_at > now]
        if reached:
            found.append((account, max(reached, key=lambda one: one.resets_at)))
    return found


def near(accounts: Iterable[AccountLimits], now: float, share: float) -> list[tuple[AccountLimits, Limit]]:
    """The limits of which that share is used, and that are not reached, of each account the fullest."""
    found = []
    for account in accounts:
        close = [
            one for one in account.limits
            if not one.reached and one.used is not None and one.used >= share > 0 and one.resets_at > now
        ]  # fmt: skip
        if close:
            found.append((account, max(close, key=lambda one: one.used or 0.0)))
    return found


def header_spans(fleet: Fleet, now: float, share: float, *, words: bool) -> tuple[Span, ...]:
    """`⧗ work until 03:30`, `⧗ claude week 84%`, of the two that matter most; without `words` the sign and a number."""
    from praxmonitor.text.lines import plain

    reached = standing(fleet.limits, now)
    spans: list[Span] = [
        (f"{_name(one)} until {soon(limit.resets_at, now=now)}", "warn strong") for one, limit in reached
    ]
    for one, limit in near((one for one in fleet.limits if one not in [who for who, _ in reached]), now, share):
        spans.append((f"{_name(one)} {plain(limit.scope)} {limit.used or 0.0:.0%}".replace("  ", " "), "warn"))
    if not spans:
        return ()
    if not words:
        return ((f"{SIGN}{len(spans)}", spans[0][1]),)
    more = f" +{len(spans) - MOST_LIMITS}" if len(spans) > MOST_LIMITS else ""
    joined: list[Span] = [(f"{SIGN} ", spans[0][1])]
    for text, role in spans[:MOST_LIMITS]:
        joined += [(text, role), (", ", "faint")]
    return (*joined[:-1], (more, "faint")) if more else tuple(joined[:-1])


def _name(account: AccountLimits) -> str:
    from praxmonitor.text.lines import cut, plain

    return cut(plain(account.account), 16)
