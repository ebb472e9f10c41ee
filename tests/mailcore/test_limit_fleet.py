"""A fleet meets one usage limit at once, and whatever happens meanwhile, each run goes on once when it is lifted.

Few rounds: four agents and a reset in some seconds; `--rounds all`: ten agents, and the reset is 40 seconds away.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from mailcore.config import Config
from mailcore.model.fleet import Fleet, State
from mailcore.model.run import Phase, Run
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.workspace import create
from mailcore.workspace.lock_reader import read_lock
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.evaluate import AlarmRules
from tests.mailcore.conftest import House, marked, wait_until
from tests.mailcore.test_limit_wait import AGENT

WITHIN = 30.0
"""Seconds after the reset in which all have to go on."""
APART = 1.5
"""Seconds, at least, between two starts: thirty a minute."""


@dataclass
class Limited:
    """The fleet, whose programs say until when their account is limited."""

    house: House
    until: Path
    names: tuple[str, ...]
    runs: dict[str, str] = field(default_factory=dict)

    def begin(self, seconds: float) -> int:
        """Let the account be limited for so long, and give each agent a task at once; when the limit is lifted."""
        reset = int(time.time() + seconds) + 1
        self.until.write_text(str(reset))
        with ThreadPoolExecutor(len(self.names)) as pool:
            ids = pool.map(lambda name: self.house.started("@operator", name), self.names)
            self.runs = dict(zip(self.names, ids, strict=True))
        wait_until(lambda: all(run.parked for run in self.all_runs()), 30, "every run waits")
        return reset

    def all_runs(self) -> list[Run]:
        return [self.house.run(name, run_id) for name, run_id in self.runs.items()]

    def starts(self) -> list[float]:
        """When programs were started, all together, the oldest first."""
        files = (self.house.agent(name).branch / "starts" for name in self.names)
        return sorted(float(line) for path in files if path.exists() for line in path.read_text().split())

    def look(self) -> tuple[Fleet, tuple[Alarm, ...]]:
        """The fleet as a screen sees it now, and its alarms."""
        reader = WorkspaceReader(self.house.workspace)
        try:
            fleet = apply(Fleet(self.house.root), reader.initial(), time.time())
        finally:
            reader.close()
        return fleet, AlarmRules(Config()).alarms(fleet, time.time())

    def processes(self) -> list[int]:
        """Every supervisor and sentinel."""
        locks = (read_lock(self.house.agent(name).dispatch_lock) for name in self.names)
        return [pid for lock in locks if lock is not None for pid in (lock.sentinel, lock.pid) if pid]

    def over(self) -> None:
        """Wait until every run is over: each has done its work, once, and nobody was bounced."""

        def ended() -> bool:
            return all(run.phase.ended for run in self.all_runs())

        wait_until(ended, 120, f"every run is over: {[run.phase for run in self.all_runs()]}")
        for name, run in zip(self.names, self.all_runs(), strict=True):
            assert (run.phase, run.counted) == (Phase.COMPLETED, 1), (name, run)
            assert len(self.house.runs(name)) == 1
        subjects = [mail.subject for mail in self.house.inbox("@operator")]
        assert not any("BOUNCE" in subject for subject in subjects), subjects


@pytest.fixture
def limited(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch, rounds: Callable[[int, int], int]
) -> Iterator[Limited]:
    names = tuple(f"@a{number}" for number in range(rounds(4, 10)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = create.create_workspace(tmp_path / "project", [(name[1:], f"agents/{name[1:]}") for name in names])
    house = House(made, extra='[agents]\nprogram = "claude"\n')
    until, program = tmp_path / "until", tmp_path / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nUNTIL = {str(until)!r}\n{AGENT}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    house.configure()
    yield Limited(house, until, names)
    for pid in marked(mark):
        with_suppressed(pid, signal.SIGCONT)
    house.close()
    deadline = time.monotonic() + 10
    while (left := marked(mark)) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    for pid in left:
        with_suppressed(pid, signal.SIGKILL)
    assert not left, left


def with_suppressed(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def check_goes_on(limited: Limited, reset: float, most_before: int) -> None:
    """All of them went on within WITHIN seconds of the reset, one after another; `most_before` starts before it."""
    limited.over()
    starts = limited.starts()
    before, after = [at for at in starts if at < reset], [at for at in starts if at >= reset]
    gaps = [later - earlier for earlier, later in pairwise(after)]
    figures = f"{len(before)} starts before the reset, {len(after)} after; the last {after[-1] - reset:.1f} s after it"
    print(f"\n{figures}; apart by {min(gaps):.1f} s at least")
    assert len(before) <= most_before and len(after) == len(limited.names), figures
    assert after[-1] - reset <= WITHIN and min(gaps) >= APART, figures


def test_all_wait_under_one_alarm_and_go_on(limited: Limited, rounds: Callable[[int, int], int]) -> None:
    reset = limited.begin(rounds(5, 40))
    fleet, alarms = limited.look()
    assert {state(facts, time.time(), Config().alarms).state for facts in fleet.agents} == {State.LIMITED}
    (alarm,) = [alarm for alarm in alarms if alarm.kind is AlarmKind.LIMIT]
    assert "usage limit of claude until" in alarm.what and f"{len(limited.names)} runs wait" in alarm.what
    assert [alarm.kind for alarm in alarms] == [AlarmKind.LIMIT]
    check_goes_on(limited, reset, len(limited.names))
    assert not [alarm for alarm in limited.look()[1] if alarm.kind in (AlarmKind.LIMIT, AlarmKind.BOUNCED)]


def test_a_supervisor_is_killed_while_they_wait(limited: Limited, rounds: Callable[[int, int], int]) -> None:
    reset = limited.begin(rounds(6, 40))
    lock = read_lock(limited.house.agent(limited.names[0]).dispatch_lock)
    assert lock is not None
    os.kill(lock.pid, signal.SIGKILL)
    check_goes_on(limited, reset, len(limited.names))


def test_the_machine_is_restarted_while_they_wait(limited: Limited, rounds: Callable[[int, int], int]) -> None:
    """All processes end at once; the next command finds what waits."""
    reset = limited.begin(rounds(8, 40))
    killed = limited.processes()
    for pid in killed:  # a sentinel before its supervisor, which it would outlive
        with_suppressed(pid, signal.SIGKILL)
    assert limited.house.mailcore("queue").returncode == 0
    assert not set(limited.processes()) & set(killed)
    check_goes_on(limited, reset, len(limited.names))


def test_all_are_stopped_until_after_the_reset(limited: Limited, rounds: Callable[[int, int], int]) -> None:
    """As in a sleep of the machine: nobody sees the reset come."""
    reset = limited.begin(rounds(4, 40))
    stopped = limited.processes()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: time.time() > reset + 2, 60, "the reset has passed")
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    check_goes_on(limited, reset, len(limited.names))


def test_the_limit_still_stands_at_its_reset(limited: Limited, rounds: Callable[[int, int], int]) -> None:
    first = limited.begin(rounds(4, 20))
    last = first + rounds(8, 20)
    limited.until.write_text(str(last))
    limited.over()
    starts = limited.starts()
    tried = [at for at in starts if first <= at < last]
    after = [at for at in starts if at >= last]
    print(f"\n{len(tried)} tried at the first reset; {len(after)} went on, the last {after[-1] - last:.1f} s after it")
    assert len(tried) == 1 and len(after) == len(limited.names) and after[-1] - last <= WITHIN


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: the clock cannot be moved")
def test_the_clock_is_set_forward_and_back(
    limited: Limited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: Callable[[int, int], int]
) -> None:
    """An hour ahead the limit seems to be over: who tries meets it again, and all wait on. Set back, none is late."""
    shim, moved = tmp_path / "moved_clock.so", tmp_path / "moved"
    source = Path(__file__).with_name("moved_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(source), "-ldl"], check=True)
    moved.write_text("0")
    monkeypatch.setenv("CLOCK_MOVED", str(moved))
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    program = tmp_path / "bin" / "claude"
    # The service's own clock is right, whatever this machine's says.
    right = f"#!/usr/bin/env -S -u LD_PRELOAD {sys.executable}"
    program.write_text(program.read_text().replace(f"#!{sys.executable}", right))
    reset = limited.begin(rounds(20, 40))
    moved.write_text("3600")
    wait_until(lambda: len(limited.starts()) > len(limited.names), 30, "one tries")
    moved.write_text("0")
    limited.over()
    starts = limited.starts()
    before, after = [at for at in starts if at < reset], [at for at in starts if at >= reset]
    print(f"\n{len(before) - len(limited.names)} tried while the clock was ahead; {len(after)} went on")
    assert len(after) == len(limited.names) and after[-1] - reset <= WITHIN
