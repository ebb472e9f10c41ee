"""Which process trees work: seen on real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailcore.observe.cpu import Work

Wait = Callable[[Callable[[], object], float, str], None]
NOW = 2_000_000_000.0
CHILDREN = "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-c', 'sum(range(3000000))'])"


@contextmanager
def running(code: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield process.pid
    finally:
        # A child that a busy parent has just started ends by itself.
        process.kill()
        process.wait()


def worked(code: str, wait_until: Wait, seconds: float = 20.0) -> None:
    work = Work()
    with running(code) as pid:
        work.look({"@a": pid}, NOW)
        wait_until(lambda: work.look({"@a": pid}, NOW).get("@a") == NOW, seconds, "its work is seen")


def test_a_process_that_computes_works(wait_until: Wait) -> None:
    worked("while True: pass", wait_until)


def test_children_that_come_and_go_count_as_work(wait_until: Wait) -> None:
    """A build is many short compilers: their parent has waited for those that ended."""
    worked(CHILDREN, wait_until)


def test_a_process_that_only_waits_does_not_work(wait_until: Wait) -> None:
    work, seen = Work(), list[float]()

    def look() -> bool:
        """Its start costs CPU: look until that is over."""
        seen.append(work.look({"@a": pid}, NOW + len(seen))["@a"])
        return len(seen) > 40

    with running("import threading\nwhile True: threading.Event().wait(0.1)") as pid:
        work.look({"@a": pid}, NOW)
        wait_until(look, 20.0, "it was looked at long enough")
    assert seen[-1] == seen[20]


def test_one_look_alone_says_nothing_and_a_process_that_is_gone_is_idle() -> None:
    work = Work()
    with running("while True: pass") as pid:
        assert work.look({"@a": pid}, NOW) == {}
    assert work.look({"@a": pid}, NOW) == {"@a": 0.0}


def test_nobody_asked_for_costs_nothing() -> None:
    assert Work().look({}, NOW) == {}
