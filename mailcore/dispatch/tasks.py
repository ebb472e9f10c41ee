"""Tasks that are not answered yet: on which rung each stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.config import Mail
from mailcore.dispatch.runs import read_run, run_ids
from mailcore.mail import conflict
from mailcore.mail.ladder import ladder
from mailcore.mail.reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.model.run import Phase, Run


@dataclass(frozen=True, slots=True)
class Task:
    """One open task."""

    agent: Agent
    message: Message
    rung: str
    age: float
    """Seconds since it was sent."""
    overdue: bool
    """It stands on its rung longer than its priority allows."""
    note: str = ""
    """`done, no reply`, `bounced`, `killed`, `blocked: …`; empty where all is well."""
    run_id: str = ""
    """Of the newest run that it started."""


def tasks_of(agent: Agent, limits: Mail, now: float) -> Iterator[Task]:
    """The open tasks in an agent's mailbox."""
    barred = conflict.barred(agent)
    for message in read_mailbox(agent.inbox).messages:
        if not message.is_task:
            continue
        run = run_of(agent, message.id)
        stands = ladder(message, run)
        overdue = now - stands.since > limits.rung_limit(message.priority)
        run_id = run.run_id if run is not None else ""
        note = barred.get(message.id) or _note(message, run)
        yield Task(agent, message, stands.rung, max(0.0, now - message.at), overdue, note, run_id)


def run_of(agent: Agent, message_id: str) -> Run | None:
    """The newest run that a message's dispatch started."""
    runs = (read_run(agent.runs_dir / run_id) for run_id in reversed(run_ids(agent)))
    return next((run for run in runs if run is not None and run.message_id == message_id), None)


def _note(message: Message, run: Run | None) -> str:
    if message.ack is not None and message.ack.state == "blocked":
        return f"blocked: {message.ack.result}"
    if run is None or not run.phase.ended:
        return ""
    if run.phase is Phase.COMPLETED:
        return "work was passed on" if run.delegated else "done, no reply"
    return str(run.phase)
