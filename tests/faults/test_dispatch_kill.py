"""Kills of whole trees: no survivor, no stranger harmed, quickly; and what only a second look can find."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable

import pytest

from mailcore.dispatch.process import run_processes
from mailcore.model.run import Phase
from mailcore.system import processes
from mailcore.system.processes import alive, start_ticks
from mailcore.workspace.lock_reader import read_lock
from mailcore.workspace.variables import RUN_ID
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import House, wait_until

house, mark, stranger, clean_room = lab.house, lab.mark, lab.stranger, lab.clean_room

EIGHT = """
echo $$ >> pids
sleep 100 & echo $! >> pids
setsid sh -c 'echo $$ >> pids; sleep 100 & echo $! >> pids; wait' &
setsid sh -c '(sleep 100 & echo $! >> pids)'
env -i setsid sh -c '(sleep 100 & echo $! >> pids)'
sh -c 'echo $$ >> pids; sleep 100 & echo $! >> pids; wait' &
echo up
wait
sleep 100
"""
"""Eight processes: two trees below the first, one of another session, a daemon, a daemon without environment."""

HYDRA = """
trap 'trap "" TERM; setsid sleep 100 & exit 0' TERM
echo $$ >> pids
while :; do sleep 0.05; done
"""
"""Told to end, it starts a daemon that is deaf to TERM from its birth, and goes."""


def grown(house: House, count: int) -> dict[int, int]:
    """PID → start time of the processes that the agent wrote down, once there are so many."""
    path = house.agent("@writer").branch / "pids"

    def written() -> list[int]:
        found = [int(line) for line in path.read_text().split()] if path.exists() else []
        return found if len(found) >= count else []

    return {pid: start_ticks(pid) for pid in wait_until(written, what=f"a tree of {count}")}


def test_trees_of_eight_are_killed_whole_and_nobody_else(
    house: House, stranger: subprocess.Popen[bytes], rounds: Callable[[int, int], int]
) -> None:
    house.shell("writer", EIGHT)
    house.shell("editor", "echo up; sleep 3600 & wait")
    house.attempt_pid("@editor", house.started("@operator", "@editor"))
    neighbours = {p.pid: p.ticks for p in run_processes.run_members(house.runs("@editor")[0].run_id)}
    # In the same directory, and of a run that only looks alike.
    alike = subprocess.Popen(
        ["sleep", "3600"], cwd=house.agent("@writer").branch, env={**os.environ, RUN_ID: "another-run"}
    )
    count, took, survivors = rounds(10, 200), [], 0
    try:
        for _ in range(count):
            (house.agent("@writer").branch / "pids").unlink(missing_ok=True)
            run_id = house.started("@operator", "@writer")
            house.attempt_pid("@writer", run_id)
            tree = grown(house, 8)
            begun = time.monotonic()
            killed = house.kill("@lead", "@writer")
            took.append(time.monotonic() - begun)
            survivors += sum(alive(pid, ticks) for pid, ticks in tree.items())
            assert set(tree) <= set(killed.ended) and killed.survivors == ()
            assert house.run("@writer", run_id).phase is Phase.KILLED
            assert read_lock(house.agent("@writer").dispatch_lock) is None
        assert survivors == 0
        assert stranger.poll() is None and alike.poll() is None
        assert len(neighbours) == 2 and all(alive(pid, ticks) for pid, ticks in neighbours.items())
    finally:
        alike.kill()
        alike.wait()
    print(
        f"{count} kills of trees of eight: 0 survivors, 0 strangers harmed; median "
        f"{statistics.median(took):.3f} s, longest {max(took):.3f} s"
    )


def test_what_is_started_while_a_run_is_stopped_is_found_by_the_next_look(house: House) -> None:
    """Fails if process.stop looks for the tree only once: nothing else looks here."""
    branch = house.agent("@writer").branch
    hydra = subprocess.Popen(["sh", "-c", HYDRA], cwd=branch, env={**os.environ, RUN_ID: "r-hydra"})
    assert list(grown(house, 1)) == [hydra.pid]
    ended, survivors = run_processes.stop_processes(
        lambda: run_processes.run_members("r-hydra"), 0.3, lambda: (hydra.poll(), None)[1]
    )
    left = run_processes.run_members("r-hydra")
    try:
        assert left == [] and survivors == set() and len(ended) >= 2
    finally:
        for one in left:
            processes.send_signal(one.pid, one.ticks, signal.SIGKILL)
        hydra.wait()


@pytest.mark.parametrize("turn", range(3))
def test_a_tree_that_grows_without_end_is_ended(house: House, turn: int) -> None:
    """Each process starts the next in a new session, and goes: the chain is cut, also where a look missed both."""
    house.limit(stop_grace=0.2)
    chain = house.agent("@writer").branch / "chain.sh"
    chain.write_text("trap '' TERM; echo $$ > pids; sleep 0.03; setsid sh chain.sh &")
    house.shell("writer", "echo up; setsid sh chain.sh & sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    grown(house, 1)
    try:
        killed = house.kill("@operator", "@writer")
        assert killed.survivors == () and run_processes.run_members(run_id) == []
    finally:
        chain.unlink()  # a chain that was not cut ends here
