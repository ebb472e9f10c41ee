"""What the agents cost today, one line each."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.screen import ModalScreen

from mailcore.model.fleet import Fleet
from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.text.usage import cost_lines


class CostScreen(ModalScreen[None]):
    """The list, as it stood when it was opened."""

    DEFAULT_CSS = """
    CostScreen { align: center middle; background: $background 60%; }
    """

    def __init__(self, fleet: Fleet, now: float, why_not: Callable[[str], str]) -> None:
        """`now`: seconds since the epoch; its day is the one that is told. `why_not`: as of `cost_lines`."""
        super().__init__()
        self._fleet, self._now, self._why_not = fleet, now, why_not

    def compose(self) -> ComposeResult:
        """Agents and their sum."""
        yield Sheet("Cost today", lambda width: list(cost_lines(self._fleet, self._now, width, self._why_not)))
