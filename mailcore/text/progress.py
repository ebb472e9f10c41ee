"""How far long work is, for whoever wants to know: `step` costs next to nothing where nobody listens."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

listener: ContextVar[Callable[[str], None] | None] = ContextVar("progress", default=None)
"""Who is told of each step; None where nobody is."""


def step(what: str, done: int = 0, total: int = 0) -> None:
    """Say what is being done, and how many of how many are. `what` may hold others' text."""
    tell = listener.get()
    if tell is not None:
        tell(f"{what}: {done:,} of {total:,}" if total else what)
