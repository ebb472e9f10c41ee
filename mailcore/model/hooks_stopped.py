"""A session that goes on while its hooks, which told of its tool calls before, tell nothing more."""

from __future__ import annotations

import msgspec


class HooksStopped(msgspec.Struct, frozen=True):
    """As it was when that was noticed."""

    session: str
    """Id of the program's session; untrusted text."""
    last: float
    """When the newest hook event came, in seconds since the epoch."""
    calls: int
    """How many tool calls its session file has reported since."""
    at: float
    """When the newest of them began."""
