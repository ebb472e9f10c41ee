"""Which files changed: the watcher's word, and a sweep every few seconds for what no kernel reports.

Not reported are files of a directory younger than its watch, a directory made again, and what a full queue lost: hence
the sweep; a watch is never trusted alone. Where the kernel tells of all that it knows, on file systems that it alone
writes, every fifth sweep looks at all files, and between these only one that has a reason to: something changed since
the last, or the reader waits for what no file tells.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mailcore.system.watching import Watcher
from mailcore.text.units import duration

SURE_PERIODS = 5
"""Every so many periods all files are looked at, though the kernel tells of all that changes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be read again."""

    paths: frozenset[str]
    """As strings: of a busy stream a Path costs as much to make and to look up as the reading of what it names."""
    sweep: bool
    """Look at everything known."""
    glance: bool = False
    """Look at what may have changed with what did, and at what no file tells."""
    note: str = ""
    """What the operator should know of the watching itself; empty: it works."""


class WorkspaceWatch:
    """Gives batches to the one thread that iterates it, until it is stopped. A context that ends the watching."""

    def __init__(
        self,
        directories: Callable[[], Mapping[str, int]],
        period: float,
        *,
        kernel: bool = True,
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        """`directories` gives the directories to watch, flat, with their inodes: asked at the start and whenever one
        came or went, by the thread that iterates. `period`: seconds between two sweeps. `kernel=False`: sweeps only.
        Where the kernel's limits are reached, sweeps do, and the batches carry a note. `waits`: whether something is to
        be looked at a period later that no file tells; asked after each look.
        """
        self._directories = directories
        self._period = period
        self._waits = waits
        self._watcher = Watcher(period, kernel=kernel)
        self._stopped = threading.Event()
        self._nudged = threading.Event()
        self._recall = math.inf
        """When a batch is wanted though nothing changed, by the machine's own clock."""

    def __enter__(self) -> WorkspaceWatch:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
        self._watcher.close()

    def __iter__(self) -> Iterator[Batch]:
        """Batches: at once where something changed, else when the sweep is due."""
        wanted: Mapping[str, int] = {}
        restless, waits = True, True
        looked = swept = time.monotonic()
        while not self._stopped.is_set():
            if restless:
                wanted = self._directories()
                self._watcher.watch(wanted)
            full = swept + self._period * (SURE_PERIODS if self._watcher.sure else 1)
            due = min(full, looked + self._period) if waits else full
            changes = self._watcher.wait(min(due, self._recall) - time.monotonic())
            # A directory of ours itself came, went, or is watched only now: what happened before in it nobody reported.
            unsure = changes.lost or not wanted.keys().isdisjoint(changes.paths)
            now = time.monotonic()
            sweep = unsure or now >= full
            paths = frozenset(path for path in changes.paths if _wanted(path))
            waits = waits or bool(paths)
            glance = not sweep and waits and now >= looked + self._period
            restless = sweep or glance or any(_directory(path.rpartition("/")[2]) for path in paths)
            if sweep or glance:
                looked, swept = now, now if sweep else swept
            recalled = now >= self._recall or self._nudged.is_set()
            if (paths or sweep or glance or recalled) and not self._stopped.is_set():
                if recalled:
                    self._recall = math.inf
                    self._nudged.clear()
                yield Batch(paths, sweep, glance, self._note())
            if sweep or glance:
                waits = self._waits()

    def recall(self, at: float) -> None:
        """Give a batch then (by the machine's own clock), even if nothing changed. From the thread that iterates."""
        self._recall = at

    def nudge(self) -> None:
        """Give a batch at once, even if nothing changed, from whatever thread."""
        self._nudged.set()
        self._watcher.wake()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it is stopped; what changes meanwhile comes in the next batch."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """End the iterating, from whatever thread."""
        self._stopped.set()
        self._watcher.wake()

    def _note(self) -> str:
        trouble = self._watcher.trouble
        return f"watching by a look every {duration(self._period)} only: {trouble}" if trouble else ""


def _wanted(path: str) -> bool:
    """Can it be a file or directory of ours?"""
    name = path.rpartition("/")[2]
    return name.endswith((".json", ".jsonl", ".log")) or name == ".dispatch.lock" or _directory(name)


def _directory(name: str) -> bool:
    """Could be one of the directories that we watch."""
    return "." not in name[1:] or name == ".ai_mail.local"
