"""Where an agent's logs lie, and what stands in them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mailcore.model.activity import Kind


class LogKind(StrEnum):
    """What writes a log."""

    OWN = "log"
    """The agent's own programs: `<branch>/logs/*.log`."""
    STDOUT = "stdout"
    """The standard output of an attempt."""
    STDERR = "stderr"
    HOOKS = "hooks"
    """The agent's hooks, a JSON object a line."""
    SESSION = "session"
    """The file in which its program keeps a session."""


class LogSource(msgspec.Struct, frozen=True):
    """One log of an agent."""

    path: str
    agent: str
    """Its address."""
    kind: LogKind
    run_id: str = ""
    """Of the output of an attempt; empty of the others."""
    attempt: int = 0


class GrowingLog(msgspec.Struct, frozen=True):
    """How fast a log grows."""

    path: str
    rate: float
    """Bytes a second, on an average of the last minute."""
    at: float
    """When it grew last, seconds since the epoch, as each time here."""
    since: float
    """Since when it grows without a pause of a minute."""
    steady: bool
    """It grew in most of that minute, not once."""


class LogEntry(msgspec.Struct, frozen=True):
    """What one event wrote, in one line or many."""

    at: float
    """Seconds since the epoch; of an entry without a time that of the one before it in its file; 0.0: unknown."""
    source: LogSource
    offset: int
    """Bytes before its first line in its file."""
    level: Kind
    """LOG, WARNING or ERROR."""
    lines: tuple[str, ...]
    """As they stand in the file, without their ends; untrusted, escape sequences and all."""
