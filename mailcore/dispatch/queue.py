"""Starts that wait: for the end of the agent's present run, for a release, for a free place. Visible and cancellable.

One file an agent, `.ai_mail.local/.queue.jsonl`; each line is the first record of the run it will become. Wakes without
a task of their own become one run, since the agent reads all its mail at once; tasks stay one run each.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.dispatch import prompt, waitlist
from mailcore.files import read_bytes
from mailcore.mail.store import dumps_line, is_locked, replace
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wake:
    """One reason to start an agent without a task of its own."""

    why: str
    by: str
    depth: int = 0
    """How deeply automatic wakes are nested; the operator's own are 0."""
    automatic: bool = True
    """Nobody pressed a key for it: breakers may refuse it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One start that waits."""

    id: str
    agent: Agent
    at: float
    subject: str
    sender: str
    reason: str
    """What it waits for."""


def gate(workspace: Workspace) -> Path:
    """The flock under which a lock is tested and a start queued, or a lock released and the queue read."""
    workspace.state_dir.mkdir(exist_ok=True)
    return workspace.state_dir / ".dispatch.flock"


def add(agent: Agent, first: Mapping[str, Any], reason: str) -> None:
    """Queue a start; call it under the gate."""
    record = {"at": journal.now(), **first, "waits": reason, "queue_id": secrets.token_hex(4)}
    journal.append(_path(agent), record)
    waitlist.note(agent, record)


def waits(agent: Agent) -> bool:
    """True if a start waits for this agent."""
    return bool(journal.read(_path(agent)))


def put_back(agent: Agent, first: Mapping[str, Any], reason: str) -> None:
    """Queue a start again that was taken and did not begin: it is next, as before; call it under the gate."""
    entry = {**first, "waits": reason, "queue_id": secrets.token_hex(4)}
    _keep(agent, [entry, *journal.read(_path(agent))])


@contextlib.contextmanager
def claim(agent: Agent) -> Iterator[int | None]:
    """Claim to be who waits for an agent's branch to become free: a descriptor, None if another does; under the gate.

    The claim lasts until the last process that has the descriptor closes it. Its file names the waiter's PID.
    """
    descriptor = os.open(_claims(agent), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield None
    else:
        yield descriptor
    finally:
        os.close(descriptor)


def waiter(agent: Agent) -> int:
    """The PID of the process that waits for the agent's branch to become free; 0 if none does. Under the gate."""
    if not is_locked(_claims(agent)):
        return 0
    try:
        return int(read_bytes(_claims(agent)))
    except ValueError:
        return 0


def _claims(agent: Agent) -> Path:
    return agent.mail_dir / ".queue.flock"


def waiting(workspace: Workspace) -> Iterator[Waiting]:
    """Everything that waits, the oldest first; nothing of an agent whose queue cannot be read."""
    found = [entry for agent in workspace.agents for entry in waiting_for(agent)]
    yield from sorted(found, key=lambda entry: entry.at)


def waiting_for(agent: Agent) -> list[Waiting]:
    """What waits for one agent, the next first; nothing if its queue cannot be read."""
    return [
        Waiting(
            str(record.get("queue_id", "")),
            agent,
            parse_time(record.get("at")),
            str(record.get("subject", "")),
            str(record.get("sender", "")),
            str(record.get("waits", "")),
        )
        for record in _records(agent)
    ]


def take(agent: Agent) -> dict[str, Any] | None:
    """The next start of an agent and `at` when it was queued, removed from its queue; call it under the gate."""
    records = journal.read(_path(agent))
    if not records:
        return None
    first = records[0]
    taken = [first] if first.get("message_id") else [r for r in records if not r.get("message_id")]
    _keep(agent, [record for record in records if record not in taken])
    if len(taken) > 1:
        reasons = list(dict.fromkeys(str(record.get("subject", "")) for record in taken))
        first |= {"subject": " ".join(reasons), "prompt": prompt.wake(agent, " ".join(reasons))}
        depths = (depth for record in taken if isinstance(depth := record.get("depth", 0), int))
        first["depth"] = min(depths, default=0)
    return {key: value for key, value in first.items() if key not in ("waits", "queue_id")}


def drop(agent: Agent, queue_id: str = "") -> int:
    """Cancel one waiting start of an agent, or with no id all its wakes; call it under the gate. How many went."""
    records = journal.read(_path(agent))
    kept = [r for r in records if (r.get("queue_id") != queue_id if queue_id else r.get("message_id"))]
    if len(kept) < len(records):
        _keep(agent, kept)
    return len(records) - len(kept)


def _records(agent: Agent) -> list[dict[str, Any]]:
    try:
        return journal.read(_path(agent))
    except OSError:
        return []


def _keep(agent: Agent, records: list[dict[str, Any]]) -> None:
    if records:
        replace(_path(agent), b"".join(dumps_line(record) + b"\n" for record in records))
    else:
        _path(agent).unlink(missing_ok=True)
    waitlist.keep(agent, records)


def _path(agent: Agent) -> Path:
    return agent.mail_dir / ".queue.jsonl"
