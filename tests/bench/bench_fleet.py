"""Thirty agents that dispatch each other, beside a screen whose keys are pressed.

    python -m tests.bench.bench_fleet [--seconds 300] [--agents 30] [--load 0.7] [--before DIRECTORY_OF_ITS_PROGRAMS]

First the capacity: as many tokens as agents are handed on as fast as they can be, each handing-on a `mailcore dispatch`
by an agent's own run. Then half as many tokens are handed on at `--load` of that rate, for so long. Printed: tasks that
nobody was told of (all files are read at the end), the wait for the gate, from the dispatch's command to the next
agent's exec, the screen's memory, from a key to the bytes that answer it. `--before`: another version, first.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect

from mailcore.dispatch.queueing.branch_gate import all_lock_files
from mailcore.formats import journal
from mailcore.mail.lookup import archived_messages
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.run import from_records
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock

AGENT = Path(__file__).with_name("fleet_agent.py")
TITLE = re.compile(rb"\x1b\[1;[0-9;]*m(@a\d\d)")
"""The selected agent, as the head of the detail pane: only a key changes it."""
PROBE, PRESS = 0.05, 0.25
"""Seconds between two waits for the gate, and between two keys."""
DRAIN = 120.0
SEEDING = 120.0
"""Seconds, at most, until all tokens are given out: should the bench die, nothing goes on for ever."""
CONFIG = """
[dispatch]
attempts = 1
wake_depth = 1000000
no_progress = 1000000
ping_pong = 1000000
backoff = []
hard_limit = 600
[agents]
program = "command"
command = {command}
"""


def spread(figures: list[float], unit: float = 1000.0) -> str:
    """Median, 95th and 99th percentile, largest; in milliseconds."""
    ordered = sorted(figures) or [float("nan")]
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] * unit for part in (0.5, 0.95, 0.99)]
    return (
        f"median {at[0]:.0f}, p95 {at[1]:.0f}, p99 {at[2]:.0f}, largest {ordered[-1] * unit:.0f} ms of {len(figures)}"
    )


@dataclass
class Screen:
    """A real screen in a terminal of 200x50; a thread presses j and k and stamps what answers."""

    program: Path
    root: Path
    waits: list[float] = field(default_factory=list)
    unanswered: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)
    cpu: float = 0.0

    def __post_init__(self) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            str(self.program), [str(self.root), "--mute"], dimensions=(50, 200), maxread=1 << 20, env=environment
        )
        self._child.delaybeforesend = None  # pexpect's own 50 ms would count as the screen's
        self._shown, self._titled = "", threading.Event()
        self._at = 0.0
        self._ends = threading.Event()
        self.measures = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._read, self._press)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        last = b""
        while True:
            try:
                piece = self._child.read_nonblocking(1 << 20, timeout=None)
            except (pexpect.EOF, ValueError, OSError):
                return
            at = time.monotonic()
            titles = TITLE.findall(last + piece)
            last = piece[-64:]
            if titles and (shown := titles[-1].decode()) != self._shown:
                self._shown, self._at = shown, at
                self._titled.set()

    def _press(self) -> None:
        key = "j"
        while not self._ends.wait(PRESS):
            self._titled.clear()
            at = time.monotonic()
            try:
                self._child.send(key)
            except OSError:
                return
            answered = self._titled.wait(10)
            key = "k" if key == "j" else "j"
            if self.measures.is_set():
                self.waits.append(self._at - at if answered else 10.0)
                self.unanswered += not answered
                with suppress(OSError):
                    pages = Path(f"/proc/{self._child.pid}/statm").read_text().split()[1]
                    self.memory.append((at, int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6))

    def close(self) -> None:
        """Leave it."""
        with suppress(OSError):
            fields = Path(f"/proc/{self._child.pid}/stat").read_text().rsplit(")", 1)[1].split()
            self.cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        self._ends.set()
        self._threads[1].join(15)
        self._child.send("q")
        self._child.close(force=True)


class Gate:
    """Takes the gates in turn, holds them for nothing, and notes how long it waited."""

    def __init__(self, gates: Callable[[], list[Path]]) -> None:
        self.waits: list[float] = []
        self.measures = threading.Event()
        self._gates, self._ends = gates, threading.Event()
        threading.Thread(target=self._probe, daemon=True).start()

    def _probe(self) -> None:
        number = 0
        while not self._ends.wait(PROBE):
            paths = self._gates()
            if not paths:
                continue
            number += 1
            with suppress(OSError), open(paths[number % len(paths)], "rb") as file:
                at = time.monotonic()
                fcntl.flock(file, fcntl.LOCK_EX)
                if self.measures.is_set():
                    self.waits.append(time.monotonic() - at)

    def close(self) -> None:
        """Measure no more."""
        self._ends.set()


@dataclass
class Fleet:
    """One version's workspace under load."""

    programs: Path
    """The directory with its `mailcore` and `praxmonitor`."""
    space: Workspace
    scratch: Path

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the agents did."""
        return journal.read_records(self.scratch / "log.jsonl")

    @property
    def planned(self) -> dict[str, Any]:
        """The plan at present."""
        plan: dict[str, Any] = json.loads((self.scratch / "plan.json").read_text())
        return plan

    def plan(self, phase: str, rate: float, tokens: int, seconds: float) -> None:
        """Hand on so many tokens at this rate (0: as fast as can be) from now on."""
        names = [agent.address for agent in self.space.agents]
        now = time.time()
        plan = {
            "phase": phase, "rate": rate, "tokens": tokens, "from": now, "until": now + seconds, "agents": names,
            "mailcore": str(self.programs / "mailcore"), "log": str(self.scratch / "log.jsonl"),
        }  # fmt: skip
        (self.scratch / "plan.json").write_text(json.dumps({**plan, "until": now + SEEDING, "rate": 0.0}))
        for token in range(tokens):
            target = names[token * len(names) // tokens]
            subject = f"token {token} hop 0 of {phase}"
            words = ["dispatch", target, subject, "Go on.", "--queue", "--from", "@operator"]
            subprocess.run([self.programs / "mailcore", *words], cwd=self.space.root, capture_output=True, check=False)
        plan |= {"from": time.time(), "until": time.time() + seconds}
        part = self.scratch / "plan.part"
        part.write_text(json.dumps(plan))
        part.rename(self.scratch / "plan.json")

    def drained(self) -> bool:
        """True once nothing runs and nothing waits; False if that does not come."""
        deadline = time.monotonic() + DRAIN
        quiet = 0
        while time.monotonic() < deadline:
            waits = any((agent.mail_dir / ".queue.jsonl").exists() for agent in self.space.agents)
            runs = any(read_lock(agent.dispatch_lock) is not None for agent in self.space.agents)
            quiet = 0 if waits or runs else quiet + 1
            if quiet > 10:
                return True
            time.sleep(0.1)
        return False

    def untold(self) -> tuple[int, int, list[str]]:
        """Tasks that were acknowledged, those of whose end nobody was told, and which; all files are read."""
        threads: dict[str, set[str]] = {}
        for agent in (*self.space.agents, self.space.operator):
            raw = [message.raw for message in read_mailbox(agent.inbox).messages]
            for mail in (*raw, *(record for _, record in archived_messages(agent))):
                threads.setdefault(agent.address, set()).add(str(mail.get("in_reply_to") or ""))
        begun = {}
        for agent in self.space.agents:
            for path in agent.runs_dir.glob("*/run.jsonl"):
                run = from_records(journal.read_records(path))
                if run is not None and run.message_id:
                    begun[run.message_id] = run
        acknowledged = [line for line in self.log if line["event"] == "dispatch" and line["message"]]
        silent = []
        for line in acknowledged:
            run = begun.get(line["message"])
            ended = run is not None and run.phase.ended
            if not ended or line["sent"] not in threads.get(line["by"], set()):
                what = f"{run.phase}: {run.reason or run.undelivered}" if run is not None else "no run"
                silent.append(f"{line['by']} → {line['to']} token {line['token']} hop {line['hop']}: {what}")
        return len(acknowledged), len(silent), silent


def quiet(fleet: Fleet, turns: int) -> list[float]:
    """Command → exec of one dispatch at a time, before any load."""
    took = []
    for turn in range(turns):
        at = time.time()
        subject = f"token {turn} hop 0 of quiet"
        words = [
            "dispatch",
            fleet.space.agents[turn % len(fleet.space.agents)].address,
            subject,
            "Go on.",
            "--from",
            "@operator",
        ]
        subprocess.run([fleet.programs / "mailcore", *words], cwd=fleet.space.root, capture_output=True, check=True)
        while not (hits := [line for line in fleet.log if line["event"] == "exec" and line["token"] == turn]):
            time.sleep(0.005)
        took.append(hits[0]["at"] - at)
        fleet.drained()
    return took


@contextmanager
def house(programs: Path, agents: int) -> Iterator[Fleet]:
    """A workspace with so many agents of that version; what runs there is killed afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        home = {"HOME": directory, "XDG_STATE_HOME": f"{directory}/state"}
        kept = {name: os.environ.get(name) for name in home}
        os.environ.update(home)  # before it is made there: that this person made it is noted there
        space = create.create_workspace(scratch / "project", [(f"a{n:02}", f"agents/a{n:02}") for n in range(agents)])
        space.config_file.parent.mkdir(exist_ok=True)
        command = json.dumps([sys.executable, "-S", str(AGENT), str(scratch / "plan.json")])
        space.config_file.write_text(CONFIG.format(command=command))
        try:
            yield Fleet(programs, space, scratch)
        finally:
            (scratch / "plan.json").unlink(missing_ok=True)  # nobody hands on any more
            for agent in space.agents:
                if read_lock(agent.dispatch_lock) is not None:
                    words = [str(programs / "mailcore"), "kill", agent.address, "--from", "@operator"]
                    subprocess.run(words, cwd=space.root, capture_output=True, check=False)
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def gates(space: Workspace) -> list[Path]:
    """The gates that there are: one a branch, and of a former version the workspace's."""
    found = [*all_lock_files(space), space.state_dir / ".dispatch.flock"]
    return [path for path in found if path.exists()]


def measure(programs: Path, turns: int, agents: int, load: float, warm: float, seconds: float) -> None:
    """One version."""
    with house(programs, agents) as fleet:
        fleet.plan("quiet", 0.0, 0, 0.0)
        print(f"{programs}\n  quiet, command → exec: {spread(quiet(fleet, turns))}")
        screen = Screen(programs / "praxmonitor", fleet.space.root)
        gate = Gate(lambda: gates(fleet.space))
        try:
            fleet.plan("capacity", 0.0, agents, warm + 5)
            time.sleep(warm + 5)
            until = fleet.planned["until"]
            counted = [at["at"] for at in fleet.log if at["event"] == "exec" and until - warm < at["at"] < until]
            capacity = len(counted) / warm
            print(f"  capacity: {capacity:.2f} tasks handed on a second ({agents} agents, as fast as can be)")
            drained = fleet.drained()
            print(f"  {'all of it ended' if drained else 'it STOOD STILL: what waits is left'}", flush=True)
            rate, tokens = capacity * load, max(1, agents // 2)
            for one in (screen, gate):
                one.measures.set()
            fleet.plan("load", rate, tokens, seconds)
            time.sleep(seconds)
            for one in (screen, gate):
                one.measures.clear()
            drained = fleet.drained()
        finally:
            gate.close()
            screen.close()
        report(fleet, screen, gate, rate, seconds, drained)


def report(fleet: Fleet, screen: Screen, gate: Gate, rate: float, seconds: float, drained: bool) -> None:
    """What it came to."""
    dispatched = [line for line in fleet.log if line["event"] == "dispatch" and line["phase"] == "load"]
    began = {line["message"]: line["at"] for line in fleet.log if line["event"] == "exec"}
    to_exec, to_busy = (
        [began[line["message"]] - line["at"] for line in dispatched if line["message"] in began
         and bool(line["queued"]) is queued] for queued in (False, True)
    )  # fmt: skip
    refused = [line for line in fleet.log if line["event"] == "dispatch" and not line["message"]]
    unanswered = [line for line in fleet.log if line["event"] == "done" and line["status"]]
    acknowledged, untold, which = fleet.untold()
    print(f"  load: {rate:.2f} a second for {seconds:.0f} s; reached {len(to_exec + to_busy) / seconds:.2f}")
    print(f"  untold: {untold} of {acknowledged} acknowledged tasks; {'nothing waits' if drained else 'STOOD STILL'}")
    for line in which[:5]:
        print(f"    {line}")
    print(f"  told that it failed: {len(refused)} dispatches, {len(unanswered)} answers")
    for failure in (*refused[:2], *unanswered[:2]):
        print(f"    {' '.join(failure['said'].split())[-200:]}")
    print(f"  wait for the gate: {spread(gate.waits)} (budget: p99 2,000)")
    print(f"  command → exec at an idle agent: {spread(to_exec)} (budget: p95 1,500)")
    print(f"  command → exec at a busy one, its run's rest included: {spread(to_busy)}")
    print(f"  dispatch command: {spread([line['took'] for line in dispatched])}")
    print(f"  key → bytes: {spread(screen.waits)} (budget: p95 50); {screen.unanswered} unanswered")
    if part := len(screen.memory) // 5:
        first, last = (statistics.median(size for _, size in rows) for rows in
                       (screen.memory[part : 2 * part], screen.memory[-part:]))  # fmt: skip
        print(f"  screen: {first:.1f} MB in the second fifth, {last:.1f} MB in the last; {screen.cpu:.0f} s of CPU")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=10, help="dispatches before any load")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--capacity-seconds", type=float, default=30.0)
    parser.add_argument("--agents", type=int, default=30)
    parser.add_argument("--load", type=float, default=0.7)
    parser.add_argument("--before", type=Path, help="the directory of another version's programs")
    parser.add_argument("--only-before", action="store_true")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then, too
    own = Path(sys.executable).parent
    versions = [*([asked.before.absolute()] if asked.before else []), *([] if asked.only_before else [own])]
    print(f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for programs in versions:
        measure(programs, asked.turns, asked.agents, asked.load, asked.capacity_seconds, asked.seconds)


if __name__ == "__main__":
    main()
