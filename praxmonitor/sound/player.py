"""Plays sounds from a child process, so that no audio library can write on the screen, block it or take it down.

The child, `praxmonitor.sound.child`, owns one open device. It reads JSON lines, `{"sound": "mail", "volume": 1.0,
"at": <epoch seconds>}` or `{"stop": true}`, and ends with its stdin. It writes a line `{"backend": "miniaudio/pulse"}`
when it can play. When it cannot, or can no longer, it writes `{"backend": "none", "reason": "…"}`, or `"lost"`, and
ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from praxmonitor.sound import Sound

STARTING = "starting"
NONE = "none"
LOST = "lost"
DEBOUNCE = 0.1
"""Seconds; the same sound again within them is one sound."""
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each restart of a child that played and then died; after the last the player gives up."""
STEADY = 30.0
"""Seconds; a child that lived for longer is owed all restarts anew."""


class Player:
    """Hands sounds to the child. No call blocks or raises; all may come from any thread.

    ```
    player = Player(find_pack("default"), on_ready=lambda: app.call_later(app.show_sound))
    player.start()
    player.play(Sound.MAIL) or app.bell()
    ```
    """

    def __init__(self, pack: Path, *, backend: str = "", on_ready: Callable[[], None] | None = None) -> None:
        """`backend` as in `backends.open_device`.

        `on_ready` is called from the player's thread each time it is settled whether there is a device; it must not
        raise.
        """
        self.backend = STARTING
        """`starting`, the device's name such as `miniaudio/pulse`, or `none`."""
        self.reason = ""
        """Why there is no device."""
        self._command = [sys.executable, "-P", "-m", "praxmonitor.sound.child", str(pack), "--backend", backend]
        self._on_ready = on_ready
        self._muted = False
        self._last: dict[Sound, float] = {}
        self._request: dict[str, object] | None = None
        self._pipe: IO[bytes] | None = None
        self._pipe_lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the child and return at once. Once `backend` is `none`, this tries again."""
        if self._thread is not None and self._thread.is_alive():
            return
        self.backend, self.reason = STARTING, ""
        self._closing.clear()
        self._thread = threading.Thread(target=self._supervise, name="sound", daemon=True)
        self._thread.start()

    @property
    def muted(self) -> bool:
        """While true nothing is played; setting it cuts off what plays."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted
        if muted:
            self._request = None
            self._send({"stop": True})

    def play(self, sound: Sound, volume: float = 1.0) -> bool:
        """Play a sound now; `volume` is 0.0 to 1.0.

        `False` says that no device took it, so that the caller can ring the terminal's bell. `True` says that nothing
        is left to do: a device has it, it was played a moment ago, or the player is muted.
        """
        if self._muted:
            return True
        now = time.monotonic()
        if now - self._last.get(sound, -DEBOUNCE) < DEBOUNCE:
            return True
        request: dict[str, object] = {"sound": sound, "volume": volume, "at": time.time()}
        if not self._send(request):
            return False
        self._last[sound], self._request = now, request
        return True

    def close(self) -> None:
        """End the child; waits for it for 2 s at most."""
        self._closing.set()
        self._hang_up()
        if self._thread is not None:
            self._thread.join(2.0)

    def _send(self, request: dict[str, object]) -> bool:
        # The pipe does not block, and a line shorter than PIPE_BUF is written whole or not at all.
        with self._pipe_lock:
            if self._pipe is None or self.backend in (STARTING, NONE):
                return False
            try:
                os.write(self._pipe.fileno(), json.dumps(request).encode() + b"\n")
            except OSError:
                return False
            return True

    def _hang_up(self) -> None:
        with self._pipe_lock:
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None

    def _settle(self, backend: str, reason: str = "") -> None:
        self.backend, self.reason = backend, reason
        if self._on_ready and not self._closing.is_set():
            self._on_ready()

    def _supervise(self) -> None:
        """Keep one child running, until one says at the start that it cannot play, or too many die."""
        deaths = 0
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                played, reason = self._one_child()
            except OSError as error:
                played, reason = True, str(error)
            if time.monotonic() - began > STEADY:
                deaths = 0
            # A child that finds no device after another had one may be early: sound servers take a second to restart.
            if not (played or deaths) or deaths == len(BACKOFF):
                self._settle(NONE, reason)
                return
            self.backend = STARTING
            self._closing.wait(BACKOFF[deaths])
            deaths += 1

    def _one_child(self) -> tuple[bool, str]:
        """Run a child to its end: whether it died rather than found nothing to play on, and why it ended."""
        backend, reason = "", ""
        with subprocess.Popen(
            self._command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as child:
            assert child.stdin and child.stdout
            os.set_blocking(child.stdin.fileno(), False)
            with self._pipe_lock:
                self._pipe = child.stdin
            if self._closing.is_set():
                self._hang_up()
            for line in child.stdout:
                backend, reason = _parsed(line) or (backend, reason)
                if backend not in (NONE, LOST):
                    self._settle(backend)
                    if self._request:
                        # The child before may have died of it: that is how a lost device is found out. A child drops
                        # what is over 2 s old.
                        self._send(self._request)
            self._hang_up()
        return backend != NONE, reason or f"the sound player died: exit status {child.returncode}"


def _parsed(line: bytes) -> tuple[str, str] | None:
    """Backend and reason of a line of the child's; `None` if it is not ours, because a library wrote it."""
    try:
        said: Any = json.loads(line)
        return str(said["backend"]), str(said.get("reason", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
