"""What an agent's work used, and what goes on inside it, in a few lines of the detail panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.usage import Spending, Usage
from mailcore.text.money import cost, unpriced_models
from mailcore.text.units import date, since, tokens
from praxmonitor.text.lines import Line, cut, plain

NEARLY_FULL = 0.85
"""Share of the context from which it is drawn as a warning: it is compacted soon."""
MOST_SUBAGENTS = 4
COST = 9
"""Cells of the column of money."""
NOT_TOLD = "not told"


def usage_lines(spending: Spending, width: int) -> Iterator[Line]:
    """Model and fill of the context, then tokens and money of the task and of today; nothing where nothing is known."""
    if spending.model or spending.context:
        yield (*_model(spending, width), *_context(spending))
    for label, usage in (("task   ", spending.task), ("today  ", spending.today)):
        if text := so_far(spending, usage):
            yield ((label, "muted"), (text, "faint" if spending.unfinished else ""))
    if models := unpriced_models(spending.task) or unpriced_models(spending.today):
        yield ((cut(f"no price is known of {models}", width), "warn"),)


def inside_lines(facts: AgentFacts, now: float, width: int) -> Iterator[Line]:
    """The subagents at work, a compaction that goes on, and how many lines could not be read."""
    subagents = facts.subagents
    for one in subagents[:MOST_SUBAGENTS]:
        yield (("⋔ ", "muted"), (cut(plain(one.text), width - 10), ""), (f"  {since(one.at, now)}", "faint"))
    if len(subagents) > MOST_SUBAGENTS:
        yield ((f"  and {len(subagents) - MOST_SUBAGENTS} more", "faint"),)
    if facts.compacting is not None:
        yield (("≡ compacting its context", ""), (f"  {since(facts.compacting.at, now)}", "faint"))
    if facts.lost:
        yield ((f"{facts.lost} lines could not be read", "warn"),)


def so_far(spending: Spending, usage: Usage) -> str:
    """An amount of it; while earlier work of today is still being counted, no figure that is too small."""
    text = amount(usage)
    return "counting…" if text and spending.unfinished else text


def amount(usage: Usage) -> str:
    """`1.2 M tokens, ≈$3.40`; empty where nothing was used."""
    return ", ".join(filter(None, (f"{tokens(usage.tokens)} tokens" if usage.tokens else "", cost(usage))))


def fleet_cost(fleet: Fleet, now: float) -> str:
    """What all agents together have cost on the day of `now`: `≈$12.30 today`; `…` while some of it is still counted.

    Empty where nothing was used.
    """
    day = date(now)
    today = [facts.spending for facts in fleet.agents if facts.spending.day == day]
    text = cost(sum((one.today for one in today), Usage()))
    return f"{text}{'…' if any(one.unfinished for one in today) else ''} today" if text else ""


def cost_cell(spending: Spending, now: float) -> str:
    """What an agent cost on the day of `now`, for a column of COST cells; `?` where nothing is told of it."""
    text = _cost_of_day(spending, now, digits=2)
    if not text:
        return "?"
    return text if len(text) <= COST else cost(spending.today, digits=1)[:COST]


NARROW = 64
"""Cells of a line in which names have room only where figures have less."""


def cost_lines(fleet: Fleet, now: float, width: int, why_not: Callable[[str], str]) -> Iterator[Line]:
    """Each agent's money of the day of `now`, how well it is known, and its tokens; then the sum of what is told.

    `why_not`: the address of an agent of which nothing is told → why, in words.
    """
    told = [facts.spending for facts in fleet.agents if _cost_of_day(facts.spending, now)]
    narrow = width < NARROW
    name = max(8, min(24, width - (38 if narrow else 48)))
    for facts in fleet.agents:
        spending, address = facts.spending, cut(plain(facts.address), name).ljust(name)
        if money := _cost_of_day(spending, now):
            yield ((address, ""), *_cost_row(money, spending.today, narrow, unfinished=spending.unfinished))
        else:
            yield ((address, ""), (cut(f"  {NOT_TOLD}: {why_not(facts.address)}", width - name), "faint"))
    total, unfinished = sum((one.today for one in told), Usage()), any(one.unfinished for one in told)
    money = ("…" if unfinished else cost(total)) if told else ""
    yield (("", ""),)
    row = _cost_row(money, total, narrow, unfinished=unfinished) if money else ((f"  {NOT_TOLD}", "faint"),)
    yield (("sum".ljust(name), "muted"), *row)
    if told and (silent := len(fleet.agents) - len(told)):
        yield ((f"not in it: {silent} of {len(fleet.agents)} agents, of whom nothing is told", "faint"),)


def _cost_row(money: str, used: Usage, narrow: bool, *, unfinished: bool) -> Line:
    amount_of = f"{tokens(used.tokens)} tokens" if used.tokens else f"tokens {NOT_TOLD}"
    known = _certainty(used, unfinished=unfinished)
    return ((f"  {money:>{9 if narrow else 14}}", ""), (f"  {known:<{10 if narrow else 12}}", "muted"), (amount_of, ""))


def _certainty(used: Usage, *, unfinished: bool) -> str:
    if unfinished:
        return "counting"
    if used.dollars is None or (used.unpriced_tokens and not used.dollars):
        return NOT_TOLD
    if used.unpriced_tokens:
        return "in part"
    return "estimated" if used.is_estimated else "known"


def _cost_of_day(spending: Spending, now: float, *, digits: int = 0) -> str:
    """In words; empty where nothing is told of that day."""
    if spending.day != date(now):
        return ""
    return "…" if spending.unfinished else cost(spending.today, digits=digits)


def _model(spending: Spending, width: int) -> Line:
    return ((cut(plain(spending.model), max(10, width - 28)), ""), ("   ", "")) if spending.model else ()


def _context(spending: Spending) -> Line:
    if not spending.context:
        return ()
    if not spending.window:
        return ((f"context {tokens(spending.context)}", "muted"),)
    share = spending.context / spending.window
    role = "warn" if share >= NEARLY_FULL else "muted"
    return ((f"context {tokens(spending.context)} of {tokens(spending.window)}, {share:.0%}", role),)
