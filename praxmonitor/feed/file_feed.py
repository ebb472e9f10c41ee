"""Where the screen's fleets come from."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mailcore.model.account import Account
from mailcore.model.fleet import Fleet
from mailcore.model.limit import Limit
from mailcore.observe.facts import AgentTold, ErrorsRead, Fact, HostsRead, LimitsRead, LogsGrew, Roster, Seen, Used
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.watch import Batch, WorkspaceWatch
from mailcore.system import memory
from mailcore.workspace.find import Workspace, workspace_at
from praxmonitor.feed.base import FLEET_INTERVAL

if TYPE_CHECKING:
    from praxmonitor.feed.error_reader import ErrorReader

AFTER_PAINT = 0.3
"""Seconds after the first fleet from which on is read what its paint does not need."""
GIVE_BACK = 60.0
"""Seconds, at least, between two times that free memory is given back to the system."""

OnFacts: TypeAlias = Callable[[float, Sequence[Fact]], None]
"""AgentTold each reading: when it was made (seconds since the epoch), and its facts, never none."""


OnLimits: TypeAlias = Callable[[Sequence[tuple[Account, Limit]]], None]
"""AgentTold the usage limits that session files report, each with its account; never none."""


class FileFeed:
    """The fleet of the workspace that `root` is in, as its files tell it. Reads in its own thread, writes nothing."""

    def __init__(
        self,
        root: Path,
        sweep: float = 2.0,
        *,
        kernel: bool = True,
        on_facts: OnFacts | None = None,
        on_limits: OnLimits | None = None,
        frame: float = FLEET_INTERVAL,
        quiet_frame: float = math.inf,
        workspace: Workspace | None = None,
    ) -> None:
        """`sweep`: seconds between two looks at every file. `kernel=False`: sweeps only, no kernel watches.

        `frame`: seconds between two fleets at least; the first after a pause comes at once. `quiet_frame`: the same
        where an agent changed that had not changed for a frame, or where a run, a lock or a mailbox did; if that is
        shorter. `workspace`: as who opens the feed has just read it, so that the first fleet comes sooner (40 ms for
        900 agents); it is read again after that.

        `on_facts` is called in that thread with all that the fleets are made of; what it raises ends the feed. So is
        `on_limits`, with the usage limits that sessions report.
        """
        self.root, self.workspace = root, workspace
        self.sweep = sweep
        self.kernel = kernel
        self.on_facts = on_facts
        self.on_limits = on_limits
        self.frame = frame
        self.quiet_frame = min(frame, quiet_frame)

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """Fleets, at most one a frame. NoWorkspace or UsageError at the first if there is nothing to read."""
        reading = _Reading(self, asyncio.get_running_loop())
        reading.start()
        try:
            while True:
                yield await reading.next()
        finally:
            reading.stop()
            await asyncio.to_thread(reading.join)


class _Reading(threading.Thread):
    """Reads one workspace from its beginning. One thread for all of it: handing each batch to a pool costs a third."""

    def __init__(self, feed: FileFeed, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="feed", daemon=True)
        self._feed = feed
        self._loop = loop
        self._watch: WorkspaceWatch | None = None
        self._stopped = False
        self._handed: asyncio.Queue[Fleet | Exception] = asyncio.Queue()
        self._taken = threading.Event()
        """None is hidden by the next, for what came since the first is news; and few wait, however long nobody asks."""
        self._handed_at = 0.0
        """When a fleet was handed on last, by the machine's own clock."""
        self._changed_at: dict[str, float] = {}
        """Address → when it changed last, by the same clock."""
        self._changed: set[str] = set()
        """Addresses of what changed in the batch at hand."""
        self._rare = False
        """Among it is more than what agents do all the time: a run, a lock, a mailbox."""

    async def next(self) -> Fleet:
        """The next fleet; raises what ended the reading."""
        what = await self._handed.get()
        self._taken.set()
        try:
            if isinstance(what, Exception):
                raise what
            return what
        finally:
            del what  # its traceback holds this frame, and would keep the loader's open files until a collection

    def stop(self) -> None:
        """End the reading, after the batch at hand."""
        self._stopped = True
        self._taken.set()
        if self._watch is not None:
            self._watch.stop()

    def run(self) -> None:
        """Read until stopped."""
        try:
            self._read()
        except Exception as error:
            self._hand(error)

    def _read(self) -> None:
        feed = self._feed
        given, feed.workspace = feed.workspace, None  # the reading that is begun again after a failure reads it itself
        with closing(WorkspaceReader(given or workspace_at(feed.root))) as loader:
            fleet = self._learn(Fleet(loader.workspace.root), loader.initial(read_before=given is not None))
            self._tell_limits(loader)
            self._hand(fleet)
            self._changed.clear()
            self._rare = False
            errors: ErrorReader | None = None
            with WorkspaceWatch(loader.watch_paths, feed.sweep, kernel=feed.kernel, waits=loader.waits) as watch:
                self._watch = watch
                if self._stopped:
                    return
                given_back, handed = time.monotonic(), fleet
                painted = given_back + AFTER_PAINT
                watch.recall(painted)
                for batch in watch:
                    if batch.sweep and time.monotonic() - given_back > GIVE_BACK:
                        memory.give_back()
                        given_back = time.monotonic()
                    facts = _facts(loader, fleet, batch)
                    if errors is None and time.monotonic() >= painted:
                        from praxmonitor.feed.error_reader import ErrorReader as Reader

                        errors = Reader(loader.workspace)
                    if errors is not None:
                        facts += errors.read(batch)
                    fleet = self._learn(fleet, facts)
                    self._tell_limits(loader)
                    if fleet is handed:
                        continue
                    if self._is_due(time.monotonic()):
                        handed = fleet
                        self._hand(fleet)
                    else:
                        watch.recall(self._handed_at + feed.frame)
                    watch.pause(feed.quiet_frame)
                    self._taken.wait()

    def _is_due(self, now: float) -> bool:
        """Whether what changed is to be handed on: a frame is over, it changed of one who had not for a frame, or it is
        what happens seldom."""
        frame, changed_at = self._feed.frame, self._changed_at
        quiet = any(now - changed_at.get(one, 0.0) >= frame for one in self._changed)
        changed_at.update(dict.fromkeys(self._changed, now))
        due = quiet or self._rare or now - self._handed_at >= frame
        self._changed.clear()
        self._rare = False
        if due:
            self._handed_at = now
        return due

    def _learn(self, fleet: Fleet, facts: Sequence[Fact]) -> Fleet:
        at = time.time()
        if facts and self._feed.on_facts is not None:
            self._feed.on_facts(at, facts)
        self._rare = self._rare or not all(isinstance(fact, (Seen, Used, LogsGrew, AgentTold)) for fact in facts)
        of_nobody = (Roster, LimitsRead, ErrorsRead, HostsRead)
        self._changed.update([fact.address for fact in facts if not isinstance(fact, of_nobody)])
        return apply(fleet, facts, at)

    def _tell_limits(self, loader: WorkspaceReader) -> None:
        limits = loader.take_limits()
        if limits and self._feed.on_limits is not None:
            self._feed.on_limits(limits)

    def _hand(self, what: Fleet | Exception) -> None:
        self._taken.clear()
        try:
            self._loop.call_soon_threadsafe(self._handed.put_nowait, what)
        except RuntimeError:  # the loop was closed before this thread was stopped
            self._stopped = True
        if self._stopped:  # asked after the clearing: who stops it says so before
            self._taken.set()


def _facts(loader: WorkspaceReader, fleet: Fleet, batch: Batch) -> list[Fact]:
    facts = loader.changed(batch.paths) if batch.paths else []
    if batch.sweep:
        facts += loader.sweep()
    elif batch.glance:
        facts += loader.glance()
    if batch.note not in ("", *fleet.notes):
        facts = [*facts, *loader.set_remark(batch.note)]
    return facts
