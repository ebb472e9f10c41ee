"""Dispatch: command → exec, child's death → journal, thirty runs at once. `python -m tests.bench.bench_dispatch`.

Options: `--turns 20`, `--runs 30` at once, `--seconds 10` over which the idle supervisors' CPU is taken.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import pexpect

from mailcore.config import read_config
from mailcore.dispatch import control
from mailcore.dispatch.kill import kill_run
from mailcore.dispatch.runs.run_list import last_run
from mailcore.model.run import Run
from mailcore.system.processes import alive
from mailcore.workspace import create, find
from mailcore.workspace.lock_reader import read_lock
from tests.bench.asked import ask

AMOUNTS = argparse.Namespace(turns=20, runs=30, seconds=10.0)


def until(condition: object, seconds: float = 30.0) -> None:
    """Wait for a condition, looking often: it is what is measured."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        Event().wait(0.001)


@contextmanager
def house(count: int, script: str) -> Iterator[find.Workspace]:
    """A workspace of so many agents that run a shell script; all is killed afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        made = create.create_workspace(Path(directory) / "project", [(f"a{n}", f"agents/a{n}") for n in range(count)])
        rows = [f'[agents.a{n}]\nprogram = "command"\ncommand = ["sh", "-c", {script!r}]' for n in range(count)]
        made.config_file.parent.mkdir(exist_ok=True)
        made.config_file.write_text("[dispatch]\nattempts = 1\nno_progress = 1000\n" + "\n".join(rows) + "\n")
        try:
            yield made
        finally:
            for agent in made.agents:
                if read_lock(agent.dispatch_lock) is not None:
                    kill_run(made, read_config(made.config_file), "@operator", agent.address)


def run_of(space: find.Workspace, name: str) -> Run | None:
    agent = space.agent(name)
    return last_run(agent)


def spread(figures: list[float]) -> str:
    """Median and the 95th percentile, in milliseconds."""
    ordered = sorted(figures)
    return f"median {statistics.median(ordered):.0f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.0f} ms"


def dispatched() -> None:
    """`mailcore dispatch` as a process, from before its start to the agent's first line, and to its own exit."""
    to_exec, to_exit = [], []
    with house(1, "date +%s.%N > began; echo up") as space:
        began = space.agent("@a0").branch / "began"
        for n in range(AMOUNTS.turns):
            began.unlink(missing_ok=True)
            start = time.time()
            words = [sys.executable, "-m", "mailcore.cli", "dispatch", "@a0", f"task {n}", "b", "--from", "@operator"]
            subprocess.run(words, cwd=space.root, check=True, stdout=subprocess.DEVNULL)
            to_exit.append((time.time() - start) * 1000)
            until(lambda: began.exists() and began.read_text().strip())
            to_exec.append((float(began.read_text()) - start) * 1000)
            until(lambda: not space.agent("@a0").dispatch_lock.exists())
    print(f"dispatch command → agent's exec: {spread(to_exec)} (budget 200 ms); → its own end: {spread(to_exit)}")


class Screen:
    """PraxMonitor in a terminal of its own; every piece of what it draws is stamped when it is read."""

    def __init__(self, root: Path) -> None:
        words = ["-m", "praxmonitor", str(root), "--mute"]
        self._child: pexpect.spawn[bytes] = pexpect.spawn(sys.executable, words, dimensions=(40, 120), maxread=1 << 20)
        self._pieces: list[tuple[float, bytes]] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = self._child.read_nonblocking(1 << 20, timeout=None)
            except (pexpect.EOF, ValueError, OSError):
                return
            self._pieces.append((time.time(), piece))

    def shows(self, words: bytes, after: float = 0.0) -> float:
        """When the words had been drawn, of what was drawn after that time; 0.0 if they are not there."""
        drawn = b""
        for at, piece in list(self._pieces):
            if at > after:
                drawn += piece
                if words in drawn:
                    return at
        return 0.0

    def close(self) -> None:
        """End it."""
        self._child.send(b"q")
        self._reader.join(5)
        self._child.close(force=True)


def died() -> None:
    """The agent's death by signal to the record of it in the run's journal, by the record's own time, and to the frame
    in which a PraxMonitor that was open all the time has drawn it."""
    figures, frames = [], []
    with house(1, "echo up; exec sleep 100") as space:
        config = read_config(space.config_file)
        screen = Screen(space.root)
        until(lambda: screen.shows(b"idle"))
        for n in range(AMOUNTS.turns):
            begun = time.time()
            control.dispatch_task(space, config, "@operator", "@a0", f"task {n}", "b")
            until(lambda: screen.shows(b"1 working", begun))  # noqa: B023

            def pid() -> int:
                run = run_of(space, "@a0")
                return run.attempt.pid if run and run.attempt and run.attempt.running_at else 0

            until(pid)
            Event().wait(0.5 + 0.037 * n)  # not in step with what the screen does by itself
            victim, killed = pid(), time.time()
            os.kill(victim, signal.SIGKILL)
            until(lambda: screen.shows(b"1 failed", killed))  # noqa: B023
            frames.append((screen.shows(b"1 failed", killed) - killed) * 1000)
            until(lambda: (run := run_of(space, "@a0")) is not None and run.phase.ended)
            run = run_of(space, "@a0")
            assert run is not None and run.attempt is not None
            figures.append((run.attempt.ended_at - killed) * 1000)
            until(lambda: not space.agent("@a0").dispatch_lock.exists())
        screen.close()
    print(f"child's death → journal: {spread(figures)}; → drawn on the screen: {spread(frames)} (budget: p95 100 ms)")


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used; clock ticks would be too coarse."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def memory(pid: int) -> tuple[float, float]:
    """Resident and private (unique) megabytes of a process."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    amounts = {name: int(value.split()[0]) / 1000 for name, value in rows.items()}
    return amounts["Rss"], amounts["Private_Clean"] + amounts["Private_Dirty"]


def at_once() -> None:
    """Thirty runs whose agents print a line a second: what their supervisors cost together."""
    with house(AMOUNTS.runs, "while :; do echo line; sleep 1; done") as space:
        config = read_config(space.config_file)
        start = time.monotonic()
        for agent in space.agents:
            control.dispatch_task(space, config, "@operator", agent.address, "task", "b")
        runs = [agent.address for agent in space.agents]
        until(lambda: all((run := run_of(space, a)) and run.attempt and run.attempt.running_at for a in runs), 120)
        started = time.monotonic() - start
        locks = [read_lock(agent.dispatch_lock) for agent in space.agents]
        pids = [lock.pid for lock in locks if lock is not None and alive(lock.pid)]
        assert len(pids) == AMOUNTS.runs
        Event().wait(11)  # past the looks that come sooner at the beginning
        before, at = sum(map(cpu, pids)), time.monotonic()
        Event().wait(AMOUNTS.seconds)
        used = (sum(map(cpu, pids)) - before) / (time.monotonic() - at)
        sizes = [memory(pid) for pid in pids]
        resident, own = (statistics.median(column) for column in zip(*sizes, strict=True))
        largest = max(rss for rss, _ in sizes)
    print(
        f"{AMOUNTS.runs} runs at once: all started in {started:.1f} s; supervisors together {used * 100:.2f} % "
        f"of one core over {AMOUNTS.seconds:g} s (budget 1 %); RSS each {resident:.1f} MB, largest {largest:.1f} MB "
        f"(budget 25), of it private {own:.1f} MB"
    )


if __name__ == "__main__":
    ask(AMOUNTS, __doc__)
    print(f"{datetime.now():%Y-%m-%d}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    dispatched()
    died()
    at_once()
