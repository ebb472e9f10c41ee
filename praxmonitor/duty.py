"""Of several screens and guards on one workspace, one is on duty: it alone sounds and acts.

Duty is a flock on `.praxmonitor/duty.lock`. The others wait for it in the kernel, so that one of them has it the moment
its holder ends, however that ends. The file's text names the holder, for the others to show. One who is none of ours
and holds it all the same is stepped around (`mailcore.system.locks`), and named in `trouble`: else who can read the
file could silence every screen.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mailcore.system import files, ignored
from mailcore.system.holders import holder_words, name_holder, named
from mailcore.system.locks import newest, try_lock, wait_for_lock
from mailcore.text import line

LOCK = "duty.lock"


class Duty:
    """One screen's or guard's claim to the duty. `start`, then `close`."""

    def __init__(self, directory: Path, what: str, *, on_change: Callable[[], None] = lambda: None) -> None:
        """`directory`: `.praxmonitor`, made if need be. `what`: `screen` or `guard`, shown to the others.

        `on_change` is called when it is settled whether the duty is ours, from the thread of `start` or from the
        duty's own; it must not raise.
        """
        self.ours = False
        """Whether this one is on duty."""
        self.trouble = ""
        """Why there can be no duty, and every screen sounds for itself; or who kept it and is none of ours."""
        self._path = directory / LOCK
        self._what = what
        self._on_change = on_change
        self._closing = threading.Lock()
        self._closed = False
        self._descriptor = -1

    def start(self) -> None:
        """Take the duty if it is free, else wait for it in a thread. Writes a file, waits for nothing."""
        self._claim()
        self._on_change()

    def _claim(self) -> None:
        try:
            ignored.make(self._path.parent)
            descriptor = try_lock(newest(self._path))
        except OSError as error:  # no right to write, or a file system without locks
            self.ours, self.trouble = True, f"{self._path}: {error.strerror}: whoever watches sounds, several at once"
            return
        if descriptor is None:
            threading.Thread(target=self._wait, name="duty", daemon=True).start()
        else:
            self._take(descriptor)

    def holder(self) -> str:
        """Who is on duty, if it is another: `guard (PID 4711)`; empty for ourselves. Reads a file."""
        if self.ours:
            return ""
        with suppress(OSError), files.opened(newest(self._path)) as file:
            record = named(file.fileno())
            if "what" in record:
                return line(f"{record['what']} (PID {record['pid']})", 60)
            return line(holder_words(file.fileno()), 60)
        return "another process"

    def close(self) -> None:
        """Give the duty up; another has it at once."""
        with self._closing:
            self._closed = True
            if self._descriptor >= 0 and self.ours:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, 0)
                os.close(self._descriptor)
                self._descriptor = -1
            self.ours = False

    def _wait(self) -> None:
        try:
            descriptor = wait_for_lock(self._path, own=True, told=self._tell)
        except OSError as error:
            self.trouble = f"{self._path}: {error.strerror}"
            return
        with self._closing:
            if self._closed:
                os.close(descriptor)
                return
            self._take(descriptor)
        self._on_change()

    def _tell(self, holder: str) -> None:
        self.trouble = f"{self._path} was kept by {holder}, which is none of ours: it was stepped around"

    def _take(self, descriptor: int) -> None:
        self.ours, self._descriptor = True, descriptor
        with suppress(OSError):
            name_holder(descriptor, what=self._what, since=time.time())
