"""The files that agents' tools write."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class FileWrite(msgspec.Struct, frozen=True, gc=False):
    """A file that an agent's tools wrote."""

    path: str
    """Where it lies in the project's own checkout, absolute: that of the same name, if the agent works in a worktree.
    Untrusted text."""
    first: float
    """When it was written first, and last, seconds since the epoch."""
    last: float


class SharedFile(NamedTuple):
    """A file that two agents changed."""

    path: str
    """As seen from the project's directory. Untrusted text."""
    first: str
    """Who changed it first: the address."""
    second: str
    since: float
    """When the second changed it first."""
    until: float
    """From then on it is past."""
    apart: bool
    """They work in different working trees: both changes stand, and will have to be merged."""
