"""Which files changed in some directories, told in the loop: the kernel's word, and a look where it gives none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from mailcore.system.watching import Watcher, inodes

_LOOK = 1.0
"""Seconds between two looks where the kernel tells nothing."""
_REST = 0.02
"""Seconds after a change in which further ones are not asked for: of a stream of writes each would wake the loop."""

OnChange = Callable[[frozenset[str] | None], None]
"""Called in the loop with the paths that changed; None: anything may have."""


async def watch_directories(directories: Callable[[], Iterable[Path]], on_change: OnChange) -> NoReturn:
    """Watch them, flat, until cancelled: which they are is asked again after each change. The first look tells None."""
    loop = asyncio.get_running_loop()
    ending = threading.Event()

    def watch(watcher: Watcher) -> None:
        watcher.watch(inodes(directories()))
        loop.call_soon_threadsafe(on_change, None)
        while not ending.is_set():
            watcher.watch(inodes(directories()))
            changes = watcher.wait()
            if not ending.is_set() and (changes.lost or changes.paths):
                loop.call_soon_threadsafe(on_change, None if changes.lost else changes.paths)
                ending.wait(_REST)

    with Watcher(_LOOK) as watcher:
        thread = threading.Thread(target=watch, args=(watcher,), name="watch", daemon=True)
        thread.start()
        try:
            await loop.create_future()
        finally:
            ending.set()
            watcher.wake()
            thread.join()
    raise AssertionError("it ends by being cancelled")
