"""Raise and strike the stage: the story's process, and at the end every process and file that the demo made."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mailcore.config import read_config
from mailcore.dispatch import control
from mailcore.dispatch.environment import clean_environment
from mailcore.errors import Refused
from mailcore.liveness import read_lock
from mailcore.model.agent import OPERATOR, Agent
from mailcore.programs.registry import built_in
from mailcore.system.processes import command_line, snapshot
from mailcore.system.python import child
from mailcore.workspace import Workspace
from praxmonitor.demo.cast import write
from praxmonitor.sound.mutes import mutes_path

STRIKE_LIMIT = 30.0


@contextlib.contextmanager
def stage(directory: Path | None, seed: int) -> Iterator[Workspace]:
    """A workspace in which the story goes on; on leaving nothing of it runs, and a temporary one is gone."""
    root = directory or Path(tempfile.mkdtemp(prefix="praxmonitor-demo-"))
    try:
        workspace = write(root, seed)
        story = subprocess.Popen(
            child("praxmonitor.demo.story", str(seed)),
            cwd=workspace.root,
            env=clean_environment(built_in()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield workspace
        finally:
            story.terminate()
            story.wait()
            strike(workspace)
    finally:
        if directory is None:
            shutil.rmtree(mutes_path(root).parent, ignore_errors=True)
            shutil.rmtree(root, ignore_errors=True)


def strike(workspace: Workspace) -> None:
    """End every run, and see its supervisor gone. A killed run wakes its sender, so look again until all is quiet."""
    config = read_config(workspace.config_file)

    def end(agent: Agent) -> None:
        with contextlib.suppress(Refused):
            control.kill(workspace, config, OPERATOR, agent.address)

    deadline = time.monotonic() + STRIKE_LIMIT
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
    """True while a supervisor or waiter of this workspace's runs is there."""
    below = f"{workspace.root}/"
    for pid in snapshot():
        words = [os.fsdecode(word) for word in command_line(pid) or ()]
        if any(word.startswith("mailcore.dispatch.") for word in words) and any(
            word.startswith(below) for word in words
        ):
            return True
    return False
