"""What reading a workspace's files brings to light, one value each: what `fold.apply` takes and a recording keeps."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.error_group import ErrorGroups
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.model.limit import AccountLimits
from mailcore.model.link import HostRecord
from mailcore.model.lock import Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Mailbox, Message
from mailcore.model.permission import PermissionRequest
from mailcore.model.run import Run
from mailcore.model.session import LiveSession, Turn
from mailcore.model.usage import Spending, Spent


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is there, the operator among them, and the notes about the reading itself."""

    agents: tuple[Agent, ...]
    notes: tuple[str, ...] = ()
    elsewhere: tuple[Agent, ...] = ()
    """The sessions that go on in the project and are no agent's."""


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


@dataclass(frozen=True, slots=True)
class HostsRead:
    """What is known of the other hosts of the link, by name."""

    hosts: tuple[HostRecord, ...]


class AgentTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """What another host says of one of its agents: of `AgentFacts` what changed, each as it stands now.

    It may be told again, and what comes between two of them may be lost: the next whole one makes up for it.
    """

    address: str
    whole: bool = False
    """All that is known of it; what is not said is as at first."""
    past: bool = False
    """It was said before, with other times: nothing of it has just happened."""
    mailbox: Mailbox | UnsetType = UNSET
    """Its count, and a few mails without what they say."""
    lock: Lock | UnsetType | None = UNSET
    run: Run | UnsetType | None = UNSET
    held: str | UnsetType = UNSET
    requests: tuple[Message, ...] | UnsetType = UNSET
    answered: float | UnsetType = UNSET
    activities: tuple[Activity, ...] | UnsetType = UNSET
    """The new ones, oldest first."""
    open: tuple[Activity, ...] | UnsetType = UNSET
    prompts: tuple[Activity, ...] | UnsetType = UNSET
    granted: tuple[Activity, ...] | UnsetType = UNSET
    turn_open: bool | UnsetType = UNSET
    turn_ended: float | UnsetType = UNSET
    hooks_stopped: HooksStopped | UnsetType | None = UNSET
    turns: tuple[Turn, ...] | UnsetType = UNSET
    sessions: tuple[LiveSession, ...] | UnsetType = UNSET
    last_active: float | UnsetType = UNSET
    lost: int | UnsetType = UNSET
    log_growth: tuple[GrowingLog, ...] | UnsetType = UNSET
    spending: Spending | UnsetType = UNSET


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
    | AgentTold
)
Fact = Roster | LimitsRead | ErrorsRead | HostsRead | AgentFact
