"""Two machines become one link, and an agent of the other one answers on the screen of this one: six commands.

The two have a workspace each, and nothing else. Each command is one that a person types (docs/link.md).
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pyte

from tests.faults.link_lab import Host, Lab, lab
from tests.faults.link_world import wait_for

PROGRAM = """
import re, subprocess, sys
print("up", flush=True)
task = re.search(r"message (\\w+)", sys.argv[1])
if task:
    subprocess.run(["mailcore", "done", task[1], "the answer is forty-two"], check=True)
"""
COLUMNS, LINES = 160, 45
WITHIN = 60.0


def test_six_commands_to_a_remote_agents_answer_on_the_screen(tmp_path: Path) -> None:
    with lab(tmp_path) as made:
        shown = story(made)
    assert "forty-two" in shown and "@writer.beta" in shown, shown


def story(made: Lab) -> str:
    """The six commands; what the screen shows at the end."""
    alpha, beta = (made.add(name) for name in ("alpha", "beta"))
    for host, agent in ((alpha, "lead"), (beta, "writer")):
        host.root.mkdir()
        host.well("init", ".", "--agent", f"{agent}=agents/{agent}")
        program = host.directory / "agent.py"
        program.write_text(PROGRAM)
        config = f'[agents]\nprogram = "command"\ncommand = ["python3", "{program}", "{{prompt}}"]\n'
        (host.root / ".praxmonitor").mkdir(exist_ok=True)
        (host.root / ".praxmonitor" / "config.toml").write_text(config)

    with ExitStack() as open_terminals:

        def type_in(host: Host, *words: str) -> Terminal:
            return open_terminals.enter_context(terminal(host, *words))

        # 1 and 2, on alpha: a link, and a word by which beta may join it.
        served = type_in(alpha, "mailcore", "link", "serve", "--host", "alpha", "--listen", f"{alpha.address}:4222")
        wait_for(lambda: "connected to" in served(), WITHIN, served)
        invited = type_in(alpha, "mailcore", "link", "invite", "beta")
        token = re.search(r"pxlink\S+", invited.to_its_end())
        assert token is not None

        # 3 and 4, on beta.
        type_in(beta, "mailcore", "link", "join", token[0]).to_its_end()
        runs = type_in(beta, "mailcore", "link", "run")
        wait_for(lambda: "connected to" in runs(), WITHIN, runs)

        # 5 and 6, on alpha: a task for beta's agent, and the screen.
        known = alpha.root / ".praxmonitor/link/hosts/beta/record.json"
        wait_for(lambda: known.exists() and "@writer" in known.read_text(), WITHIN, served)
        said = type_in(alpha, "mailcore", "dispatch", "@writer.beta", "What is it?", "Say it in one line.")
        assert "@writer.beta" in said.to_its_end()
        shown = type_in(alpha, "praxmonitor", str(alpha.root), "--mute")
        wait_for(lambda: "@writer.beta: DONE: What is it?" in shown(), WITHIN, shown)
        shown.child.send("i")
        wait_for(lambda: "forty-two" in shown(), WITHIN, shown)
        return shown()


class Terminal:
    """A terminal, and what stands on it."""

    def __init__(self, child: pexpect.spawn[Any]) -> None:
        self.child = child
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    def __call__(self) -> str:
        """What stands on it now."""
        self._read(0.3)
        return "\n".join(line.rstrip() for line in self._screen.display)

    def to_its_end(self) -> str:
        """All that the command printed, once it is over; it has to succeed. A line may be longer than the terminal."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        said: str = (self.child.before or b"").decode().replace("\r\n", "\n")
        assert self.child.exitstatus == 0, said
        return said

    def _read(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            try:
                self._stream.feed(self.child.read_nonblocking(1 << 16, 0.05))
            except pexpect.TIMEOUT:
                return
            except pexpect.EOF:
                return


@contextmanager
def terminal(host: Host, *words: str) -> Iterator[Terminal]:
    """A command, typed at a terminal of that host, in its workspace."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = [f"HOME={host.directory}/home", "TERM=xterm-256color", f"PATH={path}"]
    inside = ["--net", "--mount", "--pid", "-t", str(host.pid), "env", "-C", str(host.root), *environment]
    # A session of its own: who calls from one that began outside is nobody there.
    inside += ["script", "-qefc", shlex.join(words), "/dev/null"]
    child = pexpect.spawn("nsenter", inside, dimensions=(LINES, COLUMNS), timeout=WITHIN)
    try:
        yield Terminal(child)
    finally:
        child.close(force=True)
