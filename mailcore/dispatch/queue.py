"""Starts that wait: for the end of the agent's present run, for a release, for a free place. Visible and cancellable.

One file an agent, `.ai_mail.local/.queue.jsonl`; each line is the first record of the run it will become. Wakes without
a task of their own become one run, since the agent reads all its mail at once; tasks stay one run each.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore import audit, journal
from mailcore.codec import dumps_line
from mailcore.dispatch import prompt, waitlist
from mailcore.dispatch.runs import records as run_records
from mailcore.dispatch.runs import run_ids
from mailcore.errors import MailcoreError
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.system import ignored
from mailcore.system.files import read_bytes
from mailcore.system.locks import is_locked, locked, try_lock
from mailcore.system.writing import replace
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
    ignored.make(workspace.state_dir)
    return workspace.state_dir / ".dispatch.flock"


def add(agent: Agent, first: Mapping[str, Any], reason: str) -> None:
    """Queue a start; call it under the gate."""
    record = {"at": journal.now(), **first, "waits": reason, "queue_id": secrets.token_hex(4)}
    journal.append(_path(agent), record)
    waitlist.note(agent, record)


def waits_for(agent: Agent, message_id: str) -> str:
    """What the start of a task waits for; empty if it is not in the queue."""
    found = (str(record.get("waits", "")) for record in _records(agent) if record.get("message_id") == message_id)
    return next(found, "")


def waits(agent: Agent) -> bool:
    """True if a start waits for this agent."""
    return bool(_read(agent))


def put_back(agent: Agent, first: Mapping[str, Any], reason: str) -> None:
    """Queue a start again that was taken and did not begin: it is next, as before; call it under the gate."""
    entry = {**first, "waits": reason, "queue_id": secrets.token_hex(4)}
    _keep(agent, [entry, *_read(agent)])


@contextlib.contextmanager
def claim(agent: Agent, what: str = "queue") -> Iterator[int | None]:
    """Claim to be who does `what` for an agent: a descriptor, None if another does; under the gate.

    `queue`: wait for its branch to become free; its file names the waiter's PID. `clean`: clear away what died there.
    The claim lasts until the last process that has the descriptor closes it.
    """
    descriptor = try_lock(_claims(agent, what))
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def waiter(agent: Agent) -> int:
    """The PID of the process that waits for the agent's branch to become free; 0 if none does. Under the gate."""
    if not is_locked(_claims(agent)):
        return 0
    try:
        return int(read_bytes(_claims(agent)))
    except ValueError:
        return 0


def _claims(agent: Agent, what: str = "queue") -> Path:
    return agent.mail_dir / f".{what}.flock"


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


def bereft(workspace: Workspace) -> list[tuple[Agent, dict[str, Any]]]:
    """The tasks that are noted as waiting, wait in no queue and never began: they went with theirs. Each one's agent.

    Also those of an agent that was taken out of the registry: nothing starts there. Of what cannot be read nothing is
    known to be gone.
    """
    found = []
    lines = [line for line in waitlist.read(workspace.root) if line.get("queue_id")]
    held = {entry.id for entry in waiting(workspace)} if lines else set()
    enrolled = {agent.address for agent in workspace.agents}
    for line in lines:
        agent, queue_id = waitlist.agent_of(workspace, line), str(line["queue_id"])
        with contextlib.suppress(OSError, ValueError):  # ValueError: a path with a NUL
            waits_on = agent.address in enrolled and any(str(r.get("queue_id", "")) == queue_id for r in _read(agent))
            if queue_id not in held and not waits_on and not _began(agent, queue_id):
                found.append((agent, line))
    return found


def _began(agent: Agent, queue_id: str) -> bool:
    """True if a start that waited became a run."""
    runs = (run_records(agent.runs_dir / run_id)[:1] for run_id in reversed(run_ids(agent)))
    return any(str(record.get("queue_id", "")) == queue_id for records in runs for record in records)


def take(agent: Agent) -> dict[str, Any] | None:
    """The next start of an agent, `at` when it was queued, removed from its queue; call it under the gate."""
    records = _read(agent)
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
    return {key: value for key, value in first.items() if key != "waits"}


def cancel(workspace: Workspace, by: str, queue_id: str) -> Waiting:
    """Take one waiting start out of its agent's queue, as `by` asks; its mail stays. MailcoreError if there is none."""
    with locked(gate(workspace)):
        entry = next((entry for entry in waiting(workspace) if queue_id and entry.id == queue_id), None)
        if entry is None:
            said = f"no start of the id {queue_id!r} waits: it began, was cancelled, or never was"
            raise MailcoreError(f"{said}; `mailcore queue` lists what waits", "no_entry")
        drop(entry.agent, queue_id)
    audit.record(workspace, by, "cancel", agent=entry.agent.address, subject=entry.subject)
    return entry


def drop(agent: Agent, queue_id: str = "") -> int:
    """Cancel one waiting start of an agent, or with no id all its wakes; call it under the gate. How many went."""
    records = _read(agent)
    kept = [r for r in records if (r.get("queue_id") != queue_id if queue_id else r.get("message_id"))]
    if len(kept) < len(records):
        _keep(agent, kept)
    return len(records) - len(kept)


def _records(agent: Agent) -> list[dict[str, Any]]:
    try:
        return _read(agent)
    except OSError:
        return []


def _read(agent: Agent) -> list[dict[str, Any]]:
    """What waits, without what its senders were told is lost: that queue was away, and came back."""
    records = journal.read(_path(agent))
    told = waitlist.told(agent.root) if records else set()
    return [record for record in records if str(record.get("queue_id", "")) not in told]


def _keep(agent: Agent, records: list[dict[str, Any]]) -> None:
    waitlist.keep(agent, records)  # first: killed between the two, a start waits on, and is not told as lost
    if records:
        replace(_path(agent), b"".join(dumps_line(record) + b"\n" for record in records))
    else:
        _path(agent).unlink(missing_ok=True)


def _path(agent: Agent) -> Path:
    return agent.mail_dir / ".queue.jsonl"
