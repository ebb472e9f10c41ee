"""The app's part for what the operator said of being away: read now and then, once for all views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from praxmonitor.actions.open_workspace import OpenWorkspace

AWAY_PERIOD = 10.0
"""Seconds between two looks whether the operator is away."""


class Working(Protocol):
    """The app, by what this part asks of it."""

    def run_worker(self, work: Callable[[], object], *, thread: bool, group: str) -> object:
        """Do this in a thread."""


class Away:
    """Until when the operator of one workspace is away, kept in what is open of it."""

    def __init__(self, opened: OpenWorkspace, app: Working) -> None:
        self._opened, self._app = opened, app
        self._read_at = 0.0

    def tick(self) -> None:
        """Look, if it is time."""
        now = self._opened.clock()
        if self._opened.live and not 0 <= now - self._read_at < AWAY_PERIOD:
            self._read_at = now
            self._app.run_worker(self._read, thread=True, group="away")

    def _read(self) -> None:
        from mailcore.workspace.presence import away_until

        self._opened.away = away_until(self._opened.workspace)
