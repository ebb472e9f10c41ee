"""Of several screens and guards on one workspace, one is on duty: it alone sounds and acts.

Duty is a flock on `.praxmonitor/duty.lock`. The others wait for it in the kernel, so that one of them has it the moment
its holder ends, however that ends. The file's text names the holder, for the others to show; it decides nothing.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mailcore.system import ignored
from mailcore.system.locks import try_lock, wait_for_lock
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
        """Why there can be no duty; then every screen sounds for itself."""
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
            descriptor = try_lock(self._path)
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
        try:
            record = json.loads(self._path.read_bytes())
            return line(f"{record['what']} (PID {int(record['pid'])})", 60)
        except (OSError, ValueError, OverflowError, KeyError, TypeError, RecursionError):
            return "another"

    def close(self) -> None:
        """Give the duty up; another has it at once."""
        with self._closing:
            self._closed = True
            if self._descriptor >= 0 and self.ours:
                os.close(self._descriptor)
                self._descriptor = -1
            self.ours = False

    def _wait(self) -> None:
        try:
            descriptor = wait_for_lock(self._path)
        except OSError as error:
            self.trouble = f"{self._path}: {error.strerror}"
            return
        with self._closing:
            if self._closed:
                os.close(descriptor)
                return
            self._take(descriptor)
        self._on_change()

    def _take(self, descriptor: int) -> None:
        self.ours, self._descriptor = True, descriptor
        record = {"what": self._what, "pid": os.getpid(), "since": time.time()}
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(record).encode(), 0)
