"""Tells agents that they change the same files, when that is seen first. Nothing polls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.model.file_write import SharedFile
from mailcore.model.fleet import Fleet
from mailcore.observe.file_writes import SharedFiles

MANY_KNOWN = 1000
"""Files and pairs that are remembered as told, from which on those are forgotten that are over."""


class SharedFileTrigger:
    """Sees each fleet that is evaluated, and tells the agents while `on_duty` says so."""

    def __init__(self, root: Path, on_error: Callable[[str], None]) -> None:
        """What the first fleet says was there before: it is told by nobody again."""
        self._root, self._on_error = root, on_error
        self._shared = SharedFiles()
        self._known: dict[tuple[str, str, str], float] = {}
        self._first = True
        self._new: asyncio.Queue[SharedFile] = asyncio.Queue()

    def see(self, fleet: Fleet, now: float | None = None) -> None:
        """Want those told that are new, or again after they were over."""
        now = time.time() if now is None else now
        for one in self._shared.look(fleet, now):
            key = (one.path, one.first, one.second)
            if self._known.get(key, 0.0) < now and not self._first:
                self._new.put_nowait(one)
            self._known[key] = one.until
        self._first = self._first and not fleet.agents
        if len(self._known) > MANY_KNOWN:
            self._known = {key: until for key, until in self._known.items() if until >= now}

    async def run(self, on_duty: Callable[[], bool]) -> None:
        """Tell what is new, all of it at once, until cancelled."""
        while True:
            new = [await self._new.get()]
            while not self._new.empty():
                new.append(self._new.get_nowait())
            if on_duty():
                try:
                    failed = await asyncio.to_thread(_tell, self._root, new)
                except (MailcoreError, OSError) as error:
                    failed = [str(error)]
                for why in failed:
                    self._on_error(f"not told that a file is changed by two: {why}")


def _tell(root: Path, shared: Sequence[SharedFile]) -> list[str]:
    from mailcore.dispatch.shared_file_mail import tell_shared
    from mailcore.workspace.find import workspace_at

    return tell_shared(workspace_at(root), shared)
