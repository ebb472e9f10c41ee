"""One sign of life of an agent."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What sort of sign. The screen's glyphs and the sounds hang on it."""

    SESSION = "session"
    """The agent's program started or resumed a session."""
    PROMPT = "prompt"
    TOOL = "tool"
    """A tool call began; `tool` names it."""
    TOOL_DONE = "tool_done"
    TOOL_FAILED = "tool_failed"
    THINKING = "thinking"
    MESSAGE = "message"
    WAITING = "waiting"
    """It needs the operator."""
    TURN_END = "turn_end"
    """The turn is over: nothing is expected until the next prompt."""
    COMPACT = "compact"
    """Its context is being compacted: long, silent and healthy."""
    COMPACTED = "compacted"
    SUBAGENT = "subagent"
    """A subagent began."""
    SUBAGENT_DONE = "subagent_done"
    LIMIT = "limit"
    """The service refused for now: a rate limit or overload; the program tries again by itself."""
    LOG = "log"
    WARNING = "warning"
    ERROR = "error"
    MAIL = "mail"
    """A mail arrived for this agent."""
    STARTED = "started"
    """An attempt of a run began."""
    RETRYING = "retrying"
    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"


class Activity(msgspec.Struct, frozen=True, gc=False):
    """Something an agent did, or that happened to it. `text` is untrusted: escape it where it is drawn.

    A struct, for thousands are made a second: a frozen dataclass takes eight times as long to make (1.0 µs), thirty
    times to replace.
    """

    at: float
    agent: str
    """Its address."""
    kind: Kind
    text: str
    source: str
    """Where it was read: `hooks`, `log`, `mail`, `run`, `transcript`."""
    tool: str = ""
    tool_id: str = ""
    session: str = ""
    """Id of the program's session that it belongs to; empty where the source does not say."""
    subagent: str = ""
    """Id of the subagent that did it; empty: the agent itself."""
    before: bool = False
    """It was at `at` or before: a line that reports no time, and stood in its file when that was first seen."""
    timeout: float = 0.0
    """Of a tool call: seconds after which its program ends it, as the call itself says; 0.0: it does not say."""
    writes: tuple[str, ...] = ()
    """Of a tool call: the files that it is about to write, as it names them; what a command line writes is unknown."""
