"""Errors that agents' logs, tools and results report, and groups of those that are one error."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ErrorOrigin(StrEnum):
    """Where an error was read."""

    LOG = "log"
    STDOUT = "stdout"
    STDERR = "stderr"
    TOOL = "tool"
    """A tool call that failed."""
    RESULT = "result"
    """What an agent's program said at its end."""


class Severity(StrEnum):
    """How bad an error is."""

    ERROR = "error"
    FATAL = "fatal"
    """What wrote it ended by it: a panic, an uncaught exception, a signal."""


class StackFrame(msgspec.Struct, frozen=True):
    """One frame of a traceback. All its text is untrusted."""

    file: str
    """As the traceback writes it."""
    line: int = 0
    """0: it does not say."""
    function: str = ""


class ErrorEvent(msgspec.Struct, frozen=True):
    """One error, as it was reported once. All its text is untrusted."""

    at: float
    """Seconds since the epoch."""
    agent: str
    """The address of whose log or tool reported it."""
    kind: str
    """What reports in this form: python, node, go, rust, java, shell, make, pytest, npm, log, tool, …"""
    title: str
    """What was wrong, on one line: `ValueError: invalid literal for int()`."""
    severity: Severity = Severity.ERROR
    frames: tuple[StackFrame, ...] = ()
    """The innermost last."""
    sample: tuple[str, ...] = ()
    """Its lines as they stood, the first ones of many."""
    origin: ErrorOrigin = ErrorOrigin.LOG
    path: str = ""
    """The file that it was read in."""
    offset: int = -1
    """Bytes before its first line in that file; -1: unknown."""
    run_id: str = ""


class GroupState(StrEnum):
    """What is done about a group."""

    NEW = "new"
    INVESTIGATING = "investigating"
    """An agent was told of it, and has not answered yet."""
    MUTED = "muted"
    RESOLVED = "resolved"
    BACK = "back"
    """It was resolved, and came again."""


class GroupEntry(msgspec.Struct, frozen=True):
    """What was done about a group, and when."""

    at: float
    """Seconds since the epoch."""
    what: str
    by: str = ""
    """The address of who did it; empty: the watcher itself."""


class ErrorGroup(msgspec.Struct, frozen=True):
    """Errors that are one by their fingerprint."""

    fingerprint: str
    title: str
    """That of its newest event; untrusted."""
    kind: str
    severity: Severity
    state: GroupState
    count: int
    first_at: float
    """Seconds since the epoch, as each time here."""
    last_at: float
    agents: tuple[tuple[str, int], ...] = ()
    """(address, how many of them), the most first."""
    runs: tuple[str, ...] = ()
    """The newest runs in which it happened, the last one last."""
    recent: tuple[float, ...] = ()
    """When the newest of them happened."""
    sample: ErrorEvent | None = None
    """The newest."""
    owner: str = ""
    """Who is asked to look at it; empty: not decided yet."""
    owner_why: str = ""
    message_id: str = ""
    """The mail by which it was asked, as its sender's record names it; its thread goes on when the error comes back."""
    asked_at: float = 0.0
    """When its owner was asked last; 0.0: never."""
    asks: int = 0
    """How often it was asked; each time it waits twice as long until the next."""
    asked_run: str = ""
    """The run that was started to look at it; empty where it was asked by mail alone."""
    muted_until: float = 0.0
    """0.0: until it is unmuted."""
    resolution: str = ""
    """What was done about it; untrusted."""
    resolved_at: float = 0.0
    earlier_resolution: str = ""
    """What was done the time before, after which it came back; it counts again where it is not over after all."""
    earlier_resolved_at: float = 0.0
    """When that was; 0.0: never."""
    came_back_at: float = 0.0
    """When it came back last after it was resolved; 0.0: it did not."""
    returns: int = 0
    """How often it came back after it was resolved."""
    history: tuple[GroupEntry, ...] = ()

    @property
    def reporters(self) -> tuple[str, ...]:
        """Addresses of the agents that reported it, the one of the newest event first."""
        newest = (self.sample.agent,) if self.sample is not None else ()
        return tuple(dict.fromkeys((*newest, *(address for address, _ in self.agents))))

    @property
    def unmuted_state(self) -> GroupState:
        """As it would stand, had it not been muted."""
        return self.acted_state if self.state is GroupState.MUTED else self.state

    @property
    def acted_state(self) -> GroupState:
        """What it came to by what was done about it, and when."""
        if self.resolved_at and self.asked_at <= self.resolved_at:
            return GroupState.BACK if self.came_back_at > self.resolved_at else GroupState.RESOLVED
        return GroupState.INVESTIGATING if self.asked_at else GroupState.NEW

    def state_at(self, now: float) -> GroupState:
        """Its state at `now` (seconds since the epoch): a mute ends by time alone."""
        over = self.state is GroupState.MUTED and 0.0 < self.muted_until <= now
        return self.unmuted_state if over else self.state


class ErrorGroups(msgspec.Struct, frozen=True):
    """What is known of all errors of a workspace."""

    groups: tuple[ErrorGroup, ...] = ()
    trouble: str = ""
    """Why they cannot be read: the file, the cause, what to do; `groups` are those that were read before."""
    warnings: int = 0
    """How many warnings the logs told. They are no errors."""
    breaker_at: float = 0.0
    """Since when no agent is asked about an error, as too many were; 0.0: they are."""
