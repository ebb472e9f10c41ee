"""Which process trees work: seen on real processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

import psutil
import pytest

from mailcore.observe.cpu import WORK_SHARE, CpuActivity
from mailcore.system import PORTABLE, processes
from mailcore.system.process_values import Process

pytestmark = pytest.mark.backends

Wait = Callable[[Callable[[], object], float, str], None]
NOW = 2_000_000_000.0
CHILDREN = "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-c', 'sum(range(3000000))'])"


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        # A child that a busy parent has just started ends by itself.
        process.kill()
        process.communicate()


def worked(code: str, wait_until: Wait, seconds: float = 20.0) -> None:
    work = CpuActivity()
    with running(code) as process:
        work.measure({"@a": process.pid}, NOW)
        wait_until(lambda: work.measure({"@a": process.pid}, NOW).get("@a") == NOW, seconds, "its work is seen")


def test_a_process_that_computes_works(wait_until: Wait) -> None:
    worked("while True: pass", wait_until)


def test_children_that_come_and_go_count_as_work(wait_until: Wait) -> None:
    """A build is many short compilers: their parent has waited for those that ended."""
    worked(CHILDREN, wait_until)


def test_a_process_that_only_waits_does_not_work(wait_until: Wait) -> None:
    """One that wakes up in between has a test of its own below: on a busy machine it waits for the CPU each time."""
    work, pause = CpuActivity(), threading.Event()
    with running("import signal\nprint(flush=True)\nsignal.pause()") as process:
        assert process.stdout is not None
        process.stdout.readline()
        asleep = psutil.Process(process.pid)
        wait_until(lambda: asleep.status() == psutil.STATUS_SLEEPING, 20, "its start, which costs CPU, is over")
        looks = [work.measure({"@a": process.pid}, NOW)]
        while len(looks) < 4:
            pause.wait(0.5)
            looks.append(work.measure({"@a": process.pid}, NOW))
    assert looks == [{}, {"@a": 0.0}, {"@a": 0.0}, {"@a": 0.0}]


def test_one_look_alone_says_nothing_and_a_process_that_is_gone_is_idle() -> None:
    work = CpuActivity()
    with running("while True: pass") as process:
        assert work.measure({"@a": process.pid}, NOW) == {}
    assert work.measure({"@a": process.pid}, NOW) == {"@a": 0.0}


def test_nobody_asked_for_costs_nothing() -> None:
    assert CpuActivity().measure({}, NOW) == {}


PINNED = "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
"""A core that all of them share: one that is too busy, whatever the others do."""
LAST = f"{PINNED}os.nice(10)\nprint(flush=True)\n"
STARVED = f"{PINNED}os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nprint(flush=True)\n"
"""What yields to whoever runs on that core, whatever the priority of the tests is."""
ONE_CORE = pytest.mark.skipif(PORTABLE, reason="the portable backend does not know how long a process waited")


@contextmanager
def beside_hogs(code: str, number: int) -> Iterator[subprocess.Popen[str]]:
    """A process of the lowest priority on a core that others have nearly all of, once it is up."""
    with ExitStack() as stack:
        process = stack.enter_context(running(code))
        for _ in range(number):
            stack.enter_context(running(f"{PINNED}while True: pass"))
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def share(pid: int, look: float = 1.0) -> float:
    """The share of a core that a process used, in a second."""
    before = processes.look(pid)
    threading.Event().wait(look)
    after = processes.look(pid)
    assert before is not None and after is not None
    return (after.cpu - before.cpu) / look


@ONE_CORE
def test_a_build_that_a_busy_machine_starves_works() -> None:
    """It has less of the CPU than counts as work: what it waits for counts, from when it has had any."""
    with beside_hogs(f"{STARVED}while True: pass", 4) as process:
        pid, work, had_any, deadline = process.pid, CpuActivity(), 0, time.monotonic() + 180
        work.measure({"@a": pid}, NOW)
        while True:
            waited = processes.waited_for_cpu(pid)  # the kernel adds it up whenever the process gets the CPU
            starves = share(pid) < WORK_SHARE
            if work.measure({"@a": pid}, NOW)["@a"] == NOW and starves:
                break
            had_any += processes.waited_for_cpu(pid) != waited
            assert had_any < 20, "its work is seen though it has no share"
            if time.monotonic() > deadline:
                pytest.skip("in three minutes this machine never let it have the CPU while it starved")


@ONE_CORE
def test_a_process_that_only_wakes_up_does_not_work_on_a_busy_machine_either() -> None:
    """Whatever runs beside: judged are looks between which it slept for most of the time, as it says itself."""
    idle = f"{LAST}import threading\nwhile not threading.Event().wait(0.1): print('.', end='', flush=True)"
    work, pause, judged, deadline = CpuActivity(), threading.Event(), 0, time.monotonic() + 60
    with beside_hogs(idle, 1) as process:
        assert process.stdout is not None
        assert work.measure({"@a": process.pid}, NOW) == {}
        while judged < 3:
            if time.monotonic() > deadline:
                pytest.skip("in a minute this machine never let a process wake up ten times a second")
            drained(process.stdout)
            began = time.monotonic()
            pause.wait(1.0)
            slept = 0.1 * (drained(process.stdout) - 1)  # the first may have begun before
            worked = work.measure({"@a": process.pid}, NOW)["@a"] == NOW
            if slept >= 0.6 * (time.monotonic() - began):  # so that it cannot have waited for half of it
                assert not worked
                judged += 1
            else:  # what was seen now says nothing: another observer, from here
                work = CpuActivity()
                work.measure({"@a": process.pid}, NOW)


def drained(stream: IO[str]) -> int:
    """How many bytes had come since they were read before."""
    count = 0
    while select.select([stream], [], [], 0)[0] and (read := os.read(stream.fileno(), 4096)):
        count += len(read)
    return count


@pytest.mark.parametrize(("load", "works"), [(1.0, False), (0.1, False), (5.0, True)])
def test_where_no_system_says_what_it_waited_for_the_load_of_the_machine_counts(load: float, works: bool) -> None:
    """Two hundredths of a core: nothing on a machine at rest, a fair share where five want each core."""

    def table() -> dict[int, Process]:
        return {7: Process(7, 1, 0, 7, "make", cpu=0.02 * time.monotonic())}

    work = CpuActivity(table, lambda _: None, lambda: load)
    work.measure({"@a": 7}, NOW)
    threading.Event().wait(0.2)
    assert work.measure({"@a": 7}, NOW) == {"@a": NOW if works else 0.0}


DRAWS = (
    "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}])\nprint(flush=True)\nwhile True: pass"
)
"""A program that draws all the time, and what runs below it."""


@pytest.mark.parametrize(
    ("child", "works"),
    [("print(flush=True); import signal; signal.pause()", False), ("print(flush=True)\nwhile True: pass", True)],
)
def test_what_a_program_at_a_terminal_draws_is_no_work_and_what_runs_below_it_is(child: str, works: bool) -> None:
    """Claude Code's spinner takes a tenth of a core while a tool hangs."""
    with running(DRAWS.format(child=child)) as process:
        assert process.stdout is not None
        for _ in range(2):  # both are up, whose start costs CPU
            process.stdout.readline()
        (below,) = [one.pid for one in processes.snapshot().values() if one.ppid == process.pid]
        try:
            work, looks = CpuActivity(), []
            for _ in range(3):
                looks.append(work.measure({"@a": process.pid}, NOW, {"@a"}))
                threading.Event().wait(0.5)
        finally:
            os.kill(below, signal.SIGKILL)
    assert looks[0] == {} and looks[-1] == {"@a": NOW if works else 0.0}
