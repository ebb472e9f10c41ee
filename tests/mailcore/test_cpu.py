"""Which process trees work: seen on real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mailcore.observe.cpu import CpuActivity

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


def test_a_process_that_only_waits_does_not_work() -> None:
    """Half a second between two looks: a tick, the kernel's smallest figure, is a whole core for 10 ms."""
    work, pause = CpuActivity(), threading.Event()
    with running("import threading\nprint(flush=True)\nwhile True: threading.Event().wait(0.1)") as process:
        assert process.stdout is not None
        process.stdout.readline()  # its start costs CPU, and is over
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
