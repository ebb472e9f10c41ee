"""What another screen or command answered or muted is known at once: the kernel tells of the files of the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mailcore.system.watching import Watcher, inodes


@contextmanager
def store_changes(directory: Path, look: float) -> Iterator[asyncio.Event]:
    """An event of the running loop that is set when a file in `directory`, which is made, has changed.

    `look`: seconds between two times that it is set where the kernel tells nothing.
    """
    changed, loop, over = asyncio.Event(), asyncio.get_running_loop(), threading.Event()
    with suppress(OSError):  # then whoever waits looks at times
        directory.mkdir(parents=True, exist_ok=True)
    with Watcher(look) as watcher:
        watcher.watch(inodes([directory]))

        def follow() -> None:
            while not over.is_set():
                told = watcher.wait()
                if (told.paths or told.lost) and not over.is_set():
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
