"""`link acts`: what was asked of other hosts from here, and how it stands."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from mailcore.cli.call import Call, VerbResult
from mailcore.exceptions import UsageError
from mailcore.hosts.acts import AskedAct
from mailcore.hosts.asked_acts import asked_acts, cancel_act
from mailcore.text import line
from mailcore.text.units import date_and_time, iso


def acts(call: Call) -> VerbResult:
    """List them, the newest first; or with `cancel ID` have one taken back that has not begun."""
    words = call.arguments.rest
    if call.arguments.which == "cancel" and len(words) == 1:
        call.require()
        found = cancel_act(call.workspace, words[0])
        text = f"{found.act.words} on {found.act.to} is taken back, unless it began before this is known there"
        return {"cancelled": found.act.id}, text
    if call.arguments.which or words:
        raise UsageError("link acts, or link acts cancel ID")
    found_acts, now = asked_acts(call.workspace), time.time()
    lines = [_line(one, now) for one in found_acts]
    return [_row(one, now) for one in found_acts], "\n".join(lines) or "nothing was asked of another host"


def _line(one: AskedAct, now: float) -> str:
    state = line(one.state(now), 200) + (", to be cancelled" if one.cancelled_at and one.outcome is None else "")
    return f"{one.act.id[:8]}  {date_and_time(one.act.at)}  {one.act.to:<12} {line(one.act.words, 60):<24}  {state}"


def _row(one: AskedAct, now: float) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "id": one.act.id,
        "host": one.act.to,
        "words": one.act.words,
        "at": iso(one.act.at),
        "until": iso(one.act.until),
        "state": outcome.state.value if outcome is not None else "asked" if one.is_open(now) else "unanswered",
        "outcome": msgspec.to_builtins(outcome) if outcome is not None else None,
        "cancelled_at": iso(one.cancelled_at) if one.cancelled_at else None,
    }
