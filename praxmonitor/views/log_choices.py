"""Which logs can be shown: every agent, and below the one that is shown all of its logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from textual.screen import Screen
from textual.timer import Timer

from mailcore.text.units import age, size
from praxmonitor.state.log_open import ListedLog
from praxmonitor.state.log_signs import log_label, signs_of
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import Line, Span, plain, spread
from praxmonitor.widgets.row_list import Drawing, Row, RowList, marked

RESTS = 0.15
"""Seconds that the cursor rests on a row before that log is opened: a key held down opens none."""


@dataclass(frozen=True, slots=True)
class LogChoice:
    """One thing that can be shown."""

    address: str
    path: str = ""
    """Of the log; empty: all of the agent's."""

    @property
    def key(self) -> str:
        """What its row is called."""
        return f"{self.address} {self.path}"


class LogChoices:
    """The list. `picked` is told what is wanted, as soon as the cursor rests."""

    def __init__(self, screen: Screen[None], picked: Callable[[LogChoice], None]) -> None:
        self._screen, self._picked = screen, picked
        self.list = RowList("choices", picked=self._move)
        self._choices: tuple[LogChoice, ...] = ()
        self._settle: Timer | None = None

    @property
    def has_focus(self) -> bool:
        """Its cursor is what the keys move."""
        return self.list.lines.has_focus

    def show(self, snapshot: Snapshot, logs: Sequence[ListedLog], shown: LogChoice) -> None:
        """List these; the cursor is on what is shown, save while it is moved."""
        rows = list(log_options(snapshot, logs, shown))
        self._choices = tuple(choice for choice, _ in rows)
        self.list.show([Row((choice.key,), marked(draw)) for choice, draw in rows])
        if self._settle is None and not self.has_focus:
            self.list.choose(shown.key)

    def _move(self) -> None:
        if self._settle is not None:
            self._settle.stop()
        self._settle = self._screen.set_timer(RESTS, self._rest)

    def _rest(self) -> None:
        self._settle = None
        place = self.list.index
        if place is not None and place < len(self._choices):
            self._picked(self._choices[place])


def log_options(snapshot: Snapshot, logs: Sequence[ListedLog], shown: LogChoice) -> Iterator[tuple[LogChoice, Drawing]]:
    """What can be chosen, and how each is drawn."""
    for facts in snapshot.fleet.agents:
        look = LOOKS[snapshot.status(facts.address).state]
        left: Line = ((f"{look.glyph} ", look.role), (plain(facts.address.removeprefix("@")), "strong"))
        yield LogChoice(facts.address), partial(_line, left, ((f"{look.word} ", look.role),))
        if facts.address != shown.address:
            continue
        signs = signs_of([each.source for each in logs])
        for each in logs:
            sign, role = signs[each.source.path]
            name: Line = ((f"    {sign} ", role), (log_label(each.source), ""))
            seen = age(snapshot.now - each.written_at) if snapshot.now >= each.written_at else ""
            yield (
                LogChoice(facts.address, each.source.path),
                partial(_line, name, ((f"{size(each.size)}  {seen:>4} ", "muted"),)),
            )


def _line(left: Line, right: Sequence[Span], width: int) -> list[Line]:
    return [spread(left, right, width)]
