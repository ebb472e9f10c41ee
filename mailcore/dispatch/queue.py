"""Wakes that wait until an agent's present run is over. Several become one: the agent reads all its mail at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailcore import journal
from mailcore.model.agent import Agent
from mailcore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wake:
    """One reason to start an agent."""

    why: str
    by: str
    depth: int = 0
    """How deeply automatic wakes are nested; the operator's own are 0."""


def gate(workspace: Workspace) -> Path:
    """The flock under which a lock is tested and a wake queued, or a lock released and the queue read."""
    workspace.state_dir.mkdir(exist_ok=True)
    return workspace.state_dir / ".dispatch.flock"


def add(agent: Agent, wake: Wake) -> None:
    """Queue a wake; call it under the gate."""
    journal.append(_path(agent), {"why": wake.why, "by": wake.by, "depth": wake.depth})


def take(agent: Agent) -> Wake | None:
    """All waiting wakes as one, removed from the queue; call it under the gate."""
    records = journal.read(_path(agent))
    _path(agent).unlink(missing_ok=True)
    if not records:
        return None
    reasons = list(dict.fromkeys(str(record.get("why", "")) for record in records))
    depths = [depth for record in records if isinstance(depth := record.get("depth"), int)]
    return Wake(" ".join(reasons), str(records[-1].get("by", "")), min(depths, default=0))


def _path(agent: Agent) -> Path:
    return agent.mail_dir / ".wakes.jsonl"
