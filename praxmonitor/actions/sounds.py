"""What of the sounds is off, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mailcore.model.agent import OPERATOR
from mailcore.text.units import clock_time, date, end_of
from praxmonitor.actions.context import Context, View
from praxmonitor.sound.kinds import SOUND_KINDS
from praxmonitor.sound.mutes import FOREVER

MUTE_PERIODS = (
    ("for 5 minutes", 300.0),
    ("for 15 minutes", 900.0),
    ("for 30 minutes", 1800.0),
    ("for 1 hour", 3600.0),
    ("for 4 hours", 14400.0),
)
MORNING = 8 * 3600.0
"""Seconds after midnight until which is muted what is muted until tomorrow."""


def _periods(now: float) -> tuple[tuple[str, float], ...]:
    """(words, seconds) of each length that is offered at `now`."""
    morning = end_of(date(now)) + MORNING
    tomorrow = f"until tomorrow, {clock_time(morning, seconds=False)}"
    return (*MUTE_PERIODS, (tomorrow, morning - now), ("until you want to hear it again", FOREVER))


async def mute_some(context: Context[View]) -> None:
    """Ask what is to be muted, and for how long; what is muted is heard again when it is picked."""
    from praxmonitor.dialogs.choose import ChooseScreen
    from praxmonitor.widgets.row_list import text_row

    offered = _offered(context)
    options = [text_row(f"{'hear' if muted else 'mute'} {name}: {said}") for name, said, muted, _ in offered]
    what = await context.display.push_screen_wait(ChooseScreen("Mute what?", options, "Enter this · Esc nothing"))
    if what < 0:
        return
    name, _, muted, mute = offered[what]
    if muted:
        mute(0.0)
        context.display.notify(f"heard again: {name}")
        return
    periods = _periods(context.opened.clock())
    lengths = [text_row(said) for said, _ in periods]
    asked = ChooseScreen(f"Mute {name} for how long?", lengths, "Enter so long · Esc not at all")
    period = await context.display.push_screen_wait(asked)
    if period >= 0:
        said, seconds = periods[period]
        mute(seconds)
        context.display.notify(f"muted: {name}, {said}")


def _offered(context: Context[View]) -> list[tuple[str, str, bool, Callable[[float], None]]]:
    """(name, what it is, whether it is muted, what mutes it for some seconds)."""
    sound, now = context.sound, context.opened.clock()
    address, mutes = context.view.selected, context.sound.mutes
    agents = sorted({*([address] if address and address != OPERATOR else []), *mutes.agents})
    rows: list[tuple[str, str, bool, Callable[[float], None]]] = [
        (each, "its sounds alone", mutes.agent(each, now), partial(sound.mute_agent, each)) for each in agents
    ]
    rows.append(("all", "every sound", mutes.all(now), sound.mute_for))
    rows += [
        (kind, group.help, mutes.kind(kind, now), partial(sound.mute_kind, kind)) for kind, group in SOUND_KINDS.items()
    ]
    return rows
