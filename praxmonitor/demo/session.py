"""A session of the demo: its workspace, the process of its operator, and at the end nothing of either is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mailcore.config import read_config
from mailcore.dispatch.kill import kill_run
from mailcore.dispatch.process.environment import clean_environment
from mailcore.exceptions import Refused
from mailcore.model.agent import OPERATOR, Agent
from mailcore.programs.registry import built_in
from mailcore.system.processes import command_line, snapshot
from mailcore.system.python_child import child
from mailcore.text import line
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock
from praxmonitor.demo.workspace_files import make_workspace
from praxmonitor.sound.mutes import mutes_path

END_TIMEOUT = 30.0
RESTART_PAUSES = (1.0, 5.0, 30.0)
"""Seconds before an operator that ended by itself begins again, each time; the last one holds on."""
TROUBLE_SHOWN = 60.0
"""Seconds for which a complaint is shown."""


class OperatorProcess:
    """The process of the demo's operator: what it complains of is shown, and it is started again when it ends."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root, self._seed = root, seed
        self._closing = threading.Event()
        self._newest: tuple[float, str] = (0.0, "")
        self._process = self._start()
        self._thread = threading.Thread(target=self._attend, name="operator", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """What went wrong with it in the last minute; empty if nothing did."""
        at, text = self._newest
        return text if text and time.monotonic() - at < TROUBLE_SHOWN else ""

    def close(self) -> None:
        """End it."""
        self._closing.set()
        self._process.terminate()
        self._thread.join()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            child("praxmonitor.demo.operator", str(self._seed)),
            cwd=self._root,
            env=clean_environment(built_in()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def _attend(self) -> None:
        ends = 0
        while True:
            last: deque[str] = deque(maxlen=1)
            with self._process:
                for text in self._process.stdout or ():
                    last.append(text.strip())
                    self._note(text.strip())
            pause = RESTART_PAUSES[min(ends, len(RESTART_PAUSES) - 1)]
            if self._closing.is_set():
                return
            self._note(f"it ended ({last[0] if last else f'exit {self._process.returncode}'}), and begins again")
            if self._closing.wait(pause):
                return
            ends += 1
            self._process = self._start()
            if self._closing.is_set():  # closed between the two: what was ended was the former
                self._process.terminate()

    def _note(self, text: str) -> None:
        self._newest = (time.monotonic(), f"the demo's operator: {line(text, 200)}")


@contextlib.contextmanager
def demo_session(directory: Path | None, seed: int) -> Iterator[tuple[Workspace, OperatorProcess]]:
    """A workspace, and the operator at work in it; on leaving nothing of it runs, and a temporary one is gone."""
    root = directory or Path(tempfile.mkdtemp(prefix="praxmonitor-demo-"))
    try:
        workspace = make_workspace(root, seed)
        operator = OperatorProcess(workspace.root, seed)
        try:
            yield workspace, operator
        finally:
            operator.close()
            end_everything(workspace)
    finally:
        if directory is None:
            shutil.rmtree(mutes_path(root).parent, ignore_errors=True)
            shutil.rmtree(root, ignore_errors=True)


def end_everything(workspace: Workspace) -> None:
    """End every run, and see its supervisor gone. A killed run wakes its sender, so look again until all is quiet."""
    config = read_config(workspace.config_file)

    def end(agent: Agent) -> None:
        with contextlib.suppress(Refused):
            kill_run(workspace, config, OPERATOR, agent.address)

    deadline = time.monotonic() + END_TIMEOUT
    with ThreadPoolExecutor(max_workers=8) as pool:
        while time.monotonic() < deadline:
            # Before the locks: a supervisor lets go of its own just before it ends, and may start another's run then.
            supervised = _supervised(workspace)
            busy = [agent for agent in workspace.agents if read_lock(agent.dispatch_lock) is not None]
            if not busy and not supervised:
                return
            list(pool.map(end, busy))
            time.sleep(0.02)


def _supervised(workspace: Workspace) -> bool:
    """True while a supervisor or waiter of this workspace's runs is there, or what looks for errors in its logs."""
    root, below = str(workspace.root), f"{workspace.root}/"
    for pid in snapshot():
        words = [os.fsdecode(word) for word in command_line(pid) or ()]
        if any(word.startswith("mailcore.dispatch.") for word in words) and any(
            word == root or word.startswith(below) for word in words
        ):
            return True
    return False
