"""`.dispatch.lock`: one run at a time, dead holders make way, and AIPass's locks are respected."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from mailcore.dispatch.runs import branch_lock
from mailcore.model.lock import Holder
from mailcore.system.processes import boot_id, start_ticks
from mailcore.workspace.lock_reader import UNREADABLE_GRACE, read_lock
from tests.mailcore.conftest import House

pytestmark = pytest.mark.backends


def write(house: House, content: Any, age: float = 0.0) -> None:
    path = house.agent("@writer").dispatch_lock
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    then = time.time() - age
    os.utime(path, (then, then))


def take(house: House, run_id: str = "r1") -> Any:
    return branch_lock.acquire_lock(house.agent("@writer"), run_id, f"nonce-{run_id}", "a task")


def test_a_lock_says_who_what_and_since_when(house: House) -> None:
    writer = house.agent("@writer")
    assert take(house) is None
    raw = json.loads(writer.dispatch_lock.read_bytes())
    assert (raw["pid"], raw["branch"], raw["subject"]) == (os.getpid(), str(writer.branch), "a task")
    assert (raw["start_ticks"], raw["boot_id"]) == (start_ticks(os.getpid()), boot_id())
    time.strptime(raw["timestamp"], "%Y-%m-%dT%H:%M:%S")
    held = read_lock(writer.dispatch_lock)
    assert held is not None and held.holder is Holder.ALIVE and abs(held.at - time.time()) < 30
    assert [p.name for p in writer.mail_dir.iterdir() if p.name.startswith(".dispatch")] == [".dispatch.lock"]


def test_the_second_is_told_who_is_in_the_way(house: House) -> None:
    assert take(house, "r1") is None
    second = take(house, "r2")
    assert (second.run_id, second.pid, second.holder) == ("r1", os.getpid(), Holder.ALIVE)


def test_only_its_own_run_hands_over_and_releases(house: House) -> None:
    writer = house.agent("@writer")
    take(house)
    assert not branch_lock.hand_over(writer, "r1", "wrong nonce", 1, "s")
    branch_lock.release_lock(writer, "r2", "nonce-r1")
    branch_lock.release_lock(writer, "r1", "wrong nonce")
    assert branch_lock.is_owned(writer.dispatch_lock, "r1", "nonce-r1")
    assert branch_lock.hand_over(writer, "r1", "nonce-r1", os.getppid(), "s")
    held = read_lock(writer.dispatch_lock)
    assert held is not None and held.pid == os.getppid()
    branch_lock.release_lock(writer, "r1", "nonce-r1")
    assert not writer.dispatch_lock.exists()
    branch_lock.release_lock(writer, "r1", "nonce-r1")


def gone() -> int:
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


@pytest.mark.parametrize(
    ("content", "age", "holder"),
    [
        ({"pid": os.getpid(), "timestamp": "2026-11-22T00:43:58", "branch": "/b"}, 0, Holder.ALIVE),
        ({"pid": os.getpid(), "start_ticks": 1}, 0, Holder.DEAD),
        pytest.param(
            {"pid": os.getpid(), "start_ticks": start_ticks(os.getpid()), "boot_id": "another boot"},
            0,
            Holder.DEAD,
            marks=pytest.mark.linux_only("POSIX names no boot"),
        ),
        ({"pid": gone()}, 0, Holder.DEAD),
        ({"pid": 0}, 0, Holder.DEAD),
        ({"pid": -1}, 0, Holder.DEAD),
        ({"pid": 10**30}, 0, Holder.DEAD),
        ("", 0, Holder.UNKNOWN),
        ('{"pid": 1', UNREADABLE_GRACE / 2, Holder.UNKNOWN),
        ('{"pid": 1', UNREADABLE_GRACE + 5, Holder.DEAD),
        ({"pid": "12"}, 0, Holder.UNKNOWN),
        ({"pid": True}, UNREADABLE_GRACE + 5, Holder.DEAD),
        ("[1, 2]", UNREADABLE_GRACE + 5, Holder.DEAD),
        ("\x00\xff", UNREADABLE_GRACE + 5, Holder.DEAD),
        ("[" * 5000, UNREADABLE_GRACE + 5, Holder.DEAD),
    ],
)
def test_stale_and_corrupt_rules(house: House, content: Any, age: float, holder: Holder) -> None:
    """As AIPass rules: dead or recycled is free, unparsable holds for 30 s (contract 4)."""
    write(house, content, age)
    held = read_lock(house.agent("@writer").dispatch_lock)
    assert held is not None and held.holder is holder
    assert (take(house) is None) is (holder is Holder.DEAD)


def test_a_zombie_frees_its_lock(house: House) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    write(house, {"pid": child})
    try:
        assert take(house) is None
    finally:
        os.waitpid(child, 0)


def test_of_many_processes_one_gets_it(house: House) -> None:
    source = (
        "import sys; from pathlib import Path\n"
        "from mailcore.dispatch.runs import branch_lock; from mailcore.workspace.find import find_workspace\n"
        "agent = find_workspace(Path(sys.argv[1])).agent('@writer')\n"
        "free = branch_lock.acquire_lock(agent, sys.argv[2], 'n' + sys.argv[2], 's') is None\n"
        "print('got' if free else 'busy', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", source, str(house.root), str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for n in range(6)
    ]
    said = [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]
    for racer in racers:
        racer.communicate(b"\n")
    assert sorted(said) == [b"busy"] * 5 + [b"got"]


def test_the_locks_that_aipass_leaves_are_read(house: House) -> None:
    write(house, '{"pid":1,"timestamp":"2026-11-22T00:43:58","branch":"/abs/agents/beta","subject":"manual wake"}')
    held = read_lock(house.agent("@writer").dispatch_lock)
    assert held is not None
    assert (held.pid, held.subject, held.run_id, held.start_ticks, held.holder) == (
        1,
        "manual wake",
        "",
        0,
        Holder.ALIVE,
    )
