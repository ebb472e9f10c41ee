"""What everything else asks of an agent program: the one protocol, and the values that go in and out of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mailcore.config import AgentConfig
from mailcore.exceptions import MailcoreError
from mailcore.model.agent import Agent
from mailcore.model.limit import Limit
from mailcore.system import user_directories
from mailcore.system.safe_open import open_regular

if TYPE_CHECKING:  # what reads session files is no part of starting a program
    from mailcore.programs.transcript_reader import Counted, OutputReader, Transcript

SESSION_ID = re.compile("[0-9A-Za-z][0-9A-Za-z_.-]{0,127}")
"""What a session's id may be: as a word of a command line it is no option, and in a path no directory."""


USUAL = "MAILCORE_USUAL_"
"""Before the name of a `Home`'s variable: what that was before an account's directory took its place."""


class ProgramFailed(MailcoreError):
    """A program, which may be anybody's plug-in, raised an error or gave back what it must not."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How one attempt is started."""

    agent: Agent
    config: AgentConfig
    prompt: str
    mode: str
    """`start`, `resume`, `fork` or `fresh`."""
    session_id: str
    """A new UUID for `start`, `fork` and `fresh`, the former attempt's for `resume`."""
    home: Path
    """The directory of its account (`Home`)."""
    forked: str = ""
    """For `fork` the session that the new one begins as a copy of."""


@dataclass(frozen=True, slots=True)
class Output:
    """What one attempt has left behind."""

    stdout: Path
    stderr: Path
    acted: bool = False
    """The agent ran a mailcore command in this attempt."""
    warned: bool = False
    """What is on its standard error came at once, and may be no more than a warning."""
    home: Path | None = None
    """The directory of its account (`Home`), in which its session lies; None: not known."""

    @property
    def printed(self) -> bool:
        """True once the program wrote a byte to its standard output."""
        return self.stdout.exists() and self.stdout.stat().st_size > 0

    @property
    def written_at(self) -> float:
        """When it last wrote there, in seconds since the epoch; now, where that is not known."""
        try:
            return self.stdout.stat().st_mtime
        except OSError:
            return time.time()

    @property
    def any(self) -> bool:
        """The same, or that it writes to its standard error, and not only a warning."""
        return self.printed or (not self.warned and self.stderr.exists() and self.stderr.stat().st_size > 0)


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
    final: bool = False
    """How it came out is not known, or it would be the same again: it is not tried once more by itself."""
    limit: Limit | None = None
    """The limit that it met, as far as the program's data reports it; None: none, or no more than `limited`."""


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of an account: there a program keeps its credentials, its settings and its sessions."""

    variable: str
    """The environment variable that names another than the default."""
    default: str
    """As seen from the user's home directory."""

    def usual(self) -> Path:
        """That of the default account: as the environment says it, to which no account was given."""
        value = os.environ.get(f"{USUAL}{self.variable}", os.environ.get(self.variable))
        return Path(value) if value else user_directories.home() / self.default


@dataclass(frozen=True, slots=True)
class ProgramParts:
    """What of ours a program's settings bring to its sessions in a directory, beside hooks of the agent's own."""

    plugin: str = ""
    """The settings that switch our plugin on; empty: none do."""
    servers: tuple[str, ...] = ()
    """The settings that name our MCP server."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The settings in which a program finds the commands that it runs at its events (`mailcore.hooks.settings`)."""

    settings: str
    """The file, as seen from the agent's branch; one that is not committed."""
    events: tuple[str, ...]
    """The names of those events at which ours are run, in the program's words."""
    off: str = ""
    """A key of it that, set to true, switches every hook off; empty: there is none."""
    rewakes: bool = False
    """A hook that runs beside a session wakes it, idle as it may be, by exit status 2 (`asyncRewake`)."""
    asks_beside: bool = False
    """While a hook of `PermissionRequest` waits, it asks in its own terminal too: the first answer counts."""
    remembers: bool = False
    """Such a hook may allow what is like it for the whole session."""
    attended: str = ""
    """The variable that it sets to 1 for hooks of a session that a person has open; empty: it does not say."""
    persons_shell: bool = False
    """It runs them in its person's shell, which may be no POSIX one, and not in `sh`."""
    queue: Callable[[str, str], list[str]] | None = None
    """The command line that gives a text to an idle session: `(session, text) -> words`; None: there is none."""
    parts: Callable[[Path, Path], ProgramParts] | None = None
    """What of ours its settings bring: `(directory of the account, directory of the session)`; None: not known."""


@dataclass(frozen=True, slots=True)
class Interactive:
    """How a session that a person began by hand is recognised among the processes in a branch."""

    names: Collection[str]
    """Names that the program's process may have, as the kernel reports them: 15 characters at most."""
    is_session: Callable[[Sequence[str]], bool] = bool
    """Given its command line: is this a session, and no server or headless run?"""
    join: Callable[[str], list[str]] | None = None
    """The command line by which a person joins one that goes on in the background, by its `SessionStatus.job`."""
    added: Callable[[Sequence[str]], list[str]] | None = None
    """Given its command line: the directories that it may work in besides its own."""
    shared: Callable[[Sequence[str]], bool] | None = None
    """Given its command line: is this a server in which the sessions of several terminals go on?"""


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """What a program says of one of its sessions, as that stands."""

    session: str
    """Its id."""
    cwd: str
    """Where it was begun."""
    waits: bool
    """It asks the person who is there for something."""
    at: float
    """Since when, seconds since the epoch."""
    wants: str = ""
    """What it waits for, in the program's words; untrusted text."""
    pid: int = 0
    """The process that it goes on in, as it is called here; 0: not known, or called otherwise here."""
    name: str = ""
    """What it is called, in the program's words or its person's; untrusted text."""
    job: str = ""
    """By which its program joins it where it goes on in the background; empty: a person has it at a terminal."""
    beside: Path | None = None
    """A file that says more of how it stands, which was read too."""


class StatusFiles(Protocol):
    """Where a program says how its sessions stand: a small file each, written again whenever that changes."""

    @property
    def root(self) -> Path:
        """The directory that they lie in; it may not be there yet."""

    def read(self, path: Path) -> SessionStatus | None:
        """As a file of that directory says; None where it says nothing, or of a session that is over."""

    def given(self, status: SessionStatus) -> list[str]:
        """The directories that it was given besides its own since it began, as far as that is seen. May be missing."""


class SessionFiles(Protocol):
    """Where a program keeps its session files, whose each is, and what reads them."""

    @property
    def whole(self) -> bool:
        """Each file is one document that is written again; else its lines are appended."""

    @property
    def root(self) -> Path:
        """The directory below which all of them lie; it may not be there yet."""

    def places(self, branches: Collection[Path]) -> list[Path]:
        """The directories, there or not, in which sessions begun in these branches may go on today.

        They are watched, and looked into again and again; so are the directories between the root and them.
        """

    def inner(self, place: Path) -> list[Path]:
        """The directories in a place that are to be watched besides."""

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """The session files in a place, and in its inner directories, each with the time at which it was written."""

    def is_session(self, path: Path) -> bool:
        """True if a path below the root is one of a session file, as its name says."""

    def cwd_of(self, path: Path, branches: Collection[Path]) -> str:
        """Where the session of that file was begun; empty while nothing says it, or the file cannot be read.

        It may be any directory; the branches are there for a program whose files report only a sign of theirs.
        """

    def session_of(self, path: Path) -> str:
        """The id of the session whose file that is, or whose subagent's, as its name says.

        A plug-in that has no such part: the name without its ending.
        """

    def time_of(self, line: bytes) -> float:
        """When a line of a file was written, in seconds since the epoch; 0.0 of a line that does not report it.

        Times only grow; a line that reports none belongs to the line before it. Of a `whole` file it is not asked.
        """

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """Every session file written at `since` or later, and where its session was begun; the oldest first.

        Those of other branches may be among them.
        """

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Transcript:
        """A reader for what stands in the file from `offset` (bytes) on, which knows what it has to of what is before.

        `counted`: the messages that the readers of an agent's files share, so that a copied one counts once.
        `earlier`: a moment before which all stands that is before `offset`, or 0.0. Of a `whole` file the offset is 0,
        and the reader is given all of it, as one line, each time it was written. OSError if it cannot be read.
        """


class Program(Protocol):
    """One kind of agent program. It holds no state: one object serves every agent and every run."""

    @property
    def name(self) -> str:
        """As `program = "NAME"` in config.toml says it."""

    @property
    def executables(self) -> tuple[str, ...]:
        """Its command, as looked for on PATH; of several names one is enough. None: config's `command` is run."""

    @property
    def home(self) -> Home | None:
        """None: it has no directory for each account; so it is of a plug-in that has no such part."""

    def sessions_at(self, home: Path) -> SessionFiles | None:
        """Those of the account whose directory that is; of a program without a `home` the user's home directory.

        None: it keeps no session files that could be read.
        """

    def statuses_at(self, home: Path) -> StatusFiles | None:
        """The same; None: it does not say how its sessions stand; so it is of a plug-in that has no such part."""

    @property
    def hooks(self) -> Hooks | None:
        """None: it runs none."""

    @property
    def interactive(self) -> Interactive | None:
        """None: a person does not work in it."""

    @property
    def variables(self) -> Collection[str]:
        """Environment variables that report what it starts about its own session: no run may inherit them."""

    @property
    def takes(self) -> Collection[str]:
        """What one dispatch may ask of it, of `model`, `resume` and `fork`; a plug-in that does not say takes none."""

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

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """The command line by which a person goes on in that session at a terminal, run in the branch.

        None where the program keeps no sessions, or none of that id in this account's directory.
        """

    def bypasses(self, config: AgentConfig) -> bool:
        """True if an agent of this config asks for no permissions."""

    def output_reader(self, agent: str) -> OutputReader | None:
        """What reads its standard output; None: every line of it is a line of a log.

        It may be given the end of the output alone.
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


def is_session_id(text: str) -> bool:
    """True of what may be put into a command line or a path as a session's id."""
    return SESSION_ID.fullmatch(text) is not None


def tail(path: Path, limit: int = 65536) -> list[str]:
    """The last lines of an output file, at most `limit` bytes of it; empty where there is none."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            return file.read(limit).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
