"""What an agent's work used: tokens and money."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens by their price, and US dollars. Sums with `+`."""

    input: int = 0
    """Tokens read anew."""
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost: float = 0.0
    """US dollars as the program itself reckons them; 0.0 where it does not say."""

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cost + other.cost,
        )

    @property
    def tokens(self) -> int:
        """All of them, whatever they cost."""
        return self.input + self.output + self.cache_read + self.cache_write


class Spent(msgspec.Struct, frozen=True, gc=False):
    """One API message's use, counted once; or what a session's own counter of money went up by."""

    at: float
    agent: str
    """Its address."""
    usage: Usage
    session: str = ""
    model: str = ""
    """Empty where only money is reported."""
    context: int = 0
    """Tokens that fill the context after it; 0 unknown. A subagent's context is its own: 0."""
    window: int = 0
    """Tokens that the context may hold; 0 unknown."""


class Spending(msgspec.Struct, frozen=True, gc=False):
    """What is known of one agent's use."""

    day: str = ""
    """The local date that `today` is of, `2026-11-22`."""
    today: Usage = Usage()
    run_id: str = ""
    """The run that `task` is of."""
    task: Usage = Usage()
    model: str = ""
    """Of the agent's own newest message, as are these:"""
    context: int = 0
    window: int = 0
    at: float = 0.0
    unfinished: bool = False
    """What was used earlier today is still being counted: `today` is too small, and so may be `task`."""
