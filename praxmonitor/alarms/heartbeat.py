"""The sign that somebody watches: for systemd's watchdog, for whoever looks at a file, and for a service elsewhere.

A dead watcher cannot say that it is dead; only that its sign does not come tells it. So it is given only while the
watcher's loop moves, its terminal takes output and its reading goes on.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mailcore.config import Alarms
from mailcore.text.units import iso
from praxmonitor.alarms.outlets import UserCommand
from praxmonitor.alarms.watchers import WatcherState

HEARTBEAT_FILE = "heartbeat"
"""In `.praxmonitor`: its time is the last sign of whoever is on duty."""
SIGN_PERIOD = 1.0
"""Seconds between two signs for the file and for systemd, at least."""
SOCKET = "NOTIFY_SOCKET"


class Heartbeat:
    """The signs of one watcher. `beat` from one thread."""

    def __init__(
        self,
        root: Path,
        what: str,
        alarms: Alarms,
        *,
        state: Callable[[], WatcherState],
        stopped: Callable[[], bool],
        unanswered: Callable[[], int],
        on_error: Callable[[str], None],
    ) -> None:
        """`what`: `screen` or `guard`; it is a guard that systemd watches. `state` tells whether it moves, `stopped`
        whether its reading broke, `unanswered` how many alarms want the operator. `on_error` is told what the user's
        command did wrong, from a thread of its own."""
        self._root, self._what = root, what
        self._state, self._stopped, self._unanswered, self._on_error = state, stopped, unanswered, on_error
        self._command = UserCommand(alarms.on_heartbeat, root, on_error, name="on_heartbeat", most=1)
        self._period = alarms.heartbeat_every if alarms.on_heartbeat else math.inf
        # Taken out of the environment: what a watcher starts is not the watcher.
        self._systemd = os.environ.pop(SOCKET, "") if what == "guard" else ""
        self._ready = False
        self._given = self._commanded = float("-inf")

    def rest(self) -> float:
        """Seconds until the next `beat` is wanted; whoever is on duty beats every five all the same."""
        if self._systemd:
            return SIGN_PERIOD
        return self._commanded + self._period - time.monotonic() if self._period < math.inf else math.inf

    def beat(self, on_duty: bool) -> None:
        """Give the signs that are due, if this one watches. Waits for nothing but the disk."""
        now = time.monotonic()
        if now - self._given < SIGN_PERIOD or self._stopped():
            return
        state = self._state()
        if not state.fit:
            return
        self._given = now
        self._notify(on_duty, state)
        if not on_duty:
            return
        self._touch()
        if now - self._commanded >= self._period:
            self._commanded = now
            self._command.send(
                {
                    "event": "heartbeat",
                    "workspace": str(self._root),
                    "at": iso(time.time()),
                    "watcher": f"{self._what} (PID {os.getpid()})",
                    "reach": state.reach.name.lower(),
                    "says": state.says,
                    "alarms": self._unanswered(),
                }
            )

    def _touch(self) -> None:
        path = self._root / ".praxmonitor" / HEARTBEAT_FILE
        try:
            os.utime(path, follow_symlinks=False)
        except FileNotFoundError:
            with suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        except OSError as error:
            self._on_error(f"{path}: {error.strerror}")

    def _notify(self, on_duty: bool, state: WatcherState) -> None:
        """Tell systemd, as `sd_notify` does."""
        if not self._systemd:
            return
        words = f"WATCHDOG=1\nSTATUS={'on duty' if on_duty else 'another is on duty'}: {state.says}\n"
        if not self._ready:
            words, self._ready = f"READY=1\n{words}", True
        address = f"\0{self._systemd[1:]}" if self._systemd.startswith("@") else self._systemd
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto(words.encode(), address)
