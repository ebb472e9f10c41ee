"""What the supervisor asks of an agent program. One file each; a further program changes nothing elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.system.files import opened


@dataclass(frozen=True, slots=True)
class Launch:
    """How one attempt is started."""

    agent: Agent
    config: AgentConfig
    prompt: str
    mode: str
    """`start`, `resume` or `fresh`."""
    session_id: str
    """A new UUID for `start` and `fresh`, the former attempt's for `resume`."""


@dataclass(frozen=True, slots=True)
class Output:
    """What one attempt has left behind."""

    stdout: Path
    stderr: Path
    acted: bool = False
    """The agent ran a mailcore command in this attempt."""

    @property
    def any(self) -> bool:
        """True once the program wrote a byte to either."""
        return any(path.exists() and path.stat().st_size > 0 for path in (self.stdout, self.stderr))


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt came out."""

    success: bool
    cause: str
    """In words, for the bounce and the screen."""
    limited: bool = False
    """A rate limit or an overloaded service: wait longer."""
    result: str = ""
    """What the program says it did; untrusted text."""
    cost: float = 0.0
    """US dollars; 0.0 unknown."""


class Program(Protocol):
    """One kind of agent program."""

    name: str
    protocol: bool
    """What it prints as JSON objects is its own protocol: its session file tells the same better."""

    def argv(self, launch: Launch) -> list[str]:
        """The command line, run in the branch. Never holds a secret."""

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """Files outside the run's directory whose existence is a sign of life."""

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """True once the attempt is seen to work."""

    def ending(self, exit_code: int, output: Output) -> Ending:
        """Read the outcome from the exit code and the status fields of this attempt alone."""

    def session(self, given: str, output: Output) -> str:
        """The id of the session that an attempt had: the `given` one or the program's own; empty if it has none."""

    def attach(self, agent: Agent, config: AgentConfig, session_id: str) -> list[str] | None:
        """The command line by which a person goes on in that session at a terminal, run in the branch.

        None where the program keeps no sessions, or none of that id.
        """


def exit_words(exit_code: int) -> str:
    """`exit 1`, `ended by SIGKILL`."""
    if exit_code >= 0:
        return f"exit {exit_code}"
    import signal

    try:
        return f"ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"ended by signal {-exit_code}"


def tail(path: Path, limit: int = 65536) -> list[str]:
    """The last lines of an output file, at most `limit` bytes of it; empty where there is none."""
    try:
        with opened(path) as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            return file.read(limit).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
