"""Lets the error watcher look when an agent reported an error that it had not reported before. Nothing polls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import Fleet

QUIET_TIME, LEAST_PERIOD = 2.0, 10.0
"""Seconds from an error until the look, as more may follow; and from one look to the next at least."""
REPORTS = (Kind.ERROR, Kind.TOOL_FAILED)


class ErrorTrigger:
    """Sees each fleet that is evaluated. `run` lets the watcher look, in a process of its own."""

    def __init__(self, root: Path, on_error: Callable[[str], None]) -> None:
        """Nothing is wanted yet: what the first fleet says was there before."""
        self._root, self._on_error = root, on_error
        self._known: dict[str, tuple[Activity, ...]] = {}
        self._newest: dict[str, float] = {}
        self._wanted = asyncio.Event()

    def see(self, fleet: Fleet) -> None:
        """Want a look, if an agent reports an error that is newer than what was known of it."""
        for facts in fleet.local_agents:
            if self._known.get(facts.address) is facts.activities:
                continue
            first = facts.address not in self._known
            self._known[facts.address] = facts.activities
            newest = max((one.at for one in facts.activities if one.kind in REPORTS), default=0.0)
            if newest > self._newest.get(facts.address, 0.0):
                self._newest[facts.address] = newest
                if not first:
                    self._wanted.set()

    async def run(self, on_duty: Callable[[], bool]) -> None:
        """Look when that is wanted, while `on_duty` says so, until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(QUIET_TIME)
            self._wanted.clear()
            if on_duty():
                try:
                    await asyncio.to_thread(_look, self._root)
                except (MailcoreError, OSError) as error:
                    self._on_error(f"what errors came to the logs is not known: {error}")
            await asyncio.sleep(LEAST_PERIOD)


def _look(root: Path) -> None:
    from mailcore.config import read_config_or_defaults
    from mailcore.dispatch.lifecycle.start import start_error_watch
    from mailcore.workspace.find import workspace_at

    workspace = workspace_at(root)
    start_error_watch(workspace, read_config_or_defaults(workspace.config_file)[0])
