"""What another screen or command answered or muted is known at once: the kernel tells of the files of the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mailcore.system.watching import Watcher, inodes

SURE_LOOKS = 12
"""A minute at `[alarms] look = 5`."""


@contextmanager
def store_changes(directory: Path, look: float) -> Iterator[asyncio.Event]:
    """An event of the running loop that is set when a file in `directory`, which is made, has changed.

    It is set every `look` seconds where the kernel may tell less than changes, and else every SURE_LOOKS times `look`:
    a watch is never trusted alone.
    """
    changed, loop, over = asyncio.Event(), asyncio.get_running_loop(), threading.Event()
    with suppress(OSError):  # then whoever waits looks at times
        directory.mkdir(parents=True, exist_ok=True)
    with Watcher(look) as watcher:

        def follow() -> None:
            while not over.is_set():
                watcher.watch(inodes([directory]))  # it may have been made anew
                watcher.wait(look * SURE_LOOKS if watcher.sure else look)
                if not over.is_set():
                    with suppress(RuntimeError):  # the loop is closed
                        loop.call_soon_threadsafe(changed.set)

        thread = threading.Thread(target=follow, name="store changes", daemon=True)
        thread.start()
        try:
            yield changed
        finally:
            over.set()
            watcher.wake()
            thread.join()
