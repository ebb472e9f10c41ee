"""The screen in a real terminal (tmux): keys in, text out, files as the only truth between two screens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mailcore.dispatch import control
from mailcore.dispatch.process.run_processes import run_members
from mailcore.dispatch.runs.run_list import last_run
from mailcore.model.run import Phase
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: no real terminal to test in")

AGENT = """
import json, os, signal, subprocess, sys
print("at work", flush=True)
for mail in json.loads(subprocess.check_output(["mailcore", "inbox", "--json"])):
    subprocess.run(["mailcore", "read", mail["id"]], check=True, stdout=subprocess.DEVNULL)
    if mail["message"].strip() == "slow" and os.environ["MAILCORE_MODE"] != "fresh":
        if not os.path.exists("slow-once"):
            open("slow-once", "w").close()
            subprocess.Popen(["setsid", "sleep", "300"])
            signal.pause()
    subprocess.run(["mailcore", "reply", mail["id"], "read and answered"], check=True, stdout=subprocess.DEVNULL)
"""


@dataclass
class Terminal:
    """One tmux server with one pane."""

    socket: str

    def tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, "-f", "/dev/null", *words], capture_output=True, text=True)
        return done.stdout

    def open(self, house: House, width: int = 120, height: int = 40) -> None:
        command = f"{sys.executable} -m praxmonitor {house.root} --mute"
        self.tmux("new-session", "-d", "-s", "prax", "-x", str(width), "-y", str(height), command)

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.tmux("send-keys", "-t", "prax", key)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-t", "prax", "-l", text)

    @property
    def text(self) -> str:
        return self.tmux("capture-pane", "-t", "prax", "-p")

    @property
    def pid(self) -> int:
        return int(self.tmux("display-message", "-t", "prax", "-p", "#{pane_pid}"))

    def shows(self, *words: str) -> None:
        seen = ""

        def all_there() -> bool:
            nonlocal seen
            seen = self.text
            return all(word in seen for word in words)

        deadline = time.monotonic() + 20
        while not all_there():
            assert time.monotonic() < deadline, f"{words} in\n{seen}"
            threading.Event().wait(0.02)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Two terminals of this test's own."""
    both = [Terminal(f"prax-{uuid.uuid4().hex[:8]}") for _ in range(2)]
    yield both
    for terminal in both:
        terminal.tmux("kill-server")


def fill(terminal: Terminal, subject: str, body: str) -> None:
    """The open form, `To` prefilled: subject, body, send."""
    terminal.shows("ctrl+s")
    terminal.type(subject)
    terminal.keys("Tab")
    terminal.type(body)
    terminal.shows(subject, body)
    terminal.keys("C-s")


def subject_of(house: House) -> str:
    """What @writer's newest run is about."""
    run = last_run(house.agent("@writer"))
    return run.subject if run else ""


def test_compose_dispatch_kill_and_retry_from_the_keyboard(house: House, terminals: list[Terminal]) -> None:
    house.extra = "[mail]\nundo = 0\n"
    house.python("writer", AGENT)
    screen = terminals[0]
    screen.open(house)
    screen.shows("writer", "idle")

    screen.keys("m")
    fill(screen, "A question", "how are you")
    wait_until(lambda: house.inbox("@writer"), what="the mail is delivered")
    control.wake_agent(house.workspace, house.config, "@operator", "@writer")
    screen.shows("1 for you")
    assert house.inbox("@operator")[0].body == "read and answered"

    screen.keys("d")
    fill(screen, "A long task", "slow")
    wait_until(lambda: subject_of(house) == "A long task", what="the task is begun")
    run = last_run(house.agent("@writer"))
    assert run is not None
    wait_until(lambda: any(p.name == "sleep" for p in run_members(run.run_id)), what="the agent has started its daemon")
    screen.shows("working", "A long task")
    screen.keys("D")
    lock = read_lock(house.agent("@writer").dispatch_lock)
    assert lock is not None
    screen.shows("@writer", str(lock.pid), "sleep 300", "A long task", "No")
    screen.keys("Enter")  # the default is No
    wait_until(lambda: "sleep 300" not in screen.text, what="the dialog is gone")
    assert run_members(run.run_id), "No was chosen, and something was killed"
    screen.keys("D")
    screen.shows("sleep 300")
    screen.keys("y")
    screen.shows("killed", " r retry ")  # its lock is gone too
    assert run_members(run.run_id) == []
    killed = last_run(house.agent("@writer"))
    assert killed is not None and (killed.phase, killed.by) == (Phase.KILLED, "@operator")

    screen.keys("r")
    screen.shows("Run the last task of @writer again?", "A long task", "killed", "Yes, start")
    screen.keys("y")
    screen.shows("done")
    again = last_run(house.agent("@writer"))
    assert again is not None and again.run_id != killed.run_id and again.phase is Phase.COMPLETED and again.replied
    screen.keys("q")
    wait_until(lambda: screen.text == "", what="the screen is left")


def test_two_screens_agree_and_a_killed_one_harms_nothing(house: House, terminals: list[Terminal]) -> None:
    house.shell("writer", "echo up; sleep 300")
    left, right = terminals
    left.open(house)
    right.open(house, 80, 24)
    left.shows("writer", "idle")
    right.shows("writer", "idle")
    left.keys("d")
    fill(left, "Watch this", "now")
    left.shows("working", "Watch this")
    right.shows("working", "Watch this")
    lock = read_lock(house.agent("@writer").dispatch_lock)
    os.kill(left.pid, signal.SIGKILL)
    wait_until(lambda: left.text == "", what="the first screen is dead")
    right.shows("working")
    assert read_lock(house.agent("@writer").dispatch_lock) == lock
    left.open(house, 60, 24)
    left.shows("working", "Watch this")
    right.keys("D")
    right.shows("sleep 300")
    right.keys("y")
    left.shows("killed")
    right.shows("killed")


def test_control_z_goes_to_the_shell_and_fg_comes_back(house: House, terminals: list[Terminal]) -> None:
    screen = terminals[0]
    screen.tmux(
        "new-session", "-d", "-s", "prax", "-x", "120", "-y", "40", "env 'PS1=shell> ' bash --norc --noprofile -i"
    )
    screen.shows("shell>")
    screen.type(f"{sys.executable} -m praxmonitor {house.root} --mute")
    screen.keys("Enter")
    screen.shows("writer", "idle")
    screen.keys("C-z")
    screen.shows("Stopped", "shell>")
    screen.type("echo $((40+2)) in the shell")
    screen.keys("Enter")
    screen.shows("42 in the shell")
    screen.type("fg")
    screen.keys("Enter")
    screen.shows("writer", "idle", "? help")
    screen.keys("l", "D")
    screen.shows("nothing runs at @editor")
    screen.keys("C-c")
    screen.shows("q leaves; agents go on")
    screen.keys("C-q")
    wait_until(lambda: "? help" not in screen.text, what="the screen is left")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_it_fits_and_says_why_a_key_does_nothing(house: House, terminals: list[Terminal], width: int) -> None:
    screen = terminals[0]
    screen.open(house, width, 30)
    screen.shows("writer", "editor", "lead", "idle")
    lines = screen.text.splitlines()
    assert len(lines) == 30 and max(map(len, lines)) <= width
    screen.keys("D")
    screen.shows("nothing runs")


def test_it_is_as_large_as_the_terminal_whatever_was_exported(house: House, terminals: list[Terminal]) -> None:
    screen = terminals[0]
    command = f"env COLUMNS=50 LINES=10 {sys.executable} -m praxmonitor {house.root} --mute"
    screen.tmux("new-session", "-d", "-s", "prax", "-x", "120", "-y", "40", command)
    screen.shows("writer", "editor", "lead", "? help")
    lines = screen.text.splitlines()
    assert len(lines) == 40 and "? help" in lines[-1] and max(map(len, lines)) > 100


def test_outside_a_workspace_it_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    done = subprocess.run([sys.executable, "-m", "praxmonitor", str(nowhere)], capture_output=True, text=True)
    assert done.returncode == 2
    assert str(nowhere) in done.stderr and "mailcore init" in done.stderr and "praxmonitor demo" in done.stderr
