"""What the system says of its sound outputs: a server came or went, an output was plugged in or taken away.

Two tell it: the kernel, where a sound server makes its socket and a card its device file; and the server itself, asked
by `pactl subscribe` where that is installed (PulseAudio, and PipeWire in its stead). It is asked by the path of its
socket: that starts no server. Whoever waits for a device still has to try at times, for neither may be there.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mailcore.system.watching import Watcher, inodes

CARDS = Path("/dev/snd")
GATHER_CHANGES = 0.2
"""Seconds after a change in which further ones are gathered: a server that starts changes much at once."""
ASK_AGAIN_AFTER = 5.0
"""Seconds after which a server that hung up, and whose socket is still there, is asked again."""
OUTPUT_LOST = re.compile(rb"'remove' on sink #|Connection terminated")
"""An output went, or the server itself; one that refuses (`Connection refused`) was none before."""
OUTPUTS_CHANGED = re.compile(rb"'(?:new|remove)' on (?:sink|card) #|'change' on server|Connection terminated")


class OutputEvents:
    """Calls `on_change` from a thread of its own, from `start` on until `close`."""

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        """`on_change` is told whether an output or its server went: what was open may be silent. It must not raise."""
        self._on_change = on_change
        self._closing = threading.Event()
        self._watcher: Watcher | None = None

    def start(self) -> None:
        """Listen from now on. OSError where this process has no descriptors left."""
        self._closing = threading.Event()
        self._watcher = Watcher(ASK_AGAIN_AFTER)
        threading.Thread(target=self._listen, args=(self._watcher, self._closing), name="outputs", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.wake()

    def _listen(self, watcher: Watcher, closing: threading.Event) -> None:
        server: _Subscription | None = None
        asked = float("-inf")
        with watcher:
            while not closing.is_set():
                paths = sockets()
                watcher.watch(inodes(_places(paths)))
                there = next(filter(_is_socket, paths), None)
                if server is None and there is not None and time.monotonic() - asked >= ASK_AGAIN_AFTER:
                    asked, server = time.monotonic(), _Subscription.to(there)
                changes = watcher.wait(
                    ASK_AGAIN_AFTER if server is None and there is not None else None,
                    [server] if server is not None else [],
                )
                changed, lost = any(_concerns(path, paths) for path in changes.paths), False
                if server is not None and changes.ready:
                    server_changed, lost = server.read()
                    changed = changed or server_changed
                    if server.over:
                        server = None
                if changed and not lost:
                    closing.wait(GATHER_CHANGES)
                    asked = float("-inf")
                if changed and not closing.is_set():
                    self._on_change(lost)  # at once if lost: in a moment another device may be open
            if server is not None:
                server.end()


class _Subscription:
    """A server that tells what changes at it; and its client, that it hung up."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._torn = b""
        self.over = False

    @classmethod
    def to(cls, socket: Path) -> _Subscription | None:
        """One to this server; None where there is no program to ask it with."""
        command = shutil.which("pactl")
        if command is None:
            return None
        with suppress(OSError):
            return cls(
                subprocess.Popen(
                    [command, "-s", f"unix:{socket}", "subscribe"],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    env={**os.environ, "LC_ALL": "C"}, start_new_session=True,
                )
            )  # fmt: skip
        return None

    def fileno(self) -> int:
        """Readable when there is something to `read`."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def read(self) -> tuple[bool, bool]:
        """Whether outputs changed, and whether one of them went."""
        data = os.read(self.fileno(), 65_536)
        if not data:
            self.end()
        whole, _, self._torn = (self._torn + data).rpartition(b"\n")
        return OUTPUTS_CHANGED.search(whole) is not None, OUTPUT_LOST.search(whole) is not None

    def end(self) -> None:
        """Ask no more."""
        self.over = True
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def sockets() -> list[Path]:
    """Where the user's sound server listens, or would."""
    servers = [word.partition("}")[2] or word for word in os.environ.get("PULSE_SERVER", "").split()]
    named = [Path(word.removeprefix("unix:")) for word in servers if word.startswith(("unix:", "/"))]
    if servers:
        return named
    runtime = os.environ.get("XDG_RUNTIME_DIR", "") or f"/run/user/{os.getuid()}"
    return [Path(os.environ.get("PULSE_RUNTIME_PATH", "") or f"{runtime}/pulse") / "native"]


def _places(sockets: list[Path]) -> list[Path]:
    """The directories in which these, the directory of each, and devices come and go."""
    return [CARDS, *(place for socket in sockets for place in (socket.parent, socket.parent.parent))]


def _concerns(path: str, sockets: list[Path]) -> bool:
    return path.startswith(str(CARDS)) or any(path in (str(each), str(each.parent)) for each in sockets)


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
