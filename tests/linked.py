"""Workspaces that stand for hosts, linked by a real server on this machine, each with a link's process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from mailcore.config import Link
from mailcore.hosts.link_status import read_link_status
from mailcore.link.founding import found_link
from mailcore.link.inviting import invite, wait_until_applied
from mailcore.link.join import join
from mailcore.link.server import end_left_over, server_place
from mailcore.workspace.find import Workspace

CONNECTED_WITHIN = 60.0


class LinkRun:
    """A link's process of one workspace, started again at will."""

    def __init__(self, workspace: Workspace, environment: Mapping[str, str] | None = None) -> None:
        self.workspace = workspace
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it has connected."""
        words = [sys.executable, "-m", "mailcore.cli", "link", "run", "-C", str(self.workspace.root)]
        log = (self.workspace.state_dir / "link.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        self.wait_for(True)

    def wait_for(self, connected: bool) -> None:
        """Wait until it is connected, or is not. AssertionError, with what it says, if that does not come."""
        deadline, pause = time.monotonic() + CONNECTED_WITHIN, threading.Event()
        while True:
            status = read_link_status(self.workspace)
            if (status is not None and status.is_connected) == connected:
                return
            assert time.monotonic() < deadline, f"{status}: {(self.workspace.state_dir / 'link.log').read_text()}"
            pause.wait(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End it, if it runs."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(30)
            self._process = None


@contextmanager
def linked(
    hub: Workspace, members: Mapping[str, Workspace], environments: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[dict[str, LinkRun]]:
    """The workspaces linked, `hub` as alpha, with the link of each running; by name. All ends with the block."""
    environments = environments or {}
    found_link(hub, Link(), host="alpha")
    runs = {"alpha": LinkRun(hub, environments.get("alpha"))}
    with ExitStack() as ending:
        ending.callback(end_left_over, server_place(hub))  # of a link that a test killed
        ending.callback(runs["alpha"].stop)
        runs["alpha"].start()
        for name, workspace in members.items():
            _, token = invite(hub, Link(), name)
            assert wait_until_applied(hub)
            join(workspace, token)
            runs[name] = LinkRun(workspace, environments.get(name))
            ending.callback(runs[name].stop)
            runs[name].start()
        yield runs
