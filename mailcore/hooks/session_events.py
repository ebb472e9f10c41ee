"""The newest events that an agent's sessions noted in `hooks.jsonl`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailcore.model.agent import Agent
from mailcore.programs.hook_lines import parse_hook
from mailcore.system import safe_open

EVENTS_TAIL = 256 * 1024
"""Bytes of the newest events that are looked through."""


def newest_events(agent: Agent) -> Iterator[Mapping[str, Any]]:
    """The newest events of all the agent's sessions, the newest first."""
    left = EVENTS_TAIL
    for path in (agent.hooks_log, agent.former_hooks_log):
        data = _end_of(path, left)
        left -= len(data)
        for line in reversed(data.splitlines()):
            if line and (event := parse_hook(line)) is not None:
                yield event


def _end_of(path: Path, most: int) -> bytes:
    try:
        descriptor, found = safe_open.descriptor(path)
    except OSError:
        return b""
    try:
        size = min(found.st_size, most)
        return os.pread(descriptor, size, found.st_size - size)
    finally:
        os.close(descriptor)


def last_event(agent: Agent, session: str) -> Mapping[str, Any]:
    """The newest event that one session noted; nothing where none is found."""
    return next((one for one in newest_events(agent) if one.get("session_id") == session), {})
