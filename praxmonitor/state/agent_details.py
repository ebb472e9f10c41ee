"""What is known of the agent in view alone."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class AgentDetails:
    """What is read only of the agent in view: its process tree, the starts that wait for it, the end of its log."""

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
    """The oldest first."""
