"""Where the screen's fleets come from."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from mailcore.model.fleet import Fleet
from mailcore.observe.fold import apply
from mailcore.observe.load import Loader
from mailcore.observe.watch import Batch, changes
from mailcore.workspace import find

FRAME = 0.1
"""Seconds between two fleets at least: what happens in between comes in one."""


class Feed(Protocol):
    """A source of fleets: the files of a workspace, a recording, a test's own."""

    def fleets(self) -> AsyncIterator[Fleet]:
        """The fleet as it is, at once; then each time that something changed."""


class FileFeed:
    """The fleet of the workspace that `root` is in, as its files tell it. Reads in worker threads, writes nothing."""

    def __init__(self, root: Path, sweep: float = 2.0, *, kernel: bool = True) -> None:
        """`sweep`: seconds between two looks at every file. `kernel=False`: sweeps only, no kernel watches."""
        self.root = root
        self.sweep = sweep
        self.kernel = kernel

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """Fleets, at most one a FRAME. NoWorkspace or UsageError at the first if there is nothing to read."""
        loader = Loader(await asyncio.to_thread(find, self.root))
        fleet = await asyncio.to_thread(_begin, loader)
        yield fleet
        async with aclosing(changes(loader.watch_paths, self.sweep, kernel=self.kernel)) as batches:
            async for batch in batches:
                changed = await asyncio.to_thread(_advance, loader, fleet, batch)
                if changed is fleet:
                    continue
                fleet, shown = changed, time.monotonic()
                yield fleet
                await asyncio.sleep(shown + FRAME - time.monotonic())


def _begin(loader: Loader) -> Fleet:
    facts = loader.initial()
    return apply(Fleet(loader.workspace.root), facts, time.time())


def _advance(loader: Loader, fleet: Fleet, batch: Batch) -> Fleet:
    facts = loader.sweep() if batch.sweep else loader.changed(batch.paths)
    if batch.note not in ("", *fleet.notes):
        facts = [*facts, *loader.remark(batch.note)]
    return apply(fleet, facts, time.time())
