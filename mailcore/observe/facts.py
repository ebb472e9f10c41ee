"""What reading a workspace's files brings to light, one value each: what `fold.apply` takes and a recording keeps."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.error_group import ErrorGroups
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.model.limit import AccountLimits
from mailcore.model.lock import Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Mailbox
from mailcore.model.permission import PermissionRequest
from mailcore.model.run import Run
from mailcore.model.session import LiveSession
from mailcore.model.usage import Spent


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is there, the operator among them, and the notes about the reading itself."""

    agents: tuple[Agent, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MailboxRead:
    """A mailbox as it stands now."""

    address: str
    mailbox: Mailbox


@dataclass(frozen=True, slots=True)
class LockRead:
    """The dispatch lock as it stands now; None: there is none."""

    address: str
    lock: Lock | None


@dataclass(frozen=True, slots=True)
class HoldRead:
    """Who holds the agent, in words; empty: nobody."""

    address: str
    held: str


@dataclass(frozen=True, slots=True)
class RunRead:
    """The agent's current run, else its newest; None: it has none."""

    address: str
    run: Run | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an agent was seen to do, oldest first: hook events, session files, log lines, output of its program."""

    address: str
    activities: tuple[Activity, ...]
    spent: tuple[Spent, ...] = ()
    """What that used."""


@dataclass(frozen=True, slots=True)
class Used:
    """What its messages used beyond what was seen, in the order in which they were read."""

    address: str
    spent: tuple[Spent, ...]
    unfinished: bool | None = None
    """Whether more of what was used today is still to be counted; None: as before."""


@dataclass(frozen=True, slots=True)
class Lost:
    """How many lines of its files could not be read, all in all."""

    address: str
    lines: int


@dataclass(frozen=True, slots=True)
class Stated:
    """What the agent's program says of one of its sessions: whether it waits for its person."""

    address: str
    session: str
    waits: bool
    at: float
    """Since when, seconds since the epoch."""
    wants: str = ""
    """What it waits for, in words."""


@dataclass(frozen=True, slots=True)
class HooksRead:
    """Whether a session of the agent goes on without its hooks; None: no more, or none does."""

    address: str
    stopped: HooksStopped | None


@dataclass(frozen=True, slots=True)
class SessionsLive:
    """The sessions of an agent that a person began by hand and that live now, the oldest first."""

    address: str
    sessions: tuple[LiveSession, ...]


@dataclass(frozen=True, slots=True)
class PermissionsRead:
    """What the agent's programs ask for and wait to be answered, the oldest first."""

    address: str
    requests: tuple[PermissionRequest, ...]
    decided: tuple[str, ...] = ()
    """Ids of those that waited before and were decided, here or at the program's own terminal."""


@dataclass(frozen=True, slots=True)
class LogsGrew:
    """How fast the agent's logs grow, those that do."""

    address: str
    logs: tuple[GrowingLog, ...]


@dataclass(frozen=True, slots=True)
class LimitsRead:
    """What is known of the usage limits of the accounts in which agents work."""

    accounts: tuple[AccountLimits, ...]


@dataclass(frozen=True, slots=True)
class ErrorsRead:
    """What is known of the errors that agents report."""

    errors: ErrorGroups


AgentFact = (
    MailboxRead
    | LockRead
    | HoldRead
    | RunRead
    | Seen
    | Used
    | Lost
    | Stated
    | SessionsLive
    | HooksRead
    | PermissionsRead
    | LogsGrew
)
Fact = Roster | LimitsRead | ErrorsRead | AgentFact
