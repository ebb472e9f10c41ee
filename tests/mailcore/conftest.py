"""A small workspace whose agents are tiny real programs, and the proof that nothing of them is left."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mailcore import system
from mailcore.config import Config, read_config
from mailcore.dispatch import control
from mailcore.dispatch.kill import Killed, kill_run
from mailcore.dispatch.runs.run_list import read_run
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.model.run import Run
from mailcore.system import processes
from mailcore.workspace import audit, create
from mailcore.workspace import find as workspaces
from mailcore.workspace.lock_reader import read_lock

T = TypeVar("T")
MARK = "HOUSE_MARK"
"""In the environment of all that a test starts; not one of the names that mailcore takes out."""

NAMES = ("writer", "editor", "lead")
SHORT: dict[str, float] = {
    "startup_timeout": 15.0,
    "attempts": 3,
    "retry_wait": 0.05,
    "limit_wait": 0.1,
    "hard_limit": 60.0,
    "stop_grace": 0.3,
    "vanished_grace": 0.5,
    "wake_depth": 3,
}


def wait_until(
    condition: Callable[[], T],
    seconds: float = 20.0,
    what: str | Callable[[], str] = "",
    progress: Callable[[], object] | None = None,
) -> T:
    """The first true value of `condition`; fails, saying `what`, if none comes in time.

    `what`: a function where it tells how things stand then, not when the wait began.
    `progress`: a value by which it is seen that things go on; the time counts from when it was last another one.
    """
    deadline, stands = time.monotonic() + seconds, None
    pause = threading.Event()
    while not (value := condition()):
        if progress is not None and (now := progress()) != stands:
            deadline, stands = time.monotonic() + seconds, now
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            pytest.fail(f"not within {seconds:g} s: {said or condition}")
        pause.wait(0.02)
    return value


def git(root: Path, *words: str, fails: bool = False) -> str:
    """What git says; whatever this machine's user has configured."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    environment |= {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *words], cwd=root, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) is fails, done.stderr
    return done.stdout


def marked(mark: str) -> dict[int, str]:
    """Live processes that carry the mark, with their command lines."""
    found = {}
    for pid in processes.snapshot():
        if pid != os.getpid() and f"{MARK}={mark}".encode() in (processes.environment(pid) or ()):
            found[pid] = processes.command_of(pid)
    return found


@dataclass
class House:
    """The workspace of one test."""

    workspace: workspaces.Workspace
    limits: dict[str, Any] = field(default_factory=lambda: dict(SHORT))
    commands: dict[str, list[str]] = field(default_factory=dict)
    extra: str = ""
    """Further tables of config.toml. Without `[errors]` nothing looks for errors after a run, which is a process of its
    own each time: a third of what a run costs."""

    @property
    def root(self) -> Path:
        return self.workspace.root

    @property
    def config(self) -> Config:
        return read_config(self.root / ".praxmonitor" / "config.toml")

    def agent(self, name: str) -> Agent:
        return self.workspace.agent(name)

    def limit(self, **numbers: float | Sequence[float]) -> None:
        self.limits |= numbers
        self.configure()

    def command(self, name: str, *words: str) -> None:
        self.commands[name] = list(words)
        self.configure()

    def shell(self, name: str, script: str) -> None:
        self.command(name, "sh", "-c", script)

    def python(self, name: str, source: str) -> None:
        (self.agent(name).branch / "agent.py").write_text(source)
        self.command(name, sys.executable, "agent.py", "{prompt}")

    def configure(self) -> None:
        lines = ["[dispatch]", *(f"{key} = {value}" for key, value in self.limits.items())]
        for name, words in self.commands.items():
            lines += [f"[agents.{name}]", 'program = "command"', f"command = {json.dumps(words)}"]
        if "[errors]" not in self.extra:
            lines += ["[errors]", "watch = false"]
        path = self.root / ".praxmonitor" / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([*lines, self.extra]) + "\n")

    def inbox(self, name: str) -> tuple[Message, ...]:
        return read_mailbox(self.agent(name).inbox).messages

    def dispatch(self, sender: str, target: str, subject: str = "a task") -> control.Dispatched:
        return control.dispatch_task(self.workspace, self.config, sender, target, subject, "the body")

    def started(self, sender: str, target: str, subject: str = "a task") -> str:
        """Dispatch, and the id of the run that it began."""
        done = self.dispatch(sender, target, subject)
        assert done.run_id, done.busy
        return done.run_id

    def kill(self, by: str, target: str) -> Killed:
        return kill_run(self.workspace, self.config, by, target)

    def journal(self, name: str, run_id: str) -> list[dict[str, Any]]:
        return journal.read_records(self.agent(name).runs_dir / run_id / "run.jsonl")

    def run(self, name: str, run_id: str) -> Run:
        run = read_run(self.agent(name).runs_dir / run_id)
        assert run is not None
        return run

    def runs(self, name: str) -> list[Run]:
        directory = self.agent(name).runs_dir
        found = (read_run(d) for d in sorted(directory.iterdir())) if directory.is_dir() else ()
        return [run for run in found if run is not None]

    def journals(self, *names: str) -> int:
        """How much all runs of these have written: what grows as long as one of them gets on."""
        return sum(path.stat().st_size for name in names for path in self.agent(name).runs_dir.glob("*/*.jsonl"))

    def over(self, name: str, run_id: str, seconds: float = 30.0) -> Run:
        """The run, once it has ended and its branch is free."""

        def ended() -> bool:
            lock = read_lock(self.agent(name).dispatch_lock)
            return self.run(name, run_id).phase.ended and (lock is None or lock.run_id != run_id)

        wait_until(ended, seconds, lambda: f"{run_id} is over: {self.run(name, run_id)}")
        return self.run(name, run_id)

    def attempt_pid(self, name: str, run_id: str) -> int:
        """The PID of the program, once its first sign of life was seen."""

        def running() -> int:
            attempt = self.run(name, run_id).attempt
            return attempt.pid if attempt is not None and attempt.running_at else 0

        return wait_until(running, what=f"{run_id} runs")

    def orphan(self, name: str) -> None:
        """Kill the supervisor of an agent's run, and its sentinel, which would act at once."""
        lock = read_lock(self.agent(name).dispatch_lock)
        assert lock is not None
        # Before the supervisor has its lock that names the sentinel, whose child it is.
        sentinel = lock.sentinel or lock.pid
        below = [one.pid for one in processes.snapshot().values() if one.ppid == sentinel]
        for pid in (sentinel, *below):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(processes.alive, (sentinel, *below))), what="supervisor and sentinel are dead")

    def lose(self, name: str) -> None:
        """Take an agent's directory away for good, all of it at once: removed file by file while a run works in it,
        the run's journal, which its supervisor mends, may come back before its directory goes."""
        away = self.agent(name).branch.rename(self.root.with_name("lost"))
        shutil.rmtree(away)

    def says(self, path: Path) -> str:
        """The text of a file, once there is one."""
        return wait_until(lambda: path.read_text().strip() if path.exists() else "", what=f"{path} is written")

    def mailcore(
        self,
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        program: Sequence[str] = (sys.executable, "-m", "mailcore.cli"),
    ) -> subprocess.CompletedProcess[bytes]:
        """The real command, in a real process; in the workspace's root unless `cwd` says otherwise."""
        return subprocess.run(
            [*program, *words],
            cwd=cwd or self.root,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            timeout=60,
        )

    def json(self, *words: str, status: int = 0, cwd: Path | None = None) -> Any:
        done = self.mailcore(*words, "--json", cwd=cwd)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def close(self) -> None:
        """End every run, until nobody holds a lock."""
        everyone = (*self.workspace.agents, self.workspace.operator)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            held = [agent for agent in everyone if read_lock(agent.dispatch_lock) is not None]
            if not held:
                return
            for agent in held:
                lock = read_lock(agent.dispatch_lock)
                if lock is not None and not (lock.run_id and (agent.runs_dir / lock.run_id).is_dir()):
                    agent.dispatch_lock.unlink()  # the test wrote it itself: nothing runs
                    continue
                with suppress(MailcoreError, OSError):
                    kill_run(self.workspace, self.config, "@operator", agent.address)


def at_terminal(house: House, *words: str, columns: int = 60, **environment: str) -> str:
    """What a person sees: standard output is a terminal of that width. Without colours, unless `environment` says."""
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", str(columns)], stdin=child, check=True)
    done = subprocess.Popen(
        [sys.executable, "-m", "mailcore.cli", *words],
        cwd=house.root,
        env={**os.environ, **(environment or {"NO_COLOR": "1"})},
        stdin=subprocess.DEVNULL,
        stdout=child,
    )
    os.close(child)
    said = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    os.close(parent)
    assert done.wait(20) == 0
    return said.decode().replace("\r\n", "\n")


@pytest.fixture(autouse=True)
def clean_room(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No run, router or session of whoever started the tests leaks into them, and nothing of them to its user."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path_factory.getbasetemp() / name.lower()))
    for name in list(os.environ):
        if name.startswith(("MAILCORE_", "AIPASS_", "CLAUDE", MARK)) and name != system.VARIABLE:
            monkeypatch.delenv(name)
    audit.current_proof.set("")  # what a test in this process was taken for


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    value = uuid.uuid4().hex
    monkeypatch.setenv(MARK, value)
    return value


@pytest.fixture
def house(tmp_path: Path, mark: str) -> Iterator[House]:
    """Three agents with nothing to do; afterwards every run is killed and no marked process is left."""
    made = create.create_workspace(tmp_path / "project", [(name, f"agents/{name}") for name in NAMES])
    house = House(made)
    for name in NAMES:
        house.commands[name] = ["true"]
    house.configure()
    yield house
    house.close()
    deadline = time.monotonic() + 30  # what looks for errors after a run ends by itself
    while (left := marked(mark)) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
        house.close()
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left, f"processes of the test are left: {left}"


@pytest.fixture
def stranger(house: House) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with any run."""
    process = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def aipass(tmp_path: Path) -> workspaces.Workspace:
    """A copy of the workspace that AIPass itself wrote."""
    source = Path(__file__).parents[1] / "fixtures" / "aipass-workspace"
    target = tmp_path / "aipass"
    shutil.copytree(source, target)
    return workspaces.find_workspace(target)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], bool]:
    """Whether the disk was let have what lies at a path: a file's bytes, a directory's names."""
    done: set[tuple[int, int]] = set()
    fsync = os.fsync

    def note(opened: int) -> None:
        found = os.fstat(opened)
        done.add((found.st_dev, found.st_ino))
        fsync(opened)

    monkeypatch.setattr(os, "fsync", note)
    return lambda path: ((found := path.stat()).st_dev, found.st_ino) in done
