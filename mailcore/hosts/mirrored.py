"""What is copied here of an agent of another host: which files, how much of each, and how old that is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from mailcore.model.agent import Agent
from mailcore.system.safe_open import read_bytes

MIRROR_FILE = "mirror.json"
COPIED_BY: Mapping[str, str] = MappingProxyType({"mailbox": "inbox", "logs": "logs"})
"""What can be copied of an agent → the verb that shows the same: the person here signs that."""


_PLACE = re.compile(r"(logs|\.ai_mail\.local(/sent)?)/[A-Za-z0-9_][^/\0-\x1f\x7f]*")
_MOST_NAME = 200
"""Bytes of a name: while a copy is written it has a longer one."""


def may_be_copied(path: str) -> bool:
    """True if a copy of an agent's directory has a place for that file of it, whatever the other host says.

    Both sides ask: what has none is not sent, so that no name which an agent gives a file hides all its others.
    """
    try:
        name = path.rpartition("/")[2].encode()
    except UnicodeEncodeError:
        return False
    return len(name) <= _MOST_NAME and _PLACE.fullmatch(path) is not None


class Copied(msgspec.Struct, frozen=True):
    """What is copied of one file."""

    name: int
    """Tells the file there from another of its path, or from what it was before."""
    begin: int
    """Where in the file there the copy begins."""
    end: int


class Mirror(msgspec.Struct, frozen=True):
    """What is copied of one agent."""

    files: Mapping[str, Copied] = {}
    """By path below its directory."""
    asked: Mapping[str, float] = {}
    """What was asked for → when it came last, seconds since the epoch."""


def read_mirror(agent: Agent) -> Mirror:
    """What is copied of an agent of another host; nothing, where that is not known."""
    try:
        return msgspec.json.decode(read_bytes(agent.branch / MIRROR_FILE, links=False), type=Mirror)
    except (OSError, msgspec.MsgspecError):
        return Mirror()
