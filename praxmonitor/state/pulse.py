"""How much each agent did in the last minutes: a count by spans of time, kept small, drawn in a few cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet, changed_rows

SPAN = 120.0
"""Seconds of a cell."""
CELLS = 10
BARS = " ▁▂▃▄▅▆▇█"
"""Of each the activities are about twice those of the one before: 1, 2, 4 … 128; alike for all agents."""
NO_PULSE = "·"
"""Before this screen was opened, and nothing is left of it in the files' newest lines."""


class Pulse(NamedTuple):
    """One agent's. A reading holds the newest thirty activities alone: of more between two readings the rest is not
    counted."""

    newest: int = 0
    """Number of the last span, counted from the epoch."""
    counts: tuple[int, ...] = (0,) * CELLS
    """Activities in each span, the newest last."""
    counted: float = 0.0
    """All up to this moment are counted."""
    known: float = 0.0
    """From here on nothing was missed."""


def follow_pulses(old: Mapping[str, Pulse], before: Fleet | None, fleet: Fleet, now: float) -> Mapping[str, Pulse]:
    """The pulses after another reading; `old` itself where no agent did anything."""
    if fleet is before:
        return old
    moved = changed_rows(before, fleet) if before is not None else None
    if moved is None:  # others than before
        known = set(map(id, before.shown)) if before is not None else set()
        moved = [facts for facts in fleet.shown if id(facts) not in known]
    changed = {facts.address: _counted(old.get(facts.address) or Pulse(known=now), facts) for facts in moved}
    return {**old, **changed} if changed else old


def _counted(pulse: Pulse, facts: AgentFacts) -> Pulse:
    new = [one.at for one in facts.activities if one.at > pulse.counted and one.kind is not Kind.MAIL]
    if not new:
        return pulse
    newest = max(pulse.newest, int(max(new) // SPAN))
    counts = list(_shifted(pulse, newest))
    for at in new:
        place = CELLS - 1 - (newest - int(at // SPAN))
        if place >= 0:
            counts[place] += 1
    return Pulse(newest, tuple(counts), max(new), pulse.known)


def _shifted(pulse: Pulse, newest: int) -> tuple[int, ...]:
    gone = min(CELLS, max(0, newest - pulse.newest))
    return (*pulse.counts[gone:], *(0,) * gone)


def pulse_text(pulse: Pulse, now: float) -> str:
    """The last `CELLS` spans, the present one last: `··  ▁▂▅█▃ `."""
    newest = int(now // SPAN)
    cells = []
    for place, count in enumerate(_shifted(pulse, newest)):
        ended = (newest - CELLS + 2 + place) * SPAN
        step = min(count.bit_length(), len(BARS) - 1)
        cells.append(BARS[step] if count or ended > pulse.known else NO_PULSE)
    return "".join(cells)
