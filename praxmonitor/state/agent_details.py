"""What is known of the agent in view alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailcore.model.message import Mailbox


class Section(StrEnum):
    """A part of the view of one agent."""

    STORY = "story"
    PROCESSES = "processes"
    TIMELINE = "timeline"
    MAILBOX = "mailbox"
    QUEUE = "queue"
    LOG = "log"
    MEMORIES = "memories"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class WaitingStart:
    """One start that waits for its agent to become free."""

    id: str
    at: float
    """Since when it waits, seconds since the epoch."""
    subject: str
    """Untrusted text, as `reason` is."""
    reason: str
    """What it waits for."""
    message_id: str = ""
    """The mail of its task; empty of a wake."""


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process of an agent's run."""

    pid: int
    depth: int
    """0 for the first of its tree."""
    command: str
    """Untrusted text."""
    started_at: float
    """Seconds since the epoch."""
    cpu_percent: float | None
    """Of one core, since the look before; None at its first."""
    rss: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """One file that an agent keeps of itself. Its name and text are untrusted."""

    path: str
    """Relative to the agent's branch."""
    size: int = 0
    """Bytes."""
    modified_at: float = 0.0
    """Seconds since the epoch."""
    lines: tuple[str, ...] = ()
    cut: bool = False
    """There is more than those."""
    trouble: str = ""
    """Why it cannot be read; empty if it can."""


@dataclass(frozen=True, slots=True)
class CopyState:
    """How old the copy is that is shown of an agent of another host."""

    host: str
    at: float = 0.0
    """When what is shown came, seconds since the epoch; 0.0: it has not, or nothing was asked for."""
    asking: bool = False
    """It is being asked for."""
    trouble: str = ""
    """Why it did not come when it was asked for last; empty: it did. Untrusted text."""


@dataclass(frozen=True, slots=True)
class AgentDetails:
    """What is read only of the agent in view: its processes, the starts that wait for it, the end of its log."""

    address: str
    pid: int = 0
    """0 where nothing runs."""
    alive: bool = False
    started_at: float = 0.0
    processes: int = 0
    cpu_percent: float | None = None
    """Of one core, the whole tree; None where it could not be sampled."""
    rss: int = 0
    """Bytes, the whole tree."""
    log_name: str = ""
    log: tuple[str, ...] = ()
    starts: tuple[WaitingStart, ...] = ()
    """The next first."""
    tree: tuple[ProcessRow, ...] | None = None
    """Every process of its run, parents before children; None where that was not asked for."""
    memories: tuple[MemoryFile, ...] | None = None
    """What it keeps of itself; None where that was not asked for."""
    copy: CopyState | None = None
    """Of an agent of another host: how old this is. None: it lives here."""
    mailbox: Mailbox | None = None
    """Its mails with what they say, of an agent of another host: the fleet has but a few, without that."""
