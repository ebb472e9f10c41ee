"""A session that goes on in a server which several share: mail wakes it while a person has it open at a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from mailcore.hooks import wake as hooks_wake
from mailcore.hooks.install import hook_plan, install_hooks, remove_hooks
from mailcore.hooks.line import HookEntry, HookRole
from mailcore.hooks.open_at import open_at
from mailcore.hooks.undelivered import SessionPlace
from mailcore.mail import post
from mailcore.mail.bell import WAITING
from mailcore.model.agent import Agent
from mailcore.programs.codex.program import Codex
from mailcore.system.process_values import Process
from mailcore.system.processes import terminal_of
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_idle_sessions import sleepers

SHARED = """\
#!{python}
import json, subprocess, sys
if "app-server" in sys.argv:
    line, event = json.loads(sys.stdin.readline())
    subprocess.run(["sh", "-c", line], input=event.encode())
sys.stdin.read()
"""
"""A program whose sessions go on in a server, at whose terminals nothing runs hooks."""


class SharedSession:
    """A session of Codex in its shared server, idle, its sleeper beside it; `spy` has what was queued."""

    def __init__(self, agent: Agent, scratch: Path) -> None:
        self.agent, self.spy = agent, scratch / "queued"
        self.program = scratch / "shared/codex"
        self.program.parent.mkdir()
        self.program.write_text(SHARED.format(python=sys.executable))
        self.program.chmod(0o755)
        spy = scratch / "bin/codex"
        spy.parent.mkdir()
        spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{self.spy}\n')
        spy.chmod(0o755)
        environment = {**os.environ, "PATH": f"{spy.parent}:{os.environ['PATH']}"}
        words = [str(self.program), "app-server", "--listen", "unix://", "--managed-daemon"]
        self.server = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment, start_new_session=True, text=True)
        self._terminals: list[pexpect.spawn[bytes]] = []

    def falls_idle(self) -> None:
        """Its hook is run, and the sleeper sleeps."""
        line = hook_plan(self.agent, Codex.hooks).handler(HookEntry("Stop", HookRole.SLEEP), "file")["command"]
        event = {"session_id": "abc-3", "hook_event_name": "Stop", "cwd": str(self.agent.branch)}
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps([line, json.dumps(event)]) + "\n")
        self.server.stdin.flush()
        bell = self.agent.mail_dir / WAITING / "abc-3.bell"
        wait_until(lambda: bell.exists() and sleepers(self.agent) == ["abc-3"], 20, "it sleeps")

    def terminal(self, place: Path, *words: str) -> pexpect.spawn[bytes]:
        """A person's terminal, in which the program shows a session."""
        before = len(self.at)
        one: pexpect.spawn[bytes] = pexpect.spawn(str(self.program), list(words), cwd=str(place))
        self._terminals.append(one)
        if place == self.agent.branch or words:
            wait_until(lambda: len(self.at) > before, 20, "it runs")
        return one

    @property
    def at(self) -> list[Process]:
        return open_at(Codex.hooks.settings, self.server.pid, str(self.agent.branch))

    def close(self) -> None:
        for one in self._terminals:
            one.close(force=True)
        self.server.kill()
        self.server.communicate()


@pytest.fixture
def shared(house: House, tmp_path: Path) -> Iterator[SharedSession]:
    agent = house.agent("@lead")
    assert install_hooks(agent, Codex.hooks)
    one = SharedSession(agent, tmp_path)
    yield one
    one.close()
    remove_hooks(agent, Codex.hooks)
    wait_until(lambda: not sleepers(agent), 20, "no sleeper is left")


def test_a_session_in_a_shared_server_is_woken_while_a_terminal_shows_it(house: House, shared: SharedSession) -> None:
    terminal = shared.terminal(shared.agent.branch)
    shared.terminal(house.workspace.root)
    assert [one.pid for one in shared.at] == [terminal.pid], "another directory's is not its"
    shared.falls_idle()
    post.send_mail(house.workspace, "@writer", ["@lead"], "Fire in the hall", "b", priority="high")
    wait_until(lambda: shared.spy.exists() and "Fire" in shared.spy.read_text(), 40, "it is queued")


def test_a_session_in_a_shared_server_that_nobody_shows_is_given_nothing(house: House, shared: SharedSession) -> None:
    terminal = shared.terminal(shared.agent.branch)
    shared.falls_idle()
    terminal.close(force=True)
    wait_until(lambda: not shared.at, 20, "nobody has it open")
    post.send_mail(house.workspace, "@writer", ["@lead"], "Fire in the hall", "b", priority="high")
    wait_until(lambda: not sleepers(shared.agent), 20, "its sleeper goes")
    assert not house.inbox("@lead")[0].raw.get("told_at") and not shared.spy.exists()


def test_a_session_in_a_shared_server_waits_while_the_person_types(house: House, shared: SharedSession) -> None:
    shared.agent.branch.joinpath("logs").mkdir(exist_ok=True)
    shared.terminal(house.workspace.root, "-C", str(shared.agent.branch))
    post.send_mail(house.workspace, "@writer", ["@lead"], "Fire in the hall", "b", priority="high")
    (one,), now = shared.at, time.time()
    os.utime(terminal_of(one.pid), (now, now))  # as the kernel does when the program reads a key
    place = SessionPlace("abc-3", "")
    status, wait = hooks_wake.wake_session(shared.agent, place, shared.at, Codex.hooks.settings)
    assert status == hooks_wake.LATER and 0 < wait <= hooks_wake.QUIET_TYPING + hooks_wake.TYPED_WINDOW
    assert not house.inbox("@lead")[0].raw.get("told_at")
