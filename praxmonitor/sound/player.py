"""Plays sounds from a child process, so that no audio library can write on the screen, block it or take it down.

The child, `praxmonitor.sound.child`, owns one open device. It reads JSON lines, `{"cue": {"sound": "mail", "volume":
1.0, …}, "at": <epoch seconds>}` with the fields of a `Cue`, or `{"stop": true}`, and ends with its stdin. It writes a
line `{"backend": "miniaudio/pulse"}` when it can play, and `{"played": <epoch seconds>}` with the newest `at` of which
the device took sound. When it cannot play, or can no longer, it writes `{"backend": "none", "reason": "…"}`, or
`"lost"`, and ends. Another is started then: at once when the system says that its outputs changed
(`praxmonitor.sound.device_events`), else after waits that grow.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, Final

from mailcore.config import Sound as SoundConfig
from mailcore.system.python_child import child
from praxmonitor.sound import Cue
from praxmonitor.sound.device_events import OutputEvents
from praxmonitor.sound.gate import Gate, GateRules, gate_rules
from praxmonitor.sound.mutes import Mutes, load_mutes, mutes_path
from praxmonitor.sound.pack import find_pack
from praxmonitor.sound.unconfirmed import UnconfirmedCues

STARTING = "starting"
NONE: Final = "none"
BELL: Final = "bell"
LOST = "lost"
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before each try to find a device again; the last is repeated. A try costs some 0.3 s of a core."""
RESET_BACKOFF_AFTER = 5.0
"""Seconds; a child that lived for longer is owed all tries again, and so is one after a change of the outputs."""


class Player:
    """Hands sounds to the child. No call blocks or raises; all may come from any thread.

    ```
    player = Player(find_pack("default"), on_ready=lambda: app.call_later(app.show_sound))
    player.start()
    player.play(Cue(Sound.WAITING, "@writer", urgency=Urgency.MEDIUM)) or app.bell()
    ```
    """

    def __init__(
        self,
        pack: Path,
        rules: GateRules | None = None,
        *,
        backend: str = "",
        mutes_file: Path | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        """`gate_rules` are the operator's settings. `backend`: as in `backends.open_device`, or `bell`: the terminal's
        bell alone, for what is urgent, or `none`: no sound at all; neither starts a child.

        `mutes_file`: the mutes that others write, too: another screen, a guard. It is looked at before each sound.

        `on_ready` is called from the player's thread each time it is settled whether there is a device; it must not
        raise.
        """
        self.backend = backend if backend in (BELL, NONE) else STARTING
        """`starting`, the device's name such as `miniaudio/pulse`, `bell`, or `none`."""
        self.reason = ""
        """Why there is no device, although one is wanted."""
        self.retry_at = 0.0
        """When a device is looked for again (seconds since the epoch), if there is none; 0.0: none is looked for."""
        self.force_muted = False
        """Nothing is played whatever the mutes say; they may be changed by others at any time."""
        self._wants_device = self.backend == STARTING
        self._command = child("praxmonitor.sound.child", str(pack), "--backend", backend)
        self._on_ready = on_ready
        self._gate, self._gate_lock = Gate(rules or GateRules()), threading.Lock()
        self._request: dict[str, object] | None = None
        self._unconfirmed = UnconfirmedCues()
        self._outputs = OutputEvents(self._changed)
        self._retry_now = threading.Event()
        """A device is to be looked for now."""
        self._retry_now_at = float("-inf")
        self._mutes_file, self._mutes_stamp = mutes_file, (0, 0)
        self._pipe: IO[bytes] | None = None
        self._pipe_lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the child and return at once. While there is no device, this tries again now."""
        if not self._wants_device:
            return
        if self._thread is not None and self._thread.is_alive():
            self._retry_now.set()
            return
        self.backend, self.reason = STARTING, ""
        self._closing.clear()
        with suppress(OSError):
            self._outputs.start()
        self._thread = threading.Thread(target=self._supervise, name="sound", daemon=True)
        self._thread.start()

    @property
    def mutes(self) -> Mutes:
        """What is not played; to mute all cuts off what plays."""
        self._reread()
        return self._gate.mutes

    @mutes.setter
    def mutes(self, mutes: Mutes) -> None:
        self._gate.mutes = mutes
        if mutes.all(time.time()):
            self._request = None
            self._gate.forget_burst()
            self._send({"stop": True})

    def adopt(self, config: SoundConfig) -> None:
        """Follow these settings; `pack` and `backend` hold from the next start on."""
        found = gate_rules(config)
        with self._gate_lock:
            self._gate.rules = found

    @property
    def chord(self) -> int:
        """How many events the newest chord stood for, for a few seconds after it; 0 for single sounds."""
        return self._gate.chord(time.time())

    @property
    def quiet(self) -> bool:
        """Whether these are quiet hours."""
        return self._gate.rules.quiet_at(time.time())

    @property
    def opened(self) -> bool:
        """Whether a device is open."""
        return self.backend not in (STARTING, NONE, BELL)

    def admits(self, cue: Cue) -> bool:
        """Whether this would be heard where there is a device or a bell: it is not muted, and these no quiet hours."""
        with self._gate_lock:
            self._reread()
            return not self.force_muted and self._gate.passes(cue, time.time())

    def unplayed(self) -> list[Cue]:
        """Alarms that a device took and, as it turns out, did not play. Each is told once."""
        if found := self._unconfirmed.unplayed(time.time()):
            with self._gate_lock:
                self._gate.forget_burst()
        return found

    @property
    def quiet_until(self) -> str:
        """When the quiet hours end, as text: `07:00`; empty if there are none."""
        return self._gate.rules.quiet_end

    def play(self, cue: Cue) -> bool:
        """Play a sound now.

        `False` says that no device took it, so that the caller can ring the terminal's bell if it is urgent. `True`
        says that nothing is left to do: a device has it, or it is not to be heard: muted, in quiet hours, one too many.
        """
        now = time.time()
        with self._gate_lock:
            self._reread()
            volume = 0.0 if self.force_muted else self._gate.admit(cue, now)
        if not volume or (self.backend == NONE and not self._wants_device):
            return True
        request: dict[str, object] = {"cue": asdict(replace(cue, volume=volume)), "at": now}
        if not self._send(request):
            if cue.urgency and self._wants_device:
                with self._gate_lock:
                    self._gate.forget_burst()
            return False
        self._request = request
        self._unconfirmed.add(cue, now)
        return True

    def close(self) -> None:
        """End the child; waits for it for 2 s at most."""
        self._closing.set()
        self._retry_now.set()
        self._outputs.close()
        self._hang_up()
        if self._thread is not None:
            self._thread.join(2.0)

    def _reread(self) -> None:
        if self._mutes_file is not None and (stamp := _stamp(self._mutes_file)) != self._mutes_stamp:
            self._mutes_stamp = stamp
            self.mutes = load_mutes(self._mutes_file)

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

    def _changed(self, lost: bool) -> None:
        """The outputs changed: look for a device now, and if one went, let go of that which is open."""
        if lost and self.opened:
            self.backend = STARTING
            self._hang_up()
        self._retry_now.set()

    def _supervise(self) -> None:
        """Keep one child running; while none can play, try again when something changed, and at times."""
        failures = 0
        while not self._closing.is_set():
            self._retry_now.clear()
            began = time.monotonic()
            try:
                last, reason, ready = self._run_child()
            except OSError as error:
                last, reason, ready = LOST, str(error), False
            if self._closing.is_set():
                return
            if time.monotonic() - began > RESET_BACKOFF_AFTER:
                failures = 0
            pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
            failures += 1
            if ready and last != NONE:
                self.backend = STARTING  # it played a moment ago: the next one may
            else:
                self.retry_at = time.time() + pause
                self._settle(NONE, reason)
            if self._retry_now.wait(pause) and time.monotonic() - self._retry_now_at > RESET_BACKOFF_AFTER:
                self._retry_now_at, failures = time.monotonic(), 0

    def _run_child(self) -> tuple[str, str, bool]:
        """Run a child to its end: what it reported last of its backend, why it ended, whether it could play."""
        backend, reason, ready = "", "", False
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
                if (report := _parsed(line)) is None:
                    continue
                if isinstance(report, float):
                    self._unconfirmed.played(report)
                    continue
                backend, reason = report
                if backend not in (NONE, LOST):
                    ready, self.retry_at = True, 0.0
                    self._settle(backend)
                    if self._request:
                        # The child before may have died of it: that is how a lost device is found out. A child drops
                        # what is over 2 s old.
                        self._send(self._request)
            self._hang_up()
        return backend, reason or f"the sound player died: exit status {child.returncode}", ready


def configured_player(config: SoundConfig, root: Path, *, muted: bool = False) -> Player:
    """The player of the workspace at `root`, with its settings and mutes; not started. PackError if it has no pack.

    `muted`: all is muted until it is switched on here, whatever was stored or is muted elsewhere.
    """
    player = Player(
        find_pack(config.pack, root), gate_rules(config), backend=config.backend, mutes_file=mutes_path(root)
    )
    player.force_muted = muted
    return player


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


def _parsed(line: bytes) -> tuple[str, str] | float | None:
    """What a line of the child's means: backend and reason, or up to when all was played. `None` if it is not ours,
    because a library wrote it."""
    try:
        report: Any = json.loads(line)
        if "played" in report:
            return float(report["played"])
        return str(report["backend"]), str(report.get("reason", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
