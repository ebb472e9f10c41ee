"""Starts that wait for another program's process: they begin when it ends, and nothing is left that waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from mailcore.dispatch.admission.hold import place_hold
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.release import release_hold
from mailcore.dispatch.supervision.queue_waiter import wait_for_change
from mailcore.model.run import Phase
from mailcore.system.processes import alive
from mailcore.system.watching import Watcher
from tests.mailcore.conftest import House, marked, wait_until

pytestmark = pytest.mark.backends

Monitor = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def monitor(house: House) -> Iterator[Monitor]:
    """`monitor("@writer")`: a process that holds an agent's lock as AIPass's monitor does."""
    begun = []

    def begin(name: str) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(["sleep", "100"], start_new_session=True))
        agent = house.agent(name)
        at = f"{datetime.now():%Y-%m-%dT%H:%M:%S}"
        lock = {"pid": begun[-1].pid, "timestamp": at, "branch": str(agent.branch), "subject": "manual wake"}
        agent.dispatch_lock.write_text(json.dumps(lock, indent=2))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def waiter(house: House, name: str = "@writer") -> int:
    with gate(house.workspace, house.agent(name)):
        return queue.waiter_pid(house.agent(name))


def done(house: House, count: int, name: str = "@writer") -> list[str]:
    """The subjects of an agent's runs, once so many are over and nothing waits, nor anybody for it."""
    wait_until(lambda: [run.phase for run in house.runs(name)] == [Phase.COMPLETED] * count, what=f"{count} runs")
    wait_until(lambda: not house.agent(name).dispatch_lock.exists(), what=f"{name} is free")
    assert list(queue.all_waiting(house.workspace)) == []
    wait_until(lambda: waiter(house, name) == 0, 5, "its waiter is gone")
    return [run.subject for run in house.runs(name)]


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_what_waits_for_a_foreign_monitor_starts_at_its_end(house: House, monitor: Monitor) -> None:
    first = monitor("@writer")
    for n in range(3):
        assert house.dispatch("@operator", "@writer", f"task {n}").queued
    pid = waiter(house)
    assert (
        alive(pid)
        and sum("supervision.queue_waiter" in command for command in marked(os.environ["HOUSE_MARK"]).values()) == 1
    )
    # The next foreign run takes the branch in the same moment: it is waited for in turn.
    second = monitor("@writer")
    end(first)
    threading.Event().wait(0.3)
    assert (waiter(house), house.runs("@writer")) == (pid, [])
    end(second)
    assert done(house, 3) == ["task 0", "task 1", "task 2"]


def test_the_waiter_costs_nothing_while_it_waits(house: House, monitor: Monitor) -> None:
    process = monitor("@writer")
    house.dispatch("@operator", "@writer", "a task")
    status = Path(f"/proc/{waiter(house)}/status")

    def switches() -> list[str]:
        return [line for line in status.read_text().splitlines() if "ctxt_switches" in line]

    def asleep() -> bool:
        before = switches()
        threading.Event().wait(0.7)
        return switches() == before

    wait_until(asleep, 10, "it wakes for nothing")
    end(process)
    assert done(house, 1) == ["a task"]


def test_what_waits_for_a_persons_session_starts_at_its_end(house: House) -> None:
    (house.root / "bin").mkdir()
    program = house.root / "bin" / "claude"
    program.write_text(f"#!{sys.executable}\nimport sys; sys.stdin.read()\n")
    program.chmod(0o755)
    session = subprocess.Popen([program], cwd=house.agent("@writer").branch, stdin=subprocess.PIPE)
    try:
        said = wait_until(lambda: house.dispatch("@operator", "@writer", "a task"), what="dispatched")
        assert (said.code, said.queued) == ("occupied", True) and str(session.pid) in said.busy
    finally:
        session.communicate(timeout=20)
    assert done(house, 1) == ["a task"]


def test_what_waits_for_a_place_that_a_foreign_run_has_starts_at_its_end(house: House, monitor: Monitor) -> None:
    house.limit(max_runs=1)
    process = monitor("@editor")
    assert house.dispatch("@operator", "@writer", "a task").code == "limit"
    end(process)
    assert done(house, 1) == ["a task"]


def test_a_lock_that_names_nobody_yet_is_looked_at_again(house: House) -> None:
    lock = house.agent("@writer").dispatch_lock
    lock.touch()
    said = house.dispatch("@operator", "@writer", "a task")
    assert (said.code, said.queued) == ("busy", True)
    lock.unlink()
    assert done(house, 1) == ["a task"]


def test_a_lock_that_a_person_removes_is_waited_for_no_more(house: House, monitor: Monitor) -> None:
    """Its PID went to another process, which goes on."""
    process = monitor("@writer")
    house.dispatch("@operator", "@writer", "a task")
    assert waiter(house)
    house.agent("@writer").dispatch_lock.unlink()
    assert done(house, 1) == ["a task"] and process.poll() is None


def test_a_waiter_goes_when_all_is_cancelled(house: House, monitor: Monitor) -> None:
    monitor("@writer")
    house.dispatch("@operator", "@writer", "a task")
    (entry,) = house.json("queue")
    assert waiter(house)
    house.json("queue", "cancel", entry["id"], "--from", "@operator")
    wait_until(lambda: waiter(house) == 0, what="its waiter is gone")
    assert house.runs("@writer") == []


def test_a_release_while_a_foreign_run_goes_on_waits_for_its_end(house: House, monitor: Monitor) -> None:
    place_hold(house.workspace, "@operator", "@writer", "")
    assert house.dispatch("@operator", "@writer", "a task").code == "held"
    assert waiter(house) == 0
    process = monitor("@writer")
    assert release_hold(house.workspace, house.config, "@operator", "@writer") == []
    assert waiter(house)
    end(process)
    assert done(house, 1) == ["a task"]


def test_a_hold_meanwhile_keeps_it_waiting(house: House, monitor: Monitor) -> None:
    process = monitor("@writer")
    house.dispatch("@operator", "@writer", "a task")
    place_hold(house.workspace, "@operator", "@writer", "")
    end(process)
    wait_until(lambda: waiter(house) == 0, what="the waiter is gone: a release tells")
    (entry,) = queue.all_waiting(house.workspace)
    assert entry.subject == "a task" and house.runs("@writer") == []
    assert len(release_hold(house.workspace, house.config, "@operator", "@writer")) == 1
    assert done(house, 1) == ["a task"]


def test_a_kill_of_a_foreign_run_starts_nothing(house: House, monitor: Monitor) -> None:
    process = monitor("@writer")
    house.dispatch("@operator", "@writer", "a task")
    pid = waiter(house)
    assert process.pid in house.kill("@operator", "@writer").ended
    wait_until(lambda: not alive(pid), what="the waiter is gone")
    (entry,) = queue.all_waiting(house.workspace)
    assert entry.subject == "a task" and house.runs("@writer") == []


def test_a_waiter_of_a_dispatch_from_a_run_is_no_part_of_that_run(house: House, monitor: Monitor) -> None:
    """Else the run would count as having left work behind, and its end would end the waiting."""
    process = monitor("@editor")
    house.shell("writer", f"echo up; {sys.executable} -m mailcore.cli dispatch @editor inner body --queue")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED, run
    assert waiter(house, "@editor")
    end(process)
    assert done(house, 1, "@editor") == ["inner"]


@pytest.mark.linux_only("a thread is no process elsewhere")
def test_what_cannot_be_waited_for_is_looked_at_again_after_a_pause(tmp_path: Path) -> None:
    """A lock can name a thread, which looks alive in /proc, and of which the kernel opens no pidfd."""
    stop, ids = threading.Event(), list[int]()

    def live() -> None:
        ids.append(threading.get_native_id())
        stop.wait(60)

    thread = threading.Thread(target=live)
    thread.start()
    wait_until(lambda: ids, what="the thread runs")
    try:
        assert alive(ids[0])
        begun = time.monotonic()
        with Watcher(30) as changes:
            wait_for_change({ids[0]}, 0.2, changes, tmp_path)
        assert 0.1 < time.monotonic() - begun < 5
    finally:
        stop.set()
        thread.join()
