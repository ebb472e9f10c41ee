"""A workspace with an agent at work, and the ways into it: each runs the driver as a real process that came in so."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.config import read_config
from mailcore.dispatch import control
from mailcore.dispatch.admission.hold import place_hold
from mailcore.dispatch.kill import kill_run
from mailcore.dispatch.runs.run_list import read_run
from mailcore.exceptions import MailcoreError
from mailcore.mail import approvals, post
from mailcore.model.agent import Agent
from mailcore.system import processes
from mailcore.workspace import create
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import wait_until

DRIVER = Path(__file__).with_name("driver.py")
REPOSITORY = Path(__file__).parents[3]

WAITING = 'echo up; until [ -e "{go}" ]; do sleep 0.02; done; sh "{go}"; sleep 60'
"""What an agent does: wait for a script, run it, stay."""

# A terminal of its own whose ancestors are none of the tests': forked twice, it is the system's child.
PTY = """
import os, pty, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.environ.clear(); os.environ.update(eval(sys.argv[1]))
pty.spawn(sys.argv[2:], lambda number: os.read(number, 1024), lambda number: b"")
"""


class Lab:
    """One workspace; @writer is at work, @lead is held, @editor asks for approval."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.workspace = create.create_workspace(
            self.root, [(name, f"agents/{name}") for name in ("writer", "editor", "lead")]
        )
        self.out = root / "out.json"
        self.home = root / "home"
        self.home.mkdir()
        self.started: list[subprocess.Popen[bytes]] = []
        self.configure()
        for to in ("@writer", "@editor", "@operator"):
            post.send_mail(self.workspace, "@lead", [to], "for you", "b")
        approvals.request_approval(self.workspace, "@editor", "@operator", "@operator", "may I", "b", 1)
        post.send_mail(self.workspace, "@operator", ["@lead"], "to do", "b", is_task=True)
        place_hold(self.workspace, "@operator", "@lead", "")

    def configure(self, extra: str = "") -> None:
        """Each agent waits for a script of its own, and nothing looks for errors at its end."""
        lines = ["[dispatch]", "attempts = 1", "retry_wait = 0", "stop_grace = 0.3", "backoff = []"]
        lines += ["[errors]", "watch = false"]
        for agent in self.workspace.agents:
            script = WAITING.format(go=self.go(agent.address))
            lines += [f"[agents.{agent.address[1:]}]", f"command = {json.dumps(['sh', '-c', script])}"]
        self.workspace.config_file.write_text("\n".join([*lines, extra]) + "\n")

    def go(self, address: str) -> Path:
        """The script that an agent waits for."""
        return self.root.parent / f"go{address}"

    def agent(self, address: str) -> Agent:
        return self.workspace.agent(address)

    @property
    def environment(self) -> dict[str, str]:
        """As of a login shell: nothing of who started the tests."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            **({"MAILCORE_SYSTEM": os.environ["MAILCORE_SYSTEM"]} if "MAILCORE_SYSTEM" in os.environ else {}),
        }

    def words(self, *options: str, phrase: str = "") -> list[str]:
        """The driver's command line."""
        return [sys.executable, str(DRIVER), str(self.out), phrase, *options]

    def line(self, *options: str) -> str:
        """The same for sh, in the workspace's root."""
        return f"cd {shlex.quote(str(self.root))} && {shlex.join(self.words(*options))}"

    # the ways in

    def script(
        self,
        *options: str,
        cwd: str = "",
        variables: Mapping[str, str] | None = None,
        phrase: str = "",
        around: Sequence[str] = (),
    ) -> None:
        """A shell script of a person's: no terminal."""
        self.started.append(
            subprocess.Popen(
                [*around, *self.words(*options, phrase=phrase)],
                cwd=self.root / cwd,
                env={**self.environment, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )

    def terminal(
        self, *options: str, cwd: str = "", variables: Mapping[str, str] | None = None, around: Sequence[str] = ()
    ) -> None:
        """A person's terminal."""
        self.beside([*around, *self.words(*options)], variables or {}, cwd)

    def beside(self, words: Sequence[str], variables: Mapping[str, str], cwd: str = "") -> None:
        """Run a command on a terminal of its own, none of the tests' children."""
        command = [sys.executable, "-c", PTY, repr({**self.environment, **variables}), *words]
        subprocess.run(command, cwd=self.root / cwd, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def begin(self, address: str = "@writer", sender: str = "@operator") -> str:
        """Let an agent be at work; the id of its run."""
        config = read_config(self.workspace.config_file)
        run_id = control.dispatch_task(self.workspace, config, sender, address, "a task", "b").run_id
        assert run_id
        return self.works(address, run_id)

    def works(self, address: str, run_id: str) -> str:
        """The run, once its agent is up."""

        def up() -> bool:
            run = read_run(self.agent(address).runs_dir / run_id)
            return run is not None and run.attempt is not None and run.attempt.running_at > 0

        wait_until(up, what=f"{address} works")
        return run_id

    def within(self, script: str, address: str = "@writer") -> None:
        """Let the agent at work run a script."""
        part = self.go(address).with_suffix(".part")
        part.write_text(script)
        part.rename(self.go(address))

    def secret(self, address: str) -> dict[str, str]:
        """What the program of an agent at work has in its environment about its run."""
        lock = read_lock(self.agent(address).dispatch_lock)
        assert lock is not None
        for process in processes.snapshot().values():
            variables = processes.environment(process.pid) or []
            if processes.value_of(variables, "MAILCORE_RUN_ID") == lock.run_id:
                names = ("MAILCORE_RUN_ID", "MAILCORE_NONCE", "MAILCORE_AGENT")
                return {name: processes.value_of(variables, name) for name in names}
        raise AssertionError(f"nothing of {address}'s run is there")

    def server(self, name: str, command: str) -> None:
        """A process of that name, none of the tests' children, that runs a command with hardly a variable, as cron."""
        program = self.root.parent / name
        shutil.copy(os.path.realpath("/bin/sh"), program)
        line = f"env -i HOME={self.home} SHELL=/bin/sh PATH=/usr/bin:/bin /bin/sh -c {shlex.quote(command)}; true"
        subprocess.run(["setsid", "-f", str(program), "-c", line], cwd="/", check=True, stdin=subprocess.DEVNULL)

    def tmux(self, *words: str) -> None:
        """The operator's own tmux, to which nobody is attached."""
        socket = str(self.root.parent / "tmux")
        subprocess.run(
            ["tmux", "-S", socket, "-f", "/dev/null", *words], cwd=self.root, env=self.environment, check=True
        )

    def result(self) -> dict[str, Any]:
        """What the driver found."""

        def told() -> str:
            for one in self.started:
                if one.poll() not in (None, 0) and not self.out.exists():
                    raise AssertionError((one.stdout.read() if one.stdout else b"").decode())
            return self.out.read_text() if self.out.exists() else ""

        found: dict[str, Any] = json.loads(wait_until(told, 60, "the driver is done"))
        return found

    def close(self) -> None:
        """End what works here."""
        with suppress(FileNotFoundError):
            subprocess.run(["tmux", "-S", str(self.root.parent / "tmux"), "kill-server"], capture_output=True)
        config = read_config(self.workspace.config_file)
        for agent in self.workspace.agents:
            with suppress(MailcoreError, OSError):
                place_hold(self.workspace, "@operator", agent.address, "")
            with suppress(MailcoreError, OSError):
                kill_run(self.workspace, config, "@operator", agent.address)
        if (own := self.root.parent / "screens").is_dir():
            variables = {**os.environ, "SCREENDIR": str(own)}
            subprocess.run(["screen", "-S", "own", "-X", "quit"], env=variables, capture_output=True, timeout=10)
        for one in self.started:
            one.kill()
            one.wait()
            if one.stdout is not None:
                one.stdout.close()
        mark = os.fsencode(str(self.root.parent))
        for pid in processes.snapshot():
            if pid != os.getpid() and any(mark in word for word in processes.command_line(pid) or ()):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


Enter = Callable[[Lab], None]
"""Comes in, and lets the driver run."""
