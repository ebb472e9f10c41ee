"""A screen that is opened while an agent is silent: it says so at once, as `praxmonitor status` does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.model.fleet import Fleet, State
from mailcore.model.lock import Lock
from mailcore.system.processes import start_ticks
from praxmonitor.alarms.alarm import AlarmKind
from tests.praxmonitor.fake_feed import FakeFeed, app_on, facts, until, workspace

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["idles", "works"])
def process(request: pytest.FixtureRequest) -> Iterator[tuple[int, bool]]:
    """A real process that sleeps, or one that computes, which counts as work."""
    works = request.param == "works"
    code = "while True: pass" if works else "import signal; signal.pause()"
    child = subprocess.Popen([sys.executable, "-c", code])
    yield child.pid, works
    child.kill()
    child.wait()


async def test_who_is_silent_when_a_screen_is_opened_is_called_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: tuple[int, bool]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    pid, works = process
    held = Lock(pid, time.time() - 900, "by another program", start_ticks(pid))
    fleet = Fleet(tmp_path, agents=(facts("writer", lock=held, last_active=time.time() - 900),))
    app = app_on(FakeFeed(fleet), workspace(fleet), live=True, clock=time.time)
    async with app.run_test(size=(100, 30)) as pilot:
        if works:
            await until(pilot, lambda: app.alarms.notifier.machine_status.work, "it was looked at twice", seconds=2.5)
            assert app.snapshot.status("@writer").state is State.WORKING
        else:
            silent = "it is called silent"
            await until(pilot, lambda: app.snapshot.status("@writer").state is State.SILENT, silent, seconds=2.5)
            await until(pilot, lambda: app.standing, "the alarm stands", seconds=1.0)
            assert [episode.alarm.kind for episode in app.standing] == [AlarmKind.SILENCE]
