"""Starts that wait: for the end of the agent's present run, for a release, for a free place. Visible and cancellable.

One file an agent, `.ai_mail.local/.queue.jsonl`; each line is the first record of the run it will become. The next is
the one of the highest priority, then the oldest; but a priority is worth only some seconds of age (PRIORITY_SECONDS),
so that nothing waits for ever; what was moved (`queue_moves`) stands where it was put. Wakes without a task of their
own become one run, since the agent reads all its mail at once; tasks stay one run each. An entry leaves the queue when
the journal of its run has its first line, never before.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.dispatch.queueing import dropped_starts, waiting_tasks
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs.run_list import first_record_of_run, run_ids
from mailcore.dispatch.texts import prompt
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.json_codec import dumps_line
from mailcore.mail import active_waits, conflicts
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.system import safe_open
from mailcore.system.lock_holder import holder_of
from mailcore.system.locks import is_locked, newest_lock_file, try_lock
from mailcore.system.writing import replace
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

PRIORITY_SECONDS = {"high": 900.0, "low": -900.0}
"""Seconds of age that a priority is worth; normal none."""


@dataclass(frozen=True, slots=True)
class Wake:
    """One reason to start an agent without a task of its own."""

    why: str
    by: str
    depth: int = 0
    """How deeply automatic wakes are nested; the operator's own are 0."""
    automatic: bool = True
    """Nobody pressed a key for it: breakers may refuse it."""
    priority: str = "normal"
    facts: Mapping[str, Any] | None = None
    """What else the first record of its run is to hold."""


@dataclass(frozen=True, slots=True)
class WaitingStart:
    """One start that waits."""

    id: str
    agent: Agent
    at: float
    subject: str
    sender: str
    reason: str
    """What it waits for."""
    rank: float = 0.0
    """The lowest is next."""
    message_id: str = ""
    """The mail of its task; empty of a wake."""


def add_start(workspace: Workspace, agent: Agent, first: Mapping[str, Any], reason: str) -> str:
    """Queue a start, durably, and return its id; call it under the agent's gate."""
    record = {"at": journal.now(), **first, "waits": reason, "queue_id": os.urandom(4).hex()}
    journal.append_record(_path(agent), record, durable=True)
    waiting_tasks.record_waiting(workspace, agent, record)
    return str(record["queue_id"])


def wait_reason(agent: Agent, message_id: str) -> str:
    """What the start of a task waits for; empty if it is not in the queue."""
    found = (str(record.get("waits", "")) for record in _records(agent) if record.get("message_id") == message_id)
    return next(found, "")


def entries(agent: Agent) -> list[dict[str, Any]]:
    """The first records of the runs that wait for this agent, the next first."""
    return _read(agent)


def is_any_waiting(agent: Agent) -> bool:
    """True if a start waits for this agent."""
    return bool(_read(agent))


def put_back_starts(workspace: Workspace, agent: Agent, records: Collection[Mapping[str, Any]], reason: str) -> None:
    """Queue starts again that were removed and did not begin, with the age that they had; call it under the gate."""
    again = [{**record, "waits": reason, "queue_id": os.urandom(4).hex()} for record in records]
    set_entries(workspace, agent, [*again, *_read(agent)])


@contextlib.contextmanager
def claim(agent: Agent, what: str = "queue") -> Iterator[int | None]:
    """Claim to be who does `what` for an agent: a descriptor, None if another does.

    `queue`: wait for its branch to become free; its file names the waiter. `clean`: clear away what died there. The
    claim lasts until the last process that has the descriptor closes it.
    """
    descriptor = try_lock(_claims(agent, what), own=True)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def waiter_pid(agent: Agent) -> int:
    """The PID of the process that waits for the agent's branch to become free; 0 if none does."""
    if not is_locked(_claims(agent), own=True):
        return 0
    with contextlib.suppress(OSError), safe_open.open_regular(newest_lock_file(_claims(agent))) as file:
        return holder_of(file.fileno())
    return 0


def _claims(agent: Agent, what: str = "queue") -> Path:
    return agent.mail_dir / f".{what}.flock"


def all_waiting(workspace: Workspace) -> Iterator[WaitingStart]:
    """Everything that waits, the next first; nothing of an agent whose queue cannot be read."""
    found = [entry for agent in workspace.agents for entry in waiting_starts(agent)]
    yield from sorted(found, key=lambda entry: entry.rank)


def waiting_starts(agent: Agent) -> list[WaitingStart]:
    """What waits for one agent, the next first; nothing if its queue cannot be read."""
    return [
        WaitingStart(
            str(record.get("queue_id", "")),
            agent,
            parse_time(record.get("at")),
            str(record.get("subject", "")),
            str(record.get("sender", "")),
            str(record.get("waits", "")),
            place_of(record),
            str(record.get("message_id") or ""),
        )
        for record in _records(agent)
    ]


def place_of(record: Mapping[str, Any]) -> float:
    """Where a start stands: the lowest is next. Its `rank`, if it was moved, else by its age and priority."""
    moved = record.get("rank")
    if isinstance(moved, int | float) and not isinstance(moved, bool) and math.isfinite(moved):
        return float(moved)
    return parse_time(record.get("at")) - PRIORITY_SECONDS.get(str(record.get("priority")), 0.0)


def lost_tasks(workspace: Workspace) -> list[tuple[Agent, dict[str, Any]]]:
    """The tasks that are noted as waiting, wait in no queue and never began: they went with theirs. Each one's agent.

    Also those of an agent that was taken out of the registry: nothing starts there. Of what cannot be read nothing is
    known to be gone.
    """
    found = []
    lines = [line for line in waiting_tasks.read_waiting(workspace.root) if line.get("queue_id")]
    present = {entry.id for entry in all_waiting(workspace)} if lines else set()
    enrolled = {agent.address for agent in workspace.agents}
    for line in lines:
        agent, queue_id = waiting_tasks.agent_of(workspace, line), str(line["queue_id"])
        with contextlib.suppress(OSError, ValueError):  # ValueError: a path with a NUL
            waits_on = agent.address in enrolled and any(str(r.get("queue_id", "")) == queue_id for r in _read(agent))
            if queue_id not in present and not waits_on and not _began(agent, queue_id):
                found.append((agent, line))
    return found


def _began(agent: Agent, queue_id: str) -> bool:
    """True if a start that waited became a run."""
    return any(queue_id in _ids(first_record_of_run(agent.runs_dir / run_id)) for run_id in reversed(run_ids(agent)))


def _ids(first: Mapping[str, Any]) -> set[str]:
    """The entries that became a run, by its first record."""
    every = first.get("queue_ids")
    return {str(first.get("queue_id", "")), *(map(str, every) if isinstance(every, list) else ())} - {""}


def next_start(agent: Agent) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The first record of the run that starts next at an agent, and the entries that it takes; None if nothing waits.

    What has begun by now, and was not removed since whoever began it died, is none.
    """
    records = _read(agent)
    if not records:
        return None, []
    newest_run = run_ids(agent)[-1:]
    started = _ids(first_record_of_run(agent.runs_dir / newest_run[0])) if newest_run else set()
    barred = conflicts.barred_tasks(agent)
    records = [r for r in records if str(r.get("queue_id", "")) not in started and r.get("message_id") not in barred]
    if not records:
        return None, []
    first = dict(records[0])
    taken = records[:1] if first.get("message_id") else [r for r in records if not r.get("message_id")]
    if len(taken) > 1:
        reasons = list(dict.fromkeys(str(record.get("subject", "")) for record in taken))
        first |= {"subject": " ".join(reasons), "prompt": prompt.wake_prompt(agent, " ".join(reasons))}
        depths = (depth for record in taken if isinstance(depth := record.get("depth", 0), int))
        first |= {"depth": min(depths, default=0), "queue_ids": [str(record.get("queue_id", "")) for record in taken]}
        first |= {"about": [one for record in taken for one in _list(record.get("about"))]}
        # One of them that a person asked for lets the run begin.
        first["automatic"] = all(record.get("automatic") for record in taken)
    return {key: value for key, value in first.items() if key not in ("at", "waits", "rank")}, taken


def run_of_entry(agent: Agent, queue_id: str) -> str:
    """The id of the run that a start which waited became, if that is the newest; empty if it is not."""
    newest_run = run_ids(agent)[-1:]
    first = first_record_of_run(agent.runs_dir / newest_run[0]) if newest_run else {}
    return newest_run[0] if queue_id in _ids(first) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def remove_entries(workspace: Workspace, agent: Agent, taken: Collection[Mapping[str, Any]]) -> None:
    """Take entries out of an agent's queue; call it under the gate."""
    ids = {str(record.get("queue_id", "")) for record in taken}
    set_entries(workspace, agent, [record for record in _read(agent) if str(record.get("queue_id", "")) not in ids])


def cancel_start(workspace: Workspace, by: str, queue_id: str) -> WaitingStart:
    """Take one waiting start out of its agent's queue, as `by` asks; its mail stays, and its sender is notified.

    MailcoreError if there is none.
    """
    entry = next((entry for entry in all_waiting(workspace) if queue_id and entry.id == queue_id), None)
    if entry is not None:
        with gate(workspace, entry.agent):
            taken = drop_starts(workspace, entry.agent, queue_id)
    if entry is None or not taken:
        raise not_waiting(queue_id)
    audit.record(workspace, by, "cancel", agent=entry.agent.address, subject=entry.subject)
    dropped_starts.notify_cancelled(workspace, entry.agent, taken, by)
    return entry


def not_waiting(queue_id: str) -> MailcoreError:
    """What is raised where no start of that id waits."""
    text = f"no start of the id {queue_id!r} waits: it began, was cancelled, or never was"
    return MailcoreError(f"{text}; `mailcore queue` lists what waits", "no_entry")


def forget_notified(workspace: Workspace, agent: Agent) -> None:
    """Take out of an agent's queue what it need not be woken for, since it has heard of it."""
    if not _path(agent).exists():
        return
    with gate(workspace, agent):
        set_entries(workspace, agent, _read(agent))


def drop_starts(workspace: Workspace, agent: Agent, queue_id: str = "") -> list[dict[str, Any]]:
    """Cancel one waiting start of an agent, or with no id all its wakes; call it under the gate. What went, of which
    `dropped_starts.notify_cancelled` tells."""
    records = _read(agent)
    dropped = [r for r in records if (r.get("queue_id") == queue_id if queue_id else not r.get("message_id"))]
    if dropped:
        set_entries(workspace, agent, [r for r in records if r not in dropped])
    return dropped


def _records(agent: Agent) -> list[dict[str, Any]]:
    try:
        return _read(agent)
    except OSError:
        return []


def _read(agent: Agent) -> list[dict[str, Any]]:
    """What waits, the next first, without what was reported to its senders as lost: that queue was away, and came back.

    Nor is a wake among it for news that the agent has heard meanwhile in `mailcore wait`.
    """
    records = journal.read_records(_path(agent))
    lost = waiting_tasks.reported_lost_ids(agent.root) if records else set()
    notified = active_waits.notified_names(agent) if any("news" in record for record in records) else {}
    return sorted(
        (
            record
            for record in records
            if str(record.get("queue_id", "")) not in lost
            and not (
                notified and active_waits.was_notified(notified, record.get("news"), parse_time(record.get("since")))
            )
        ),
        key=place_of,
    )


def set_entries(workspace: Workspace, agent: Agent, records: list[dict[str, Any]]) -> None:
    """Let these be what waits for an agent; call it under the gate."""
    waiting_tasks.set_waiting(
        workspace, agent, records
    )  # first: killed between the two, a start waits on, and is not reported as lost
    if records:
        replace(_path(agent), b"".join(dumps_line(record) + b"\n" for record in records))
    else:
        _path(agent).unlink(missing_ok=True)


def _path(agent: Agent) -> Path:
    return agent.mail_dir / ".queue.jsonl"
