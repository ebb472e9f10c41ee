"""Records the real programs as `praxmonitor record` does, and beside it what the machine tells of their processes.

`PRAX_RECORDINGS=DIRECTORY` keeps it, without the machine's paths and the bodies of mails: so `tests/stories/recorded`
was made.
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

from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.fold import apply
from mailcore.programs.registry import built_in
from mailcore.programs.session_processes import session_processes
from mailcore.workspace.lock_reader import read_lock
from praxmonitor.feed.recording_reader import read_recording
from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab

LOOK = 5.0
"""Seconds between two looks at the machine, as the screen's own: over a shorter time one that idles seems to work."""
PRIVATE = re.compile(r'"(boot_id|nonce|host|namespace)":"[^"]*"')
"""What tells of the machine in a lock."""
TEMPORARY = re.compile(r"/tmp/(?:claude|pytest)-[^\s\"\\]*")
"""What is left of a path that was cut, and where Claude Code keeps what goes on in the background."""


class Recording:
    """What was seen of @writer, and of its processes, until now."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.path = lab, lab.home.parent / f"{name}.jsonl.gz"
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
            sessions = [process.pid for process, where in session_processes(built_in()) if where == self._lab.branch]
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
        places = ((self._lab.root, "/project"), (self._lab.home, "/home/op"), (self._lab.home.parent, "/lab"))
        for path, instead in places:
            text = text.replace(str(path), instead)
        text = TEMPORARY.sub("/lab", PRIVATE.sub(r'"\1":""', text))
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


def nap(lab: Lab, seconds: float = 600.0) -> str:
    """The command of a tool that only takes long."""
    return script(lab, "nap.py", f"import time\ntime.sleep({seconds})\n")


def spin(lab: Lab, seconds: float = 600.0) -> str:
    """The command of a tool that uses a core and says nothing."""
    text = f"import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass\n"
    return script(lab, "spin.py", text)


def running(lab: Lab, name: str) -> list[int]:
    """The Python that runs a script of that name."""
    return [pid for pid, command in lab.marked().items() if command.startswith("python3 ") and name in command]


def end(pids: list[int], number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        os.kill(pid, number)
