"""The tasks that wait in the agents' queues, noted once more outside their directories: who waits for them is known
when a directory goes, and the queue with it. `dispatch.queue` keeps it; wakes, for which nobody waits, are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.mail.store import dumps_line, replace
from mailcore.model.agent import Agent
from mailcore.workspace import Workspace

MOVED = 1.0
"""A directory that is back within so many seconds was only moved about."""
KEPT = ("at", "sender", "subject", "message_id", "sent_id", "depth")
"""What of a start's record is noted."""


def note(agent: Agent, first: Mapping[str, Any]) -> None:
    """Add a start that was queued; call it under the gate."""
    with suppress(OSError):  # the queue has it: it waits, and goes unheard only with its directory
        if first.get("message_id"):
            journal.append(_path(agent.root), _line(agent, first))


def keep(agent: Agent, records: Sequence[Mapping[str, Any]]) -> None:
    """Let these be the starts that wait for an agent; call it under the gate."""
    with suppress(OSError):
        lines = journal.read(_path(agent.root))
        others = [line for line in lines if line.get("agent") != agent.address]
        _write(agent.root, lines, [*others, *(_line(agent, one) for one in records if one.get("message_id"))])


def bereft(workspace: Workspace) -> list[tuple[Agent, dict[str, Any]]]:
    """The tasks whose agents' directories are gone at this moment, and with them their queues."""
    return [(agent, line) for line in journal.read(_path(workspace.root)) if (agent := _gone(workspace, line))]


def strike(workspace: Workspace) -> list[tuple[Agent, dict[str, Any]]]:
    """`bereft`, and they are noted no more: whoever calls tells of them. Call it under the gate."""
    found, lines = bereft(workspace), journal.read(_path(workspace.root))
    gone = [line for _, line in found]
    _write(workspace.root, lines, [line for line in lines if line not in gone])
    return found


def _gone(workspace: Workspace, line: Mapping[str, Any]) -> Agent | None:
    """The agent of a task whose directory is gone, be it in the registry still or not."""
    agent = Agent(
        str(line.get("agent", "")), str(line.get("name", "")), Path(str(line.get("branch", ""))), root=workspace.root
    )
    return None if agent.mail_dir.is_dir() else agent


def _line(agent: Agent, first: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: first[key] for key in KEPT if key in first}
    return {**kept, "agent": agent.address, "name": agent.name, "branch": str(agent.branch)}


def _write(root: Path, before: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
    if not lines:
        _path(root).unlink(missing_ok=True)
    elif lines != before:
        replace(_path(root), b"".join(dumps_line(line) + b"\n" for line in lines))


def _path(root: Path) -> Path:
    return root / ".praxmonitor" / "waiting.jsonl"
