"""How many alarms wanted the operator, which sources raise most of them, and what happened of late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from mailcore.text.units import moment
from praxmonitor.alarms.desk import AlarmDesk
from praxmonitor.alarms.groups import groups_of
from praxmonitor.alarms.history import HistoryEntry
from praxmonitor.alarms.reports import entry_words, load_rows
from praxmonitor.alarms.statistics import DAY, AlarmLoad, load_of
from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.text.lines import Line, plain, wrap

MOST_ENTRIES = 50
"""Lines of the history that are listed, the newest."""
NAME = 16
"""Cells before the figures."""


class Opens(Protocol):
    """Where a dialog is opened."""

    def push_screen(self, screen: Screen[Any]) -> object:
        """Open it."""


def load_lines(load: AlarmLoad, entries: Sequence[HistoryEntry], now: float, width: int) -> Iterator[Line]:
    """The load, then the history, newest first."""
    for warning in load.warnings:
        for part in wrap(f"! {warning}", max(10, width)):
            yield ((part, "warn strong"),)
    for name, text in load_rows(load):
        for number, part in enumerate(wrap(plain(text), max(10, width - NAME))):
            yield ((f"{'' if number else name:<{NAME}}", "muted"), (part, ""))
    yield ()
    yield (("history", "strong"), ("   praxmonitor alarms --history", "faint"))
    for entry in list(reversed(entries))[:MOST_ENTRIES]:
        at = f"{moment(entry.at, now):<10}"
        for number, part in enumerate(wrap(plain(entry_words(entry)), max(10, width - len(at)))):
            yield ((" " * len(at) if number else at, "faint"), (part, "" if entry.event == "raised" else "muted"))
    if not entries:
        for part in wrap("nothing was raised in the last day, or nothing keeps it: a recording has no history", width):
            yield ((part, "faint"),)


class AlarmLoadScreen(ModalScreen[None]):
    """The sheet; `s` closes it too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "dismiss", "close", show=False)]
    DEFAULT_CSS = """
    AlarmLoadScreen { align: center middle; background: $background 60%; }
    """

    def __init__(self, load: AlarmLoad, entries: Sequence[HistoryEntry], now: float) -> None:
        """`entries`: of the last day, the oldest first."""
        super().__init__()
        self._load, self._entries, self._now = load, tuple(entries), now

    def compose(self) -> ComposeResult:
        """Figures and history."""
        yield Sheet("Alarms: the load", lambda width: list(load_lines(self._load, self._entries, self._now, width)))


async def open_load(desk: AlarmDesk, display: Opens) -> None:
    """Read the history and open the sheet."""
    standing, now = desk.listed()
    entries = await desk.history(now - DAY)
    load = load_of(entries, [group.leader for group in groups_of(standing, now)], now)
    display.push_screen(AlarmLoadScreen(load, entries, now))
