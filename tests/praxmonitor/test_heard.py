"""What a person hears, whoever watches: real screens and guards, a real PulseAudio whose output is recorded.

Each test adds a row to the table that is printed at the end: the case, and either how long after it was possible an
alarm was heard, or how many of 33 tool calls ticked. `--rounds all` has the long absences of the sound server too.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pexpect
import pytest

from mailcore.model.agent import Agent
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from praxmonitor.alarms import watchers
from praxmonitor.alarms.watchers import Reach, Watcher
from praxmonitor.sound.gate import BURST_PAUSE
from praxmonitor.sound.mutes import mutes_path
from tests.praxmonitor.conftest_pulse import Pulse, until

CALLS = 33
"""Tool calls of a round, as in the report that a guard kept the screen from ticking."""
PAUSE = 0.3
"""Seconds between two of them: fewer a second than are thinned out."""
SOON = 2.0
"""Seconds within which an alarm must be heard."""
QUIET = round(44_100 * (BURST_PAUSE + 0.2)) * 4
"""Bytes of silence after which an alarm is let through, however urgent the one before was."""
GAP = 44_100 * 4 // 20
"""Bytes of silence, 50 ms, between two ticks."""

ROWS: list[tuple[str, str]] = []


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints all rows when the tests of this file are over."""
    yield
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        for what, figure in ROWS:
            print(f"\n{what:<64} {figure}", end="", flush=True)


class Screen:
    """`praxmonitor` on a terminal of its own, which is read by a thread as long as it is to be."""

    def __init__(self, root: Path, *words: str, **environment: str) -> None:
        env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment}
        command = ["-m", "praxmonitor", str(root), *words]
        self.terminal = pexpect.spawn(sys.executable, command, dimensions=(40, 120), env=env)
        self.pid = self.terminal.pid or 0
        self.read = threading.Event()
        self.read.set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while not self._over.is_set():
                if self.read.wait(0.1):
                    os.read(self.terminal.child_fd, 65_536)

    def key(self, key: str) -> None:
        os.write(self.terminal.child_fd, key.encode())

    def close(self) -> None:
        self._over.set()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._thread.join(5)
        self.terminal.close(force=True)


class Desk:
    """One workspace, and all that watches it."""

    def __init__(self, workspace: Workspace, pulse: Pulse, logs: Path) -> None:
        self.workspace, self.pulse, self._logs = workspace, pulse, logs
        self.screens: list[Screen] = []
        self.guards: list[subprocess.Popen[bytes]] = []

    @property
    def root(self) -> Path:
        return self.workspace.root

    def screen(self, *words: str, reach: Reach = Reach.SOUND, **environment: str) -> Screen:
        screen = Screen(self.root, *words, **environment)
        self.screens.append(screen)
        until(lambda: self.watcher(screen.pid, reach), f"a screen that is {reach.name}", 30.0)
        return screen

    def guard(self, *words: str, reach: Reach = Reach.SOUND) -> subprocess.Popen[bytes]:
        with (self._logs / f"guard{len(self.guards)}").open("w") as log:
            guard = subprocess.Popen(
                [sys.executable, "-m", "praxmonitor", "guard", str(self.root), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.guards.append(guard)
        until(lambda: self.watcher(guard.pid, reach), f"a guard that is {reach.name}", 30.0)
        return guard

    def said(self, number: int = 0) -> str:
        """What a guard printed."""
        return (self._logs / f"guard{number}").read_text()

    def watcher(self, pid: int, reach: Reach | None = None) -> Watcher | None:
        found = watchers.read_watchers(self.root / ".praxmonitor")[0]
        return next((each for each in found if each.pid == pid and reach in (None, each.state.reach)), None)

    def on_duty(self, pid: int, seconds: float = 5.0) -> None:
        def is_it() -> bool:
            holder = watchers.read_watchers(self.root / ".praxmonitor")[1]
            return holder is not None and holder.pid == pid

        until(is_it, f"PID {pid} is on duty", seconds)

    def break_mail(self, name: str) -> None:
        """An alarm from now on."""
        self.agent(name).inbox.write_text('{"messages": [')

    def mend_mail(self, name: str) -> None:
        self.agent(name).inbox.write_text('{"messages": [], "total_messages": 0, "unread_count": 0}')

    def agent(self, name: str) -> Agent:
        return self.workspace.agent(name)

    def silence(self) -> None:
        """Nothing sounds, and no alarm did of late that would keep another back; what is heard from now on is new."""
        until(lambda: not any(self.pulse.pcm[-QUIET:]), "quiet")
        self.pulse.pcm.clear()

    def heard(self, what: str, since: float, within: float = SOON) -> None:
        """An alarm is heard; when it was possible is `since`, by the machine's clock."""
        until(self.pulse.heard, f"heard: {what}", within + 8.0)
        took = time.monotonic() - since
        ROWS.append((what, f"heard after {took:.2f} s"))
        assert took < within, f"heard after {took:.2f} s"

    def close(self) -> None:
        for screen in self.screens:
            screen.close()
        for guard in self.guards:
            guard.kill()
            guard.wait()


@pytest.fixture
def desk(tmp_path: Path, pulse: Pulse) -> Iterator[Desk]:
    workspace = create.create_workspace(tmp_path / "house", [(name, f"agents/{name}") for name in ("writer", "tester")])
    (workspace.root / ".praxmonitor" / "config.toml").write_text("[alarms]\nlook = 0.5\n")
    desk = Desk(workspace, pulse, tmp_path)
    yield desk
    desk.close()


def test_a_guard_that_began_before_the_sound_server(desk: Desk) -> None:
    desk.guard(reach=Reach.NOBODY)
    until(lambda: "no sound device, and one is looked for again" in desk.said(), "it says that it has none")
    desk.break_mail("writer")
    until(lambda: "ALARM @writer" in desk.said(), "an alarm")
    desk.pulse.start()
    desk.pulse.record()
    desk.heard("guard first, server after, alarm between", time.monotonic())
    until(lambda: "sounds on miniaudio/pulse" in desk.said(), "it says that it has one")
    assert "sounds on miniaudio/pulse" in desk.said().rpartition("no sound device")[2], "after it said that it had none"


@pytest.mark.parametrize("away", [5, 30, 120])
def test_a_server_that_was_away(desk: Desk, rounds: Callable[[int, int], int], away: int) -> None:
    if away > rounds(5, 120):
        pytest.skip("with --rounds all")
    desk.pulse.start()
    guard = desk.guard()
    desk.pulse.stop()
    gone = time.monotonic()
    until(lambda: desk.watcher(guard.pid, Reach.NOBODY), "it is known to be deaf")
    desk.break_mail("writer")
    until(lambda: time.monotonic() - gone > away, "it stays away", away + 1.0)
    desk.pulse.start()
    back = time.monotonic()
    desk.pulse.record()
    desk.heard(f"server away {away} s, alarm meanwhile", back, SOON + 0.5)  # it takes half a second to start
    assert guard.poll() is None and desk.pulse.heard()


def test_an_output_that_was_unplugged(desk: Desk) -> None:
    desk.pulse.start()
    guard = desk.guard()
    subprocess.run(["pactl", "unload-module", "module-null-sink"], check=True)
    until(lambda: desk.watcher(guard.pid, Reach.NOBODY), "it is known to be deaf")
    desk.break_mail("writer")
    until(lambda: "ALARM @writer" in desk.said(), "an alarm")
    subprocess.run(["pactl", "load-module", *desk.pulse.output.split()], check=True, stdout=subprocess.DEVNULL)
    back = time.monotonic()
    desk.pulse.record()
    desk.heard("output unplugged and back, alarm meanwhile", back)


def test_an_alarm_is_heard_once_however_many_watch_and_is_all_clear_once(desk: Desk) -> None:
    desk.pulse.start()
    desk.pulse.record()
    desk.guard()
    desk.screen()
    desk.silence()
    desk.break_mail("writer")
    desk.heard("a screen and a guard", time.monotonic())
    desk.silence()
    until(lambda: len(desk.pulse.pcm) > 44_100 * 4 * 3, "3 s of recording")
    assert not desk.pulse.heard(), "the other tells it again"
    desk.mend_mail("writer")
    desk.heard("a screen and a guard, all clear", time.monotonic())


def test_beside_a_muted_holder_the_guard_is_heard(desk: Desk) -> None:
    desk.pulse.start()
    desk.pulse.record()
    screen = desk.screen("--mute", reach=Reach.SHOWN)
    desk.on_duty(screen.pid)
    desk.break_mail("tester")
    kept = mutes_path(desk.root).with_name("told.json")
    until(lambda: kept.exists() and "tester" in kept.read_text(), "it is told in silence")
    guard = desk.guard()
    desk.on_duty(guard.pid)
    desk.heard("muted screen on duty, guard comes, alarm stood", time.monotonic())
    desk.silence()
    desk.break_mail("writer")
    desk.heard("muted screen beside a guard, alarm after", time.monotonic())
    assert desk.watcher(screen.pid, Reach.SHOWN), "the screen is muted still"


def test_beside_a_screen_without_a_device_the_guard_is_heard(desk: Desk, tmp_path: Path) -> None:
    """As over ssh: the screen was first, and has nothing but its terminal's bell."""
    desk.pulse.start()
    desk.pulse.record()
    screen = desk.screen(reach=Reach.BELL, PULSE_SERVER=f"unix:{tmp_path}/none")
    desk.on_duty(screen.pid)
    guard = desk.guard()
    desk.on_duty(guard.pid)
    desk.silence()
    desk.break_mail("writer")
    desk.heard("screen without a device beside a guard", time.monotonic())
    assert desk.watcher(screen.pid, Reach.BELL), "the screen has no device still"
    guard.kill()
    desk.on_duty(screen.pid)


def test_a_mute_that_ends_lets_what_stands_be_heard(desk: Desk) -> None:
    desk.pulse.start()
    desk.pulse.record()
    screen = desk.screen()
    desk.on_duty(screen.pid)
    screen.key("M")
    until(lambda: desk.watcher(screen.pid, Reach.SHOWN), "it is muted")
    desk.break_mail("writer")
    desk.silence()
    until(lambda: len(desk.pulse.pcm) > 44_100 * 4 * 2, "2 s of recording")
    assert not desk.pulse.heard()
    screen.key("M")
    desk.heard("screen muted, alarm, screen not muted any more", time.monotonic())


def test_what_nobody_heard_has_no_all_clear(desk: Desk) -> None:
    desk.pulse.start()
    desk.pulse.record()
    screen = desk.screen()
    screen.key("M")
    until(lambda: desk.watcher(screen.pid, Reach.SHOWN), "it is muted")
    guard = desk.guard(reach=Reach.NOBODY)
    desk.break_mail("writer")
    until(lambda: "ALARM @writer" in desk.said(), "an alarm")
    desk.mend_mail("writer")
    until(lambda: "OVER @writer" in desk.said(), "it is over")
    screen.key("M")
    until(lambda: desk.watcher(guard.pid, Reach.SOUND), "sound again")
    desk.silence()
    until(lambda: len(desk.pulse.pcm) > 44_100 * 4 * 2, "2 s of recording")
    assert not desk.pulse.heard()


@pytest.mark.parametrize("how", ["killed", "stopped", "Ctrl+Z", "terminal not read", "Ctrl+S"])
def test_two_screens_and_a_guard_and_the_one_on_duty_goes(desk: Desk, how: str) -> None:
    desk.pulse.start()
    desk.pulse.record()
    first = desk.screen()
    desk.on_duty(first.pid)
    desk.screen()
    desk.guard()
    match how:
        case "killed":
            os.kill(first.pid, signal.SIGKILL)
        case "stopped":
            os.kill(first.pid, signal.SIGSTOP)
        case "Ctrl+Z":
            os.kill(first.pid, signal.SIGTSTP)
        case "Ctrl+S":
            terminal = os.open(f"/proc/{first.pid}/fd/0", os.O_RDWR | os.O_NOCTTY)
            termios.tcflow(terminal, termios.TCOOFF)
            os.close(terminal)
        case _:
            first.read.clear()
            for _ in range(400):  # what it draws fills the terminal
                first.key("?")
                first.key("\x1b")
    desk.silence()
    possible = time.monotonic()
    if how == "terminal not read":
        until(lambda: (own := desk.watcher(first.pid)) and not own.state.fit, "it says that it is stuck", 30.0)
        possible = time.monotonic()
    desk.break_mail("writer")
    desk.heard(f"two screens and a guard, the screen on duty: {how}", possible)
    if how in ("stopped", "Ctrl+Z"):
        desk.silence()
        os.kill(first.pid, signal.SIGCONT)
        until(lambda: (own := desk.watcher(first.pid)) and not own.term, "it knows that another is on duty")
        until(lambda: len(desk.pulse.pcm) > 44_100 * 4 * 2, "2 s of recording")
        assert not desk.pulse.heard(), "it tells what another told"


def ticks(desk: Desk) -> int:
    """How many ticks are recorded of 33 tool calls."""
    desk.silence()
    path = desk.agent("writer").hooks_log
    path.parent.mkdir(exist_ok=True)
    pause = threading.Event()
    for number in range(CALLS):
        event = {"ts": time.time(), "session_id": "s", "tool_name": "Bash", "tool_use_id": f"t{number}"}
        with path.open("a") as log:
            log.write(json.dumps({**event, "hook_event_name": "PreToolUse", "tool_input": {"command": "x"}}) + "\n")
            log.write(json.dumps({**event, "hook_event_name": "PostToolUse"}) + "\n")
        pause.wait(PAUSE)
    until(lambda: not any(desk.pulse.pcm[-40_000:]), "quiet")
    sounds = [part for part in bytes(desk.pulse.pcm).split(bytes(GAP)) if any(part)]
    return len(sounds)


def test_tools_tick_on_the_open_screen_whoever_else_watches(desk: Desk) -> None:
    desk.pulse.start()
    desk.pulse.record()
    screen = desk.screen()
    alone = ticks(desk)
    ROWS.append((f"a screen alone, {CALLS} tool calls", f"{alone} ticks"))
    screen.close()
    guard = desk.guard()
    desk.on_duty(guard.pid)
    desk.screen()
    beside = ticks(desk)
    desk.on_duty(guard.pid)
    ROWS.append((f"a screen beside a guard on duty, {CALLS} tool calls", f"{beside} ticks"))
    desk.screen()
    two = ticks(desk)
    ROWS.append((f"two screens and a guard, {CALLS} tool calls", f"{two} ticks"))
    assert alone >= CALLS - 2 and abs(beside - alone) <= 2 and two >= alone - 2
