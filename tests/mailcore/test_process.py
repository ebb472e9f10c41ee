"""Which processes are a run's, and how all of them are ended. Real trees that hide, ignore and multiply."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailcore.dispatch.process import run_processes
from mailcore.system import processes
from mailcore.system.process_values import Process
from mailcore.system.processes import alive, start_ticks
from mailcore.workspace.variables import RUN_ID, SUPERVISES
from tests.mailcore.conftest import wait_until

pytestmark = pytest.mark.backends

TREE = """
import os, signal, subprocess, sys
from threading import Event
out = open(sys.argv[1], "w")
def keep(name, pid): print(name, pid, file=out, flush=True)
def sleep(*extra, **more): return subprocess.Popen([*extra, "sleep", "100"], **more).pid
keep("plain", sleep())
keep("setsid", sleep(start_new_session=True))
keep("env", sleep("env", "-i"))
child = os.fork()
if child == 0:                      # double fork: a daemon
    os.setsid()
    if os.fork(): os._exit(0)
    keep("daemon", os.getpid())
    Event().wait(100)
os.waitpid(child, 0)
if (deaf := os.fork()) == 0:        # ignores TERM
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keep("deaf", os.getpid())
    Event().wait(100)
if (frozen := os.fork()) == 0:      # is stopped
    keep("frozen", os.getpid())
    os.kill(os.getpid(), signal.SIGSTOP)
    Event().wait(100)
keep("top", os.getpid())
Event().wait(100)
"""


def grow(tmp_path: Path, run_id: str) -> tuple[subprocess.Popen[bytes], dict[str, int]]:
    """The tree above, and the PIDs that it wrote down."""
    pids = tmp_path / "pids"
    top = subprocess.Popen([sys.executable, "-c", TREE, str(pids)], env={**os.environ, RUN_ID: run_id})

    def written() -> dict[str, int]:
        found = {name: int(pid) for name, pid in (line.split() for line in pids.read_text().splitlines())}
        return found if len(found) == 7 else {}

    return top, wait_until(lambda: written() if pids.exists() else {}, what="the tree has grown")


def state(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rfind(")") + 2]


def test_a_whole_tree_is_found_and_ended_and_strangers_are_not(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    other_run = subprocess.Popen(["sleep", "100"], env={**os.environ, RUN_ID: "other"})
    top, pids = grow(tmp_path, "r-tree")
    wait_until(lambda: state(pids["frozen"]) == "T", what="one is stopped")
    found = run_processes.run_members("r-tree")
    assert {p.pid for p in found} == set(pids.values())
    assert next(p for p in found if p.pid == pids["top"]).depth == 0
    assert next(p for p in found if p.pid == pids["plain"]).depth == 1
    try:
        ended, survivors = run_processes.stop_processes(
            lambda: run_processes.run_members("r-tree"), 0.3, lambda: (top.poll(), None)[1]
        )
        assert ended == set(pids.values()) and survivors == set()
        assert [name for name, pid in pids.items() if alive(pid)] == []
        assert stranger.poll() is None and other_run.poll() is None
    finally:
        other_run.kill()
        other_run.wait()
        top.wait()


def test_those_that_obey_are_not_killed_and_it_is_quick(tmp_path: Path) -> None:
    source = (
        "import signal, sys; from pathlib import Path; from threading import Event\n"
        "def bye(*_): Path(sys.argv[1]).write_text('clean'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye); print('up', flush=True); Event().wait(100)\n"
    )
    polite = subprocess.Popen(
        [sys.executable, "-c", source, str(tmp_path / "bye")],
        env={**os.environ, RUN_ID: "r-polite"},
        stdout=subprocess.PIPE,
    )
    assert polite.stdout is not None and polite.stdout.readline() == b"up\n"
    ended, _ = run_processes.stop_processes(
        lambda: run_processes.run_members("r-polite"), 20, lambda: (polite.poll(), None)[1]
    )
    assert ended == {polite.pid} and polite.wait() == 0
    assert (tmp_path / "bye").read_text() == "clean"
    polite.stdout.close()


def test_one_that_forks_when_it_is_told_to_end_is_found_again(tmp_path: Path) -> None:
    """What appears after the first look is caught by the next: stop looks until it finds nothing."""
    source = (
        "import os, signal, sys; from threading import Event\n"
        "def again(*_):\n"
        "    if os.fork() == 0:\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_DFL); Event().wait(100)\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, again); print('up', flush=True); Event().wait(100)\n"
    )
    hydra = subprocess.Popen(
        [sys.executable, "-c", source], env={**os.environ, RUN_ID: "r-hydra"}, stdout=subprocess.PIPE
    )
    assert hydra.stdout is not None and hydra.stdout.readline() == b"up\n"
    ended, survivors = run_processes.stop_processes(
        lambda: run_processes.run_members("r-hydra"), 5, lambda: (hydra.poll(), None)[1]
    )
    assert len(ended) >= 2 and survivors == set()
    assert run_processes.run_members("r-hydra") == []
    hydra.stdout.close()
    hydra.wait()


def test_a_recycled_pid_is_not_signalled(stranger: subprocess.Popen[bytes]) -> None:
    assert not processes.send_signal(stranger.pid, start_ticks(stranger.pid) + 1, signal.SIGKILL)
    assert stranger.poll() is None
    assert processes.send_signal(stranger.pid, start_ticks(stranger.pid), signal.SIGTERM)
    assert stranger.wait(10) == -signal.SIGTERM
    assert not processes.send_signal(stranger.pid, 0, signal.SIGTERM)


def test_a_zombie_is_no_process() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        assert state(child) == "Z"
        assert not alive(child) and start_ticks(child) == 0
        assert child not in processes.snapshot()
    finally:
        os.waitpid(child, 0)


@pytest.mark.linux_only("/proc lists them beside the processes")
def test_the_kernels_own_threads_are_no_processes() -> None:
    """They have no memory, which a process has; a machine may show none of them."""
    found = processes.snapshot()
    assert os.getpid() in found
    assert [one.name for one in found.values() if not one.rss and one.ppid in (0, 2)] == []


def test_another_runs_supervisor_and_all_below_it_are_strangers() -> None:
    marks = {RUN_ID: "outer", SUPERVISES: "inner"}
    script = f"env -u {SUPERVISES} {RUN_ID}=inner sleep 100 & env -i sleep 100 & echo up; wait"
    inner = subprocess.Popen(["sh", "-c", script], env={**os.environ, **marks}, stdout=subprocess.PIPE)
    orphan = subprocess.Popen(["sleep", "100"], env={**os.environ, RUN_ID: "inner"})
    try:
        assert inner.stdout is not None and inner.stdout.readline() == b"up\n"
        below = {p.pid for p in processes.snapshot().values() if p.ppid == inner.pid}
        assert len(below) == 2
        assert run_processes.run_members("outer") == []
        # As a child of the outer run's supervisor, which is where a subreaper gets it:
        assert not {inner.pid, orphan.pid, *below} & {p.pid for p in run_processes.run_members("outer", [os.getpid()])}
    finally:
        left = [p for p in processes.snapshot().values() if p.ppid == inner.pid]
        for child in (inner, orphan):
            child.kill()
            child.wait()
        for one in left:
            processes.send_signal(one.pid, one.ticks, signal.SIGKILL)
        assert inner.stdout is not None
        inner.stdout.close()


def test_the_members_of_a_session_are_its_processes_and_what_left_it() -> None:
    script = "sleep 100 & setsid sleep 100 & echo up; wait"
    monitor = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert monitor.stdout is not None and monitor.stdout.readline() == b"up\n"
    wait_until(lambda: len(run_processes.session_members(monitor.pid)) == 3, what="three processes")
    ended, survivors = run_processes.stop_processes(
        lambda: run_processes.session_members(monitor.pid), 1, lambda: (monitor.poll(), None)[1]
    )
    assert len(ended) == 3 and survivors == set()
    assert monitor.wait() is not None
    monitor.stdout.close()


def test_of_a_foreign_run_are_those_that_carry_its_id_and_no_run_of_ours() -> None:
    """Below a monitor, and even in its session, work runs of ours and others of AIPass that were started from it."""
    length = f"sleep 1{os.getpid()}"  # of these processes alone
    script = f"""
        setsid sh -c '({length}1 &)'
        env AIPASS_DISPATCH_ID=another {length}2 &
        env MAILCORE_SUPERVISES=ours {length}3 &
        env MAILCORE_RUN_ID=ours {length}4 &
        env -i {length}5 &
        setsid env -i sh -c '({length}6 &)'
        echo up; wait
    """
    environment = {**os.environ, "AIPASS_DISPATCH_ID": "theirs"}
    monitor = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, env=environment)

    def everything() -> list[Process]:
        return [p for p in processes.snapshot().values() if processes.command_of(p.pid).startswith(length)]

    try:
        assert monitor.stdout is not None and monitor.stdout.readline() == b"up\n"
        wait_until(lambda: len(everything()) == 6, what="six sleepers")
        found = run_processes.session_members(monitor.pid, "theirs")
        assert {processes.command_of(p.pid) for p in found if p.pid != monitor.pid} == {f"{length}1", f"{length}5"}
        # What cleared its environment and left the session is known only from an earlier look.
        lost = next(p for p in everything() if processes.command_of(p.pid) == f"{length}6")
        again = run_processes.session_members(monitor.pid, "theirs", [lost, found[0]._replace(ticks=1)])
        again_words = {processes.command_of(p.pid) for p in again if p.pid != monitor.pid}
        assert again_words == {
            f"{length}1",
            f"{length}5",
            f"{length}6",
        }
        # Of a monitor that is gone, only the id is left.
        left = run_processes.session_members(0, "theirs")
        assert {processes.command_of(p.pid) for p in left if p.pid != monitor.pid} >= {f"{length}1"}
    finally:
        for one in everything():
            processes.send_signal(one.pid, one.ticks, signal.SIGKILL)
        monitor.communicate(timeout=20)


def test_command_and_start_are_told(stranger: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: processes.command_of(stranger.pid) == "sleep 3600", what="it is told by its words")
    one = processes.snapshot()[stranger.pid]
    assert one.name == "sleep" and one.ppid == os.getpid()
    assert abs(processes.started_at(one) - time.time()) < 30


@pytest.mark.parametrize("name", ["a b", "a) S 1 (x", "("])
def test_a_name_with_spaces_and_parentheses_is_read_right(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "100"])
    try:
        wait_until(lambda: processes.snapshot()[child.pid].name == name, what="it runs under that name")
        assert processes.snapshot()[child.pid].ppid == os.getpid() and start_ticks(child.pid) > 0
    finally:
        child.kill()
        child.wait()
