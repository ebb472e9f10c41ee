"""Is a process alive, and still the same?"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from mailcore.system.processes import alive, boot_id, start_ticks
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House

pytestmark = pytest.mark.backends


@pytest.mark.linux_only("POSIX names no boot")
def test_a_process_is_its_pid_its_start_and_its_boot() -> None:
    pid, ticks = os.getpid(), start_ticks(os.getpid())
    assert ticks > 0
    assert alive(pid) and alive(pid, ticks) and alive(pid, ticks, boot_id())
    assert not alive(pid, ticks + 1)
    assert not alive(pid, ticks, "of another boot")


def test_none_is_alive_where_there_is_none() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert not any(alive(pid) for pid in (0, -1, -os.getpid(), 10**9, 10**40, child.pid))
    assert start_ticks(0) == start_ticks(10**9) == 0


def test_a_lock_that_is_not_there_or_no_file(house: House) -> None:
    path = house.agent("@writer").dispatch_lock
    assert read_lock(path) is None
    path.mkdir()
    held = read_lock(path)
    assert held is not None and held.holder == "unknown" and "unreadable" in held.subject
    path.rmdir()


@pytest.mark.parametrize("run_id", ["", "x\0y", "x\ud800y", "a/b", "../x", ".", "..", "a" * 300, "r1\n"])
def test_a_run_id_that_names_no_run_is_another_programs(house: House, run_id: str) -> None:
    path = house.agent("@writer").dispatch_lock
    path.write_text(json.dumps({"pid": os.getpid(), "run_id": run_id}))
    held = read_lock(path)
    assert held is not None and (held.pid, held.run_id, held.holder) == (os.getpid(), "", "alive")
    own = "20270115T100000_000000-00c0ffee"
    path.write_text(json.dumps({"pid": os.getpid(), "run_id": own}))
    held = read_lock(path)
    assert held is not None and held.run_id == own
