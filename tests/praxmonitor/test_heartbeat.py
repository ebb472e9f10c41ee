"""Who watches the watcher: its signs for a file, for systemd, for a command, for `status` and for a screen."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mailcore.config import Config
from mailcore.workspace import create
from praxmonitor.alarms import watchers
from praxmonitor.alarms.duty import Duty
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.watchers import Reach, WatcherState
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

Wait = Callable[[Callable[[], object], float, str], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = create.create_workspace(tmp_path / "house", [("writer", "agents/writer")])
    (made.root / ".praxmonitor" / "config.toml").write_text('[sound]\nbackend = "none"\n')
    return made.root


@contextmanager
def guard(root: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "praxmonitor", "guard", str(root)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **env},
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def status(root: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "praxmonitor", "status", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_status_says_who_watches_who_died_and_that_nobody_does(root: Path, wait_until: Wait) -> None:
    code, said = status(root)
    assert code == 0 and "! nobody is on duty: no alarm is heard" in said
    assert status(root, "--watched")[0] == 1
    with guard(root) as one:
        wait_until(lambda: watchers.read_watchers(root / ".praxmonitor")[1], 20.0, "a guard is on duty")
        assert f"on duty: guard (PID {one.pid}), without sound by its settings" in status(root)[1]
        assert status(root, "--watched")[0] == 1, "it watches, and nobody hears it"
        one.send_signal(signal.SIGSTOP)
        wait_until(
            lambda: watchers.read_watchers(root / ".praxmonitor")[1] is None, 20.0, "a stopped one watches no more"
        )
        assert f"! guard (PID {one.pid}) shows no life since " in status(root, "--watched")[1]
        one.kill()
        one.wait()
        assert f"! guard (PID {one.pid}) shows no life since " in status(root)[1]
    (watcher,) = json.loads(status(root, "--json")[1])["watchers"]
    assert (watcher["pid"], watcher["alive"], watcher["on_duty"], watcher["what"]) == (one.pid, False, False, "guard")


def test_whom_one_can_hear_is_told_by_the_exit_status(root: Path) -> None:
    duty = Duty(root / ".praxmonitor", "screen", state=lambda: WatcherState(Reach.SOUND, "sounds on a horn"))
    duty.start()
    assert status(root, "--watched") == (0, f"on duty: screen (PID {os.getpid()}), sounds on a horn\n")
    duty.close()


def test_a_guard_that_ends_in_order_leaves_no_sign(root: Path, wait_until: Wait) -> None:
    with guard(root) as one:
        wait_until(lambda: watchers.read_watchers(root / ".praxmonitor")[1], 20.0, "a guard is on duty")
        one.terminate()
        assert one.wait(20) == 0
    assert watchers.read_watchers(root / ".praxmonitor") == ([], None)


def test_the_file_and_the_command_beat_while_it_watches_and_no_longer(root: Path, wait_until: Wait) -> None:
    log = root / "beats"
    command = ["sh", "-c", f"cat >> {log}; echo >> {log}"]
    (root / ".praxmonitor" / "config.toml").write_text(
        f'[sound]\nbackend = "none"\n[alarms]\nheartbeat_every = 1\non_heartbeat = {json.dumps(command)}\n'
    )
    file = root / ".praxmonitor" / "heartbeat"

    def beats() -> int:
        return len(log.read_text().splitlines()) if log.exists() else 0

    with guard(root) as one:
        wait_until(lambda: beats() >= 3, 20.0, "the command is run again and again")
        event = json.loads(log.read_text().splitlines()[0])
        assert (event["event"], event["watcher"], event["reach"]) == ("heartbeat", f"guard (PID {one.pid})", "nobody")
        assert (event["workspace"], event["alarms"]) == (str(root), 0)
        before = file.stat().st_mtime
        wait_until(lambda: file.stat().st_mtime > before, 5.0, "the file beats")
        one.send_signal(signal.SIGSTOP)
        stopped = file.stat().st_mtime
        wait_until(lambda: time.time() - stopped > 2.5, 5.0, "time for two more beats")
        assert file.stat().st_mtime == stopped


def test_systemd_is_told_that_it_is_ready_and_lives(root: Path, tmp_path: Path) -> None:
    """The protocol of sd_notify, on a socket of the test's own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        with guard(root, NOTIFY_SOCKET=str(tmp_path / "notify")):
            first = systemd.recv(4096).decode().splitlines()
            assert first[:2] == ["READY=1", "WATCHDOG=1"]
            began = time.monotonic()
            second = systemd.recv(4096).decode().splitlines()
            assert second[0] == "WATCHDOG=1" and "STATUS=on duty: without sound by its settings" in second
            assert time.monotonic() - began < 5.0


@pytest.mark.anyio
async def test_whose_reading_broke_gives_no_sign(tmp_path: Path, wait_until: Wait) -> None:
    notifier = Notifier(Config(), tmp_path, period=0.5, live=True, what="guard")
    file = tmp_path / ".praxmonitor" / "heartbeat"
    notifier._probe.mark_alive()
    assert notifier._duty is not None
    notifier.stopped = "watching stopped: TypeError"
    notifier._duty._look()
    assert notifier.on_duty and not file.exists()
    notifier.stopped = ""
    notifier._duty._look()
    assert file.exists()
    notifier.close()


@pytest.mark.anyio
async def test_a_screen_says_that_a_guard_died(tmp_path: Path) -> None:
    from msgspec import structs

    fleet = structs.replace(lighthouse(), root=tmp_path)
    with watchers.open_directory(tmp_path / ".praxmonitor", make=True) as directory:
        watchers.write_record(directory, "dead", "guard", time.time() - 60, 0, WatcherState())
        path = tmp_path / ".praxmonitor" / "duty" / "dead.watcher"
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {"start_ticks": 1}))
    app = app_on(FakeFeed(fleet), workspace(fleet), live=True)
    async with app.run_test(size=(120, 36)) as pilot:
        said = f"guard (PID {os.getpid()}) died since"
        await until(pilot, lambda: said in text_of(app), "its header says so", seconds=10)
        assert any(said in note for note in app.notes)
