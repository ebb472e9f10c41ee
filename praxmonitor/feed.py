"""Where the screen's fleets come from."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol, TypeAlias

from mailcore.errors import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.observe.facts import Fact
from mailcore.observe.fold import apply
from mailcore.observe.load import Loader
from mailcore.observe.watch import Batch, changes
from mailcore.text import line
from mailcore.workspace import find

FRAME = 0.03
"""Seconds between two fleets at least: what happens in between comes in one."""
DRAWN = 0.1
"""The same for a screen: ten frames a second are all that an eye wants, and each costs."""
PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds before a feed that broke is begun anew: twice as many each time that it breaks again, up to the longest."""
STEADY = 60.0
"""Seconds; a feed that lived for longer is begun anew after the first pause."""

OnFacts: TypeAlias = Callable[[float, Sequence[Fact]], None]
"""Told each reading: when it was made (seconds since the epoch), and its facts, never none."""


class Feed(Protocol):
    """A source of fleets: the files of a workspace, a recording, a test's own."""

    def fleets(self) -> AsyncGenerator[Fleet, None]:
        """The fleet as it is, at once; then each time that something changed."""


class FileFeed:
    """The fleet of the workspace that `root` is in, as its files tell it. Reads in worker threads, writes nothing."""

    def __init__(
        self,
        root: Path,
        sweep: float = 2.0,
        *,
        kernel: bool = True,
        on_facts: OnFacts | None = None,
        frame: float = FRAME,
    ) -> None:
        """`sweep`: seconds between two looks at every file. `kernel=False`: sweeps only, no kernel watches.

        `frame`: seconds between two fleets at least; the first after a pause comes at once.

        `on_facts` is called in the worker thread with all that the fleets are made of; what it raises ends the feed.
        """
        self.root = root
        self.sweep = sweep
        self.kernel = kernel
        self._on_facts = on_facts
        self._frame = frame

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """Fleets, at most one a frame. NoWorkspace or UsageError at the first if there is nothing to read."""
        loader = Loader(await asyncio.to_thread(find, self.root))
        fleet = await asyncio.to_thread(self._begin, loader)
        yield fleet
        async with aclosing(changes(loader.watch_paths, self.sweep, kernel=self.kernel)) as batches:
            async for batch in batches:
                changed = await asyncio.to_thread(self._advance, loader, fleet, batch)
                if changed is fleet:
                    continue
                fleet, shown = changed, time.monotonic()
                yield fleet
                await asyncio.sleep(shown + self._frame - time.monotonic())

    def _begin(self, loader: Loader) -> Fleet:
        return self._learn(Fleet(loader.workspace.root), loader.initial())

    def _advance(self, loader: Loader, fleet: Fleet, batch: Batch) -> Fleet:
        facts = loader.changed(batch.paths) if batch.paths else []
        if batch.sweep:
            facts += loader.sweep()
        if batch.note not in ("", *fleet.notes):
            facts = [*facts, *loader.remark(batch.note)]
        return self._learn(fleet, facts)

    def _learn(self, fleet: Fleet, facts: Sequence[Fact]) -> Fleet:
        at = time.time()
        if facts and self._on_facts is not None:
            self._on_facts(at, facts)
        return apply(fleet, facts, at)


async def enduring(
    feed: Feed, told: Callable[[str], None], *, pause: float = PAUSE, longest: float = LONGEST_PAUSE
) -> AsyncGenerator[Fleet, None]:
    """The fleets of a feed that is begun anew whenever its reading raises: a watcher outlives what it watches.

    `told` is told why the watching stopped, and an empty text when it goes on. A MailcoreError before the first fleet
    is raised: there is nothing to watch.
    """
    known, broken, next_pause = False, False, pause
    while True:
        began = time.monotonic()
        try:
            async with aclosing(feed.fleets()) as fleets:
                async for fleet in fleets:
                    if broken:
                        told("")
                    known, broken = True, False
                    yield fleet
            return
        except Exception as error:
            if isinstance(error, MailcoreError) and not known:
                raise
            if time.monotonic() - began > STEADY:
                next_pause = pause
            why = line(f"{type(error).__name__}: {error}", 300)
            told(f"watching stopped: {why}; it begins anew in {next_pause:g} s")
            broken = True
        await asyncio.sleep(next_pause)
        next_pause = min(2 * next_pause, longest)
