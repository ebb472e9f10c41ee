"""A second record of the tasks that wait in the agents' queues, outside their directories.

With it the senders are still known when a queue is removed, with its directory or alone. `queue` writes it; wakes, for
which nobody waits, are not in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.dispatch.queueing.branch_gate import waiting_list_lock
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.json_codec import dumps_line
from mailcore.model.agent import Agent
from mailcore.system.writing import replace
from mailcore.workspace.find import Workspace

MOVE_GRACE = 1.0
"""A directory that is back within so many seconds was only moved about."""
RECORDED_KEYS = ("queue_id", "at", "sender", "subject", "message_id", "sent_id", "depth")
"""What of a start's record is noted."""
LOST_FILE = "lost.jsonl"
"""Of what was lost and who was notified: `dispatch.lifecycle.lost_directory` writes it."""


def record_waiting(workspace: Workspace, agent: Agent, first: Mapping[str, Any]) -> None:
    """Add a start that was queued."""
    if first.get("message_id"):
        with suppress(OSError, MailcoreError), waiting_list_lock(workspace):
            # Where that fails the queue has it: it waits, and goes unheard only with its directory.
            journal.append_record(_path(agent.root), _line(agent, first))


def set_waiting(workspace: Workspace, agent: Agent, records: Sequence[Mapping[str, Any]]) -> None:
    """Let these be the starts that wait for an agent; call it under its gate."""
    with suppress(OSError, MailcoreError), waiting_list_lock(workspace):
        lines = read_waiting(agent.root)
        others = [line for line in lines if line.get("agent") != agent.address]
        _write(agent.root, lines, [*others, *(_line(agent, one) for one in records if one.get("message_id"))])


def read_waiting(root: Path) -> list[dict[str, Any]]:
    """The lines of a workspace."""
    return journal.read_records(_path(root))


def remove_waiting(workspace: Workspace, queue_id: str) -> None:
    """Note a start no more."""
    with waiting_list_lock(workspace):
        lines = read_waiting(workspace.root)
        _write(workspace.root, lines, [line for line in lines if str(line.get("queue_id")) != queue_id])


def agent_of(workspace: Workspace, line: Mapping[str, Any]) -> Agent:
    """The agent of a line: as the registry has it now, wherever it moved; else as it was when the task was queued."""
    address = str(line.get("agent", ""))
    enrolled = next((agent for agent in workspace.agents if agent.address == address), None)
    branch = workspace.root / str(line.get("branch", ""))
    return enrolled or Agent(address, str(line.get("name", "")), branch, root=workspace.root)


def reported_lost_ids(root: Path) -> set[str]:
    """The ids of the starts whose senders heard that they are lost: should their queue come back, they stay so.

    None where that cannot be read.
    """
    try:
        lines = journal.read_records(root / ".praxmonitor" / LOST_FILE)
    except OSError:
        return set()
    return {str(line.get("queue_id", "")) for line in lines if "undelivered" not in line} - {""}


def _line(agent: Agent, first: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key: first[key] for key in RECORDED_KEYS if key in first}
    return {**fields, "agent": agent.address, "name": agent.name, "branch": os.path.relpath(agent.branch, agent.root)}


def _write(root: Path, before: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
    if not lines:
        _path(root).unlink(missing_ok=True)
    elif lines != before:
        replace(_path(root), b"".join(dumps_line(line) + b"\n" for line in lines), durable=False)


def _path(root: Path) -> Path:
    return root / ".praxmonitor" / "waiting.jsonl"
