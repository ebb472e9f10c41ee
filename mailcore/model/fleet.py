"""The immutable snapshot that every view draws: facts only, no clock. States are derived by `observe.state`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, SESSION_SIGN, Agent
from mailcore.model.error_group import ErrorGroups
from mailcore.model.file_write import FileWrite
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.model.limit import AccountLimits
from mailcore.model.link import HostRecord
from mailcore.model.lock import Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Mailbox, Message
from mailcore.model.permission import PermissionRequest
from mailcore.model.run import Run
from mailcore.model.session import LiveSession, Turn
from mailcore.model.usage import Spending


class State(StrEnum):
    """What an agent is doing, in one word."""

    STARTING = "starting"
    WORKING = "working"
    IN_TOOL = "in tool"
    WAITING = "waiting"
    SILENT = "silent"
    RETRYING = "retrying"
    LIMITED = "limited"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"
    ORPHANED = "orphaned"
    UNREADABLE = "unreadable"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Status:
    """An agent's state at one moment, why, and since when (seconds since the epoch, 0.0 unknown)."""

    state: State
    reason: str
    since: float = 0.0


class AgentFacts(msgspec.Struct, frozen=True):
    """Everything known of one agent. Two equal facts are the same object unless something changed.

    A struct, as what it holds that changes often: each reading of a busy agent replaces it.
    """

    agent: Agent
    mailbox: Mailbox = msgspec.field(default_factory=Mailbox)
    lock: Lock | None = None
    run: Run | None = None
    """Its current run, else its newest."""
    held: str = ""
    """Who holds it and why, in words; empty: nobody."""
    requests: tuple[Message, ...] = ()
    """Its requests for approval in the operator's mailbox that nobody has decided, oldest first; of an agent on another
    host those in the operator's there, whose ids say it (`0a1b2c3d.beta`), too."""
    answered: float = 0.0
    """When the newest decision on such a request lay in its mailbox, 0.0 for never."""
    activities: tuple[Activity, ...] = ()
    """The newest few, oldest first."""
    open: tuple[Activity, ...] = ()
    """What began and did not end, oldest first: tool calls, subagents, a compaction of the context."""
    prompts: tuple[Activity, ...] = ()
    """What its program asks the operator and has no answer to, in the order in which it was reported."""
    granted: tuple[Activity, ...] = ()
    """Of such prompts those that its program itself says it waits for no more, while their calls go on."""
    permissions: tuple[PermissionRequest, ...] = ()
    """What its programs ask for, and wait to be answered from elsewhere, the oldest first."""
    turn_open: bool = False
    """A prompt or tool was seen and no end of turn since."""
    turn_ended: float = 0.0
    """When its newest turn ended, 0.0 for never: what is reported late of an earlier moment opens none."""
    hooks_stopped: HooksStopped | None = None
    """Its session that goes on without its hooks."""
    turns: tuple[Turn, ...] = ()
    """The newest turn of each of its sessions, the one that began last at the end."""
    sessions: tuple[LiveSession, ...] = ()
    """Those that a person began by hand, and that live."""
    writes: tuple[FileWrite, ...] = ()
    """The files of the project that its tools wrote last, the newest at the end."""
    last_active: float = 0.0
    """Newest sign of life, any source; 0.0 for never."""
    lost: int = 0
    """Lines of its files that could not be read: torn, or too long."""
    log_growth: tuple[GrowingLog, ...] = ()
    """Its logs that grow, the fastest first, as of when one grew last."""
    spending: Spending = msgspec.field(default_factory=Spending)

    @property
    def address(self) -> str:
        """`@writer`."""
        return self.agent.address

    @property
    def remote_requests(self) -> tuple[Message, ...]:
        """Those of its requests that lie on its own host, which is another."""
        return tuple(one for one in self.requests if one.recipient != OPERATOR) if self.agent.is_remote else ()

    @property
    def waiting(self) -> Activity | None:
        """The oldest of what its program asks the operator."""
        return min(self.prompts, key=lambda one: one.at, default=None)

    @property
    def tool(self) -> Activity | None:
        """The newest tool call that did not end: the agent's own, else a subagent's."""
        calls = [activity for activity in self.open if activity.kind is Kind.TOOL]
        return next((call for call in reversed(calls) if not call.subagent), calls[-1] if calls else None)

    @property
    def subagents(self) -> tuple[Activity, ...]:
        """Those at work, oldest first."""
        return tuple(activity for activity in self.open if activity.kind is Kind.SUBAGENT)

    @property
    def compacting(self) -> Activity | None:
        """The compaction of its context that goes on."""
        return next((activity for activity in self.open if activity.kind is Kind.COMPACT), None)


class Fleet(msgspec.Struct, frozen=True):
    """A workspace at one moment."""

    root: Path
    agents: tuple[AgentFacts, ...] = ()
    """In registry order, which never changes by itself; then those of other hosts, by host."""
    operator: AgentFacts | None = None
    stream: tuple[Activity, ...] = ()
    """What happened everywhere, oldest first, bounded."""
    notes: tuple[str, ...] = ()
    """What the reader of the files wants said: refused rows, a degraded watcher."""
    at: float = 0.0
    limits: tuple[AccountLimits, ...] = ()
    """Of the accounts in which its agents work, by key."""
    errors: ErrorGroups | None = None
    """What is known of the errors that its agents report, in groups; None: of none."""
    hosts: tuple[HostRecord, ...] = ()
    """The other hosts of the link, by name. Of one that is there, `seen_at` may be as of some while ago."""
    places: Mapping[str, int] = {}
    """Address → its place among the agents; may be empty: then they are looked through."""
    elsewhere: tuple[AgentFacts, ...] = ()
    """The sessions that go on in the project and are no agent's: nothing is asked of them, and nobody's alarms."""

    @property
    def shown(self) -> tuple[AgentFacts, ...]:
        """Those that a list shows: the agents, then the sessions that are no agent's."""
        return (*self.agents, *self.elsewhere) if self.elsewhere else self.agents

    @property
    def local_agents(self) -> tuple[AgentFacts, ...]:
        """Those that live on this host: only their files and processes can be looked at here."""
        if not self.hosts:
            return self.agents
        return tuple(facts for facts in self.agents if not facts.agent.host)

    def find(self, address: str) -> AgentFacts | None:
        """The facts of one agent, the operator included."""
        if self.operator is not None and self.operator.address == address:
            return self.operator
        if address.startswith(SESSION_SIGN):
            return next((facts for facts in self.elsewhere if facts.address == address), None)
        if self.places:
            place = self.places.get(address)
            return self.agents[place] if place is not None else None
        return next((facts for facts in self.agents if facts.address == address), None)

    @property
    def operator_mails(self) -> tuple[Message, ...]:
        """What lies in the operator's mailbox, and what agents of other hosts ask for in the one there."""
        here = self.operator.mailbox.messages if self.operator is not None else ()
        if not self.hosts:
            return here
        return (*here, *(one for facts in self.agents if facts.requests for one in facts.remote_requests))

    def host(self, name: str) -> HostRecord | None:
        """What is known of another host of the link; None where there is none of that name."""
        return next((host for host in self.hosts if host.name == name), None)


def changed_agents(old: Fleet, new: Fleet) -> list[AgentFacts] | None:
    """Those of whom something changed from one fleet to the next; None where it is not the same agents."""
    return _changed(old.agents, new.agents)


def changed_rows(old: Fleet, new: Fleet) -> list[AgentFacts] | None:
    """The same of all that is shown, sessions that are no agent's among them."""
    return _changed(old.shown, new.shown)


def _changed(old: Sequence[AgentFacts], new: Sequence[AgentFacts]) -> list[AgentFacts] | None:
    if len(old) != len(new):
        return None
    changed = [(before, after) for before, after in zip(old, new, strict=True) if after is not before]
    if any(before.agent is not after.agent for before, after in changed):
        return None
    return [after for _, after in changed]


def same_roster(old: Fleet, new: Fleet) -> bool:
    """Whether they are the same agents, in the same directories, in the same order."""
    if new.places and new.places is old.places:
        return True
    return [facts.agent for facts in old.agents] == [facts.agent for facts in new.agents]
