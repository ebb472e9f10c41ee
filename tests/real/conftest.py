"""The real agent programs, in a network of their own with nothing but loopback, against a stub of their services."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mailcore.formats import journal
from mailcore.mail.bell import ring_bells
from mailcore.model.agent import Agent
from mailcore.model.run import Run, from_records
from mailcore.programs.base import Output
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import MARK, marked, wait_until
from tests.mailcore.identity.lab import PTY
from tests.real.stub import Request, Stub, Text, Tool, texts

PACKAGES = {
    "claude": ("@anthropic-ai/claude-code@2.1.330", "claude-code-*/claude"),
    "codex": ("@openai/codex@0.169.0", "codex-*/vendor/*/bin/codex"),
    "gemini": ("@google/gemini-cli@0.61.0", "gemini-cli/bundle/gemini.js"),
}
"""What npm fetches, in the versions whose facts the code is written to, and where the program lies below its scope."""

USERS_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
"""Where that lies; the tests themselves have another one."""
CONFIG = """\
[dispatch]
startup_timeout = 60
retry_wait = 0.1
limit_wait = 0.5
stop_grace = 2
"""
CODEX = """\
model_provider = "stub"
[model_providers.stub]
name = "stub"
base_url = "{url}/v1"
env_key = "STUB_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--real-claude` and the like; or PRAX_CLAUDE and the like in the environment."""
    for name, (package, _) in PACKAGES.items():
        about = f"run tests/real with this {name}; npm: fetch {package} into the user's cache (100 to 400 MB)"
        parser.addoption(f"--real-{name}", default="", metavar="PATH|npm", help=about)


def wanted(config: pytest.Config, name: str) -> str:
    """What was asked for; empty for nothing. In an ordinary run the option is not known."""
    given = config.getoption(f"--real-{name}", default=None)
    return str(given or os.environ.get(f"PRAX_{name.upper()}", ""))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing here belongs to the ordinary run."""
    program = collection_path.stem.removeprefix("test_")
    program = next((name for name in PACKAGES if program.startswith(name)), "claude")
    return None if collection_path.is_dir() or wanted(config, program) else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`seed`: of few random sessions, or, with `--rounds all`, of fifty."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(50 if metafunc.config.getoption("--rounds") == "all" else 3))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was not run here, and why."""
    for name in PACKAGES:
        if not wanted(config, name):
            terminalreporter.write_line(
                f"tests/real: the real {name} is opt-in: pytest tests/real --real-{name} npm (or its path)"
            )


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The programs' files. From here on this process, and all that it starts, sees no network but loopback."""
    found = {}
    for name in PACKAGES:
        if given := wanted(request.config, name):
            found[name] = fetched(name) if given == "npm" else Path(given).resolve()
            assert os.access(found[name], os.X_OK), f"--real-{name} {given}: {found[name]} is no program"
    isolate()
    return found


def fetched(name: str) -> Path:
    """The program's own binary for this machine, fetched by npm once, outside of the project; runs no script of it."""
    package, binary = PACKAGES[name]
    scope_name, _, release = package.partition("/")
    cache = USERS_CACHE / "praxmonitor" / release
    scope = cache / "node_modules" / scope_name
    if not list(scope.glob(binary)):
        cache.mkdir(parents=True, exist_ok=True)
        words = [
            "npm",
            "install",
            "--prefix",
            str(cache),
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            package,
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"npm could not fetch {package}: {done.stderr}"
    return next(iter(scope.glob(binary)))


def isolate() -> None:
    """Leave the machine's network for an empty one, and switch its loopback on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):  # not root: as one, in a user namespace
        user, group = os.getuid(), os.getgid()
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
            pytest.exit(f"no network of its own to be had ({os.strerror(ctypes.get_errno())}): tests/real is not run")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    names = [name for _, name in socket.if_nameindex()]
    assert names == ["lo"], names


@dataclass
class Lab:
    """An empty directory, a person's home, the programs on PATH, and their service."""

    root: Path
    home: Path
    stub: Stub
    environment: dict[str, str]

    def shell(self, command: str, cwd: Path | None = None) -> str:
        """Run one command line as a person would; its standard output."""
        done = subprocess.run(
            ["sh", "-c", command], cwd=cwd or self.root, env=self.environment, capture_output=True, text=True,
            timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def typed(self, line: str) -> str:
        """Run one command line at a terminal of its own, below no process of the tests; what it showed."""
        words = [sys.executable, "-c", PTY, repr(self.environment), "sh", "-c", f"{line}; echo exit $?"]
        done = subprocess.run(
            words, cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        assert done.stdout.endswith("exit 0\n"), f"{line}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def printed(self, command: str, home: str = "") -> tuple[int, Output]:
        """Run one command line in the branch, as an attempt would; its exit code and what it printed.

        `home`: where its account lies in the person's home.
        """
        files = Output(self.root / "stdout", self.root / "stderr", home=self.home / home)
        with files.stdout.open("wb") as out, files.stderr.open("wb") as err:
            done = subprocess.run(
                ["sh", "-c", command], cwd=self.branch, env=self.environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=err, timeout=120,
            )  # fmt: skip
        return done.returncode, files

    def mailcore(self, words: str) -> Any:
        """One mailcore command of the operator's; its JSON value."""
        return json.loads(self.shell(f"mailcore {words} --json --from @operator"))

    def init(self, agent: str = "") -> None:
        """A workspace of one agent; `agent` are lines of its table in config.toml."""
        self.shell("mailcore init . --agent writer=agents/writer")
        (self.root / ".praxmonitor").mkdir(exist_ok=True)
        (self.root / ".praxmonitor/config.toml").write_text(f"{CONFIG}[agents.writer]\n{agent}\n")

    @property
    def branch(self) -> Path:
        """@writer's directory."""
        return self.root / "agents/writer"

    def run(self) -> Run:
        """@writer's newest run."""
        newest = max((self.branch / ".ai_mail.local/runs").iterdir())
        run = from_records(journal.read_records(newest / "run.jsonl"))
        assert run is not None
        return run

    def over(self) -> Run:
        """The same, once it has ended and @writer is free."""

        def ended() -> bool:
            return self.run().phase.ended and read_lock(self.branch / ".ai_mail.local/.dispatch.lock") is None

        wait_until(ended, 90, f"the run is over: {self.run()}")
        return self.run()

    def asked_to_go_on(self) -> Run:
        """The same of a run that waits for a limit, once the operator has asked it to go on now."""
        wait_until(lambda: self.run().parked, 60, f"the run waits: {self.run()}")
        self.mailcore("retry @writer")
        return self.over()

    def told(self, record: str) -> list[dict[str, Any]]:
        """The records of that name in the newest run's journal."""
        newest = max((self.branch / ".ai_mail.local/runs").iterdir())
        return [found for found in journal.read_records(newest / "run.jsonl") if found["event"] == record]

    def marked(self) -> dict[int, str]:
        """All live processes that came of this test."""
        return marked(self.environment[MARK])


@pytest.fixture
def lab(tmp_path: Path, programs: dict[str, Path]) -> Iterator[Lab]:
    """Afterwards every process of the test is ended; the test fails if there were any."""
    root, home, links = tmp_path / "project", tmp_path / "home", tmp_path / "bin"
    for directory in (root, home / ".claude", home / ".codex", links):
        directory.mkdir(parents=True)
    for name, path in programs.items():
        (links / name).symlink_to(path)
    allowed = {"permissions": {"allow": ["Bash(python3:*)"]}}
    # Here, since a run's environment is cleaned of CLAUDE_CODE_*.
    quiet = {"env": {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}}
    (home / ".claude/settings.json").write_text(json.dumps(allowed | quiet))
    with Stub() as stub:
        (home / ".codex/config.toml").write_text(CODEX.format(url=stub.url))
        mine = ("CLAUDE", "ANTHROPIC", "CODEX", "OPENAI", "GEMINI", "GOOGLE", "MAILCORE_", "AIPASS_", "AI_AGENT", MARK)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)} | {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(links), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "ANTHROPIC_BASE_URL": stub.url,
            "ANTHROPIC_API_KEY": "dummy-key-of-a-test",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "STUB_KEY": "dummy-key-of-a-test",
            MARK: uuid.uuid4().hex,
        }
        one = Lab(root, home, stub, environment)
        yield one
        stub.hold.set()
        ring_bells(
            Agent("@writer", "WRITER", one.branch)
        )  # what sleeps beside a session that was killed looks, and goes
        deadline = time.monotonic() + 5  # a supervisor goes a moment after its lock
        while (left := one.marked()) and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert not left, f"processes of the test are left: {left}"


@pytest.fixture
def plan(lab: Lab) -> Lab:
    """A person who is logged in with a plan, whose limits Claude Code tells; who pays by the key has none of them."""
    plan = {"subscriptionType": "max", "rateLimitTier": "default_claude_max_5x", "expiresAt": 4_102_444_800_000}
    token = {"accessToken": "dummy-token-of-a-test", "refreshToken": "dummy", "scopes": ["user:inference"]}
    (lab.home / ".claude/.credentials.json").write_text(json.dumps({"claudeAiOauth": token | plan}))
    environment = {name: value for name, value in lab.environment.items() if name != "ANTHROPIC_API_KEY"}
    return replace(lab, environment=environment | {"TZ": "America/St_Johns"})


def bash(command: str) -> Callable[[Request], Tool]:
    """The model wants a shell command to be run; `{id}` is the message that its prompt names."""

    def step(request: Request) -> Tool:
        named = re.search(r"task, message (\w+)", texts(request))
        return Tool("Bash", {"command": command.replace("{id}", named[1] if named else "unknown")})

    return step


READ, DONE, BYE = bash("mailcore read {id}"), bash("mailcore done {id} 'It is in NOTES.md'"), Text("Notes are written.")
"""The steps of an agent that does as its prompt says."""
