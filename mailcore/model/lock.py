"""A branch's lock, and what is known of the process that it names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Holder(StrEnum):
    """What is known of the process that a lock names."""

    ALIVE = "alive"
    DEAD = "dead"
    """Gone, a zombie, or its PID now belongs to another process."""
    UNKNOWN = "unknown"
    """The lock is half-written and young: someone is about to name themselves."""
    ELSEWHERE = "elsewhere"
    """In another PID namespace or on another machine: from here it can be neither seen nor ended, nor called dead."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A branch's `.dispatch.lock` (contract section 4), ours or AIPass's."""

    pid: int
    at: float
    subject: str = ""
    start_ticks: int = 0
    """0 where another program wrote the lock."""
    boot_id: str = ""
    nonce: str = ""
    run_id: str = ""
    holder: Holder = Holder.ALIVE
    namespace: str = ""
    """The PID namespace in which `pid` names that process; empty where another program wrote the lock."""
    host: str = ""
    """The machine that it runs on, as it calls itself."""
    sentinel: int = 0
    """The PID of the process that stands by the supervisor, and acts when it dies; 0 where there is none."""
    sentinel_ticks: int = 0

    @property
    def runs(self) -> bool:
        """Somebody works there, here or elsewhere."""
        return self.holder in (Holder.ALIVE, Holder.ELSEWHERE)
