"""The real programs, left alone in a tool: what is recorded of them, for the stories of alarms.

`PRAX_RECORDINGS=DIRECTORY` keeps the recordings, without the machine's paths and the bodies of mails, and beside each
what the machine told meanwhile; so `tests/stories/recorded` was made.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailcore.dispatch.process.run_processes import own_sessions
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.fold import apply
from mailcore.programs.registry import built_in
from mailcore.workspace.lock_reader import read_lock
from praxmonitor.feed.recording_reader import read_recording
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, DONE, READ, Lab
from tests.real.stub import Text, Tool, Tools
from tests.real.test_prompts import terminal

DISPATCH = 'dispatch @writer "Release notes" "Write them from the changes."'
LOOK = 0.5
"""Seconds between two looks at the machine."""
PRIVATE = re.compile(r'"(boot_id|nonce|host|namespace)":"[^"]*"')
"""What tells of the machine in a lock."""


class Recording:
    """What was seen of @writer, and of its processes, until now."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.path = lab, lab.root.parent / f"{name}.jsonl.gz"
        self.machine: list[tuple[float, bool, bool]] = []
        """When it changed, in seconds since the epoch: whether a person's own session runs, whether its tree works."""
        self._over = threading.Event()
        words = ["praxmonitor", "record", str(lab.root), str(self.path)]
        self._process = subprocess.Popen(words, env=lab.environment, stderr=subprocess.DEVNULL)
        wait_until(self.path.exists, 20, "it records")
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        work, lock = CpuActivity(), self._lab.branch / ".ai_mail.local/.dispatch.lock"
        while not self._over.wait(LOOK):
            now = time.time()
            sessions = [process.pid for process, where in own_sessions(built_in()) if where == self._lab.branch]
            held = read_lock(lock)
            root = held.pid if held is not None else next(iter(sessions), 0)
            screens = () if held is not None else ("@writer",)
            works = work.measure({"@writer": root} if root else {}, now, screens).get("@writer") == now
            if not self.machine or self.machine[-1][1:] != (bool(sessions), works):
                self.machine.append((now, bool(sessions), works))

    def goes_on(self, seconds: float) -> None:
        """Nothing is done for so long: what is recorded is that nothing happens."""
        threading.Event().wait(seconds)

    def end(self) -> None:
        """Keep it, if that is wanted."""
        self._over.set()
        self._thread.join(10)
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)
        if directory := os.environ.get("PRAX_RECORDINGS"):
            self._keep(Path(directory))

    def _keep(self, directory: Path) -> None:
        text = gzip.decompress(self.path.read_bytes()).decode()
        for path, instead in (
            (self._lab.root, "/project"),
            (self._lab.home, "/home/op"),
            (self._lab.root.parent, "/lab"),
        ):
            text = text.replace(str(path), instead)
        text = PRIVATE.sub(r'"\1":""', text)
        (directory / self.path.name).write_bytes(gzip.compress(text.encode(), mtime=0))
        told = directory / "machine.json"
        known = json.loads(told.read_text()) if told.exists() else {}
        told.write_text(json.dumps({**known, self.path.name.partition(".")[0]: self.machine}))

    def facts(self) -> AgentFacts:
        """What is known of @writer at its end."""
        fleet = Fleet(self._lab.root)
        for at, facts in read_recording(self.path):
            fleet = apply(fleet, facts, at)
        found = fleet.find("@writer")
        assert found is not None
        return found


@contextmanager
def recording(lab: Lab, name: str) -> Iterator[Recording]:
    """Record until the end of the block."""
    found = Recording(lab, name)
    try:
        yield found
    finally:
        found.end()


def script(lab: Lab, name: str, text: str) -> str:
    """A program in the branch, and the command that runs it: @writer may run Python."""
    (lab.branch / name).write_text(text)
    return f"python3 {name}"


def naps(lab: Lab, seconds: float = 600.0, **given: object) -> Tool:
    return Tool("Bash", {"command": script(lab, "nap.py", f"import time\ntime.sleep({seconds})\n"), **given})


def spins(lab: Lab, seconds: float = 600.0, **given: object) -> Tool:
    text = f"import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass\n"
    return Tool("Bash", {"command": script(lab, "spin.py", text), **given})


def running(lab: Lab, name: str) -> list[int]:
    """The Python that runs a script of that name."""
    return [pid for pid, command in lab.marked().items() if command.startswith("python3 ") and name in command]


def end(pids: list[int], number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        os.kill(pid, number)


# A person's own session.
def test_a_tool_that_never_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab))
    with recording(lab, "claude-hangs") as seen:
        with terminal(lab):
            wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
            seen.goes_on(25)
        seen.goes_on(8)
        end(running(lab, "nap.py"))
    facts = seen.facts()
    assert facts.tool is not None and facts.turn_open and facts.lock is None
    assert [runs for _, runs, _ in seen.machine][-1] is False


def test_a_tool_that_its_own_timeout_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab, timeout=6000), Text("It takes too long."))
    with recording(lab, "claude-timeout") as seen, terminal(lab) as shown:
        wait_until(lambda: "It takes too long." in shown.text, 60, "the turn is over")
        seen.goes_on(20)
        end(running(lab, "nap.py"))
    facts = seen.facts()
    calls = [one for one in facts.activities if one.kind is Kind.TOOL]
    assert [one.timeout for one in calls] == [6.0] and not facts.turn_open


def test_a_program_that_stands_still_past_the_timeout_of_its_tool(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab, timeout=6000), Text("It takes too long."))
    with recording(lab, "claude-stopped") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        (claude,) = [process.pid for process, where in own_sessions(built_in()) if where == lab.branch]
        end([claude], signal.SIGSTOP)
        seen.goes_on(50)
        end([claude], signal.SIGCONT)
        wait_until(lambda: "It takes too long." in shown.text, 60, "the turn is over")
        seen.goes_on(3)
        end(running(lab, "nap.py"))
    assert not seen.facts().turn_open


def test_a_tool_that_was_killed(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab), Text("It was killed."))
    with recording(lab, "claude-killed-tool") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        seen.goes_on(15)
        end(running(lab, "nap.py"))
        wait_until(lambda: "It was killed." in shown.text, 60, "the turn is over")
        seen.goes_on(15)
    assert not seen.facts().open


def test_a_tool_that_its_person_interrupts(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab), Text("never"))
    with recording(lab, "claude-interrupted") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        seen.goes_on(5)
        shown.send("\x1b")
        wait_until(lambda: not running(lab, "nap.py"), 60, "it is interrupted")
        seen.goes_on(20)
    assert not seen.facts().turn_open


def test_a_tool_in_the_background(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(naps(lab, timeout=5000, run_in_background=True), Text("It runs beside."))
    with recording(lab, "claude-background") as seen, terminal(lab) as shown:
        wait_until(lambda: "It runs beside." in shown.text, 60, "the turn is over")
        seen.goes_on(40)
        end(running(lab, "nap.py"))
    assert not seen.facts().open


def test_a_tool_that_spins(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(spins(lab, timeout=600_000), Text("It was killed."))
    with recording(lab, "claude-spins") as seen, terminal(lab) as shown:
        wait_until(lambda: running(lab, "spin.py"), 60, "the tool is at work")
        seen.goes_on(40)
        end(running(lab, "spin.py"))
        wait_until(lambda: "It was killed." in shown.text, 60, "the turn is over")
        seen.goes_on(5)
    assert any(works for _, _, works in seen.machine)


def test_a_call_that_is_granted_late(lab: Lab) -> None:
    """It asks, is granted after a while, and then has the time that it gives itself."""
    lab.init()
    asks = Tool("Bash", {"command": "touch one && sleep 4", "description": "one", "timeout": 6000})
    lab.stub.plays(asks, Text("all done"))
    with recording(lab, "claude-granted") as seen, terminal(lab) as shown:
        wait_until(lambda: shown.asks, 60, "it asks")
        seen.goes_on(45)
        shown.send("\r")
        wait_until(lambda: "all done" in shown.text, 60, "the turn is over")
        seen.goes_on(5)
    assert (lab.branch / "one").exists() and not seen.facts().open


def test_two_calls_at_once(lab: Lab) -> None:
    """The one that takes long keeps the other's silence from being one."""
    lab.init()
    slow = Tool("Bash", {"command": script(lab, "slow.py", "import time\ntime.sleep(14)\n"), "timeout": 20_000})
    lab.stub.plays(Tools((naps(lab, 2.0, timeout=6000), slow)), Text("both done"))
    with recording(lab, "claude-two-calls") as seen, terminal(lab) as shown:
        wait_until(lambda: "both done" in shown.text, 90, "the turn is over")
        seen.goes_on(5)
    assert not seen.facts().open


# A run.
def test_a_run_whose_tool_never_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, naps(lab), DONE, BYE)
    with recording(lab, "run-hangs") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: running(lab, "nap.py"), 60, "the tool is at work")
        seen.goes_on(25)
        lab.mailcore("kill @writer")
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.phase.ended


def test_a_run_whose_tool_its_own_timeout_ends(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, naps(lab, timeout=6000), DONE, BYE)
    with recording(lab, "run-timeout") as seen:
        lab.mailcore(DISPATCH)
        lab.over()
        end(running(lab, "nap.py"))
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied


def test_a_run_whose_tool_spins(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, spins(lab, 40.0), DONE, BYE)
    with recording(lab, "run-spins") as seen:
        lab.mailcore(DISPATCH)
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied and any(works for *_, works in seen.machine)


def test_hooks_that_are_removed_in_the_midst(lab: Lab) -> None:
    lab.init()
    lab.mailcore("hooks install @writer")
    (lab.branch / "step.py").write_text("import time\ntime.sleep(13)\n")
    step = Tool("Bash", {"command": "python3 step.py"})
    lab.stub.plays(READ, step, step, step, step, step, step, step, DONE, BYE)
    with recording(lab, "run-hooks-removed") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: len(lab.stub.requests) == 3, 60, "two calls were told")
        lab.mailcore("hooks remove @writer")
        (lab.branch / "logs" / "hooks.jsonl").write_bytes((lab.branch / "logs" / "hooks.jsonl").read_bytes())
        wait_until(lambda: len(lab.stub.requests) == 10, 150, "it worked on")
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied
    print([(one.kind, one.source) for one in facts.activities])


def test_hooks_that_go_on(lab: Lab) -> None:
    lab.init()
    lab.mailcore("hooks install @writer")
    (lab.branch / "step.py").write_text("import time\ntime.sleep(13)\n")
    step = Tool("Bash", {"command": "python3 step.py"})
    lab.stub.plays(READ, step, step, step, step, step, step, DONE, BYE)
    with recording(lab, "run-hooks") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: lab.run().phase.ended, 150, "it is over")
        lab.over()
        seen.goes_on(3)
    assert seen.facts().hooks_stopped is None


@pytest.mark.parametrize("served", [False, True])
def test_a_service_that_does_not_answer(lab: Lab, served: bool) -> None:
    """The run is silent between two tools, and goes on if the service does."""
    lab.init()
    lab.stub.plays(READ, DONE, BYE)
    with recording(lab, f"run-no-answer{'-then-one' if served else ''}") as seen:
        lab.mailcore(DISPATCH)
        wait_until(lambda: lab.stub.requests, 60, "it works")
        lab.stub.hold.clear()
        seen.goes_on(25)
        if served:
            lab.stub.hold.set()
        else:
            lab.mailcore("kill @writer")
        lab.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.phase.ended
