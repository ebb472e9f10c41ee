"""Tasks that are not answered yet, and what else somebody waits for: on which rung each stands, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.config import Mail
from mailcore.dispatch.aipass.monitor_runs import SENT_BEFORE
from mailcore.dispatch.runs.run_list import as_monitored, first_record_of_run, read_run, run_ids
from mailcore.formats import journal
from mailcore.mail import conflicts
from mailcore.mail.ladder import ladder
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.model.run import RUN_ID, Phase, Run
from mailcore.observe.aipass_runs import runs_by_id

AIPASS_NOTICES = "@ai_mail"
"""What AIPass's notices come from: nobody waits for an answer there."""


@dataclass(frozen=True, slots=True)
class OpenTask:
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
    kind: str = "task"
    """`task`, `request` for approval that is not decided, `question`: mail of high priority that nobody answered,
    `mail`: any other that lies open for longer than its priority allows."""


def open_tasks_of(agent: Agent, limits: Mail, now: float) -> Iterator[OpenTask]:
    """The open tasks in an agent's mailbox."""
    barred = conflicts.barred_tasks(agent)
    found = read_mailbox(agent.inbox).messages
    for message in found:
        if (kind := _kind(agent, message)) != "task":
            if kind:
                stands = ladder(message)
                overdue = now - stands.since > limits.rung_limit(message.priority)
                if kind == "mail" and not overdue:
                    continue  # it may well need no answer
                yield OpenTask(agent, message, stands.rung, max(0.0, now - message.at), overdue, kind=kind)
            continue
        if any(_stands_for(other, message) for other in found):
            continue
        run = newest_run_of(agent, message.id) or _foreign(agent, message)
        stands = ladder(message, run)
        overdue = now - stands.since > limits.rung_limit(message.priority)
        run_id = run.run_id if run is not None else ""
        note = barred.get(message.id) or _note(agent, message, run)
        yield OpenTask(agent, message, stands.rung, max(0.0, now - message.at), overdue, note, run_id)


def _kind(agent: Agent, message: Message) -> str:
    """What is waited for; empty for mail that needs no answer: notices, and what nobody asked for urgently."""
    if message.status == "closed":
        return ""
    if message.is_task:
        return "task"
    if message.undecided:
        return "request"
    if (
        message.sender in (agent.address, AIPASS_NOTICES)
        or message.proof == "supervisor"
        or message.raw.get("run_ended")
    ):
        return ""
    # An answer has the priority of what it answers; what was handed up is a question to who got it.
    answers = message.in_reply_to and not str(message.raw.get("upsert_key")).startswith("escalate:")
    if answers or message.ack is not None or message.subject.startswith("RE: "):
        return ""
    return "question" if message.priority == "high" else "mail"


def _stands_for(later: Message, task: Message) -> bool:
    """True if a task was given again: it is in the thread of one that its agent had called blocked or done."""
    return (
        later.is_task
        and task.ack is not None
        and later.sender == task.sender
        and bool(task.thread_id)
        and later.thread_id == task.thread_id
        and (later.at, later.seq) > (task.at, task.seq)
    )


def newest_run_of(agent: Agent, message_id: str) -> Run | None:
    """The newest run that a message's dispatch started."""
    runs = (read_run(agent.runs_dir / run_id) for run_id in reversed(run_ids(agent)))
    return next((run for run in runs if run is not None and run.message_id == message_id), None)


def _foreign(agent: Agent, message: Message) -> Run | None:
    """The newest run that AIPass dispatched for a message: it names no mail, but sender, subject and time."""
    runs = runs_by_id(journal.read_records(agent.root / ".aipass" / "dispatch_register.jsonl")).values()
    fitting = [
        run for run in runs
        if (run.target, run.sender, run.subject) == (agent.address, message.sender, message.subject)
        and not RUN_ID.fullmatch(run.run_id) and int(run.created_at) - SENT_BEFORE <= message.at <= run.created_at
    ]  # fmt: skip
    return as_monitored(max(fitting, key=lambda run: run.created_at)) if fitting else None


def _note(agent: Agent, message: Message, run: Run | None) -> str:
    if message.ack is not None and message.ack.state == "blocked":
        return f"blocked: {message.ack.result}"
    if run is None or not run.phase.ended:
        return ""
    if run.phase is Phase.COMPLETED:
        return _passed_on(agent, run) if run.delegated else "done, no reply"
    return str(run.phase)


def _passed_on(agent: Agent, plan: Run) -> str:
    """What became of work that was passed on: whoever leads it is woken as its parts end, and may have failed."""
    root = first_record_of_run(agent.runs_dir / plan.run_id).get("root") or plan.run_id
    for run_id in reversed(run_ids(agent)):
        if run_id <= plan.run_id:
            break
        first = first_record_of_run(agent.runs_dir / run_id)
        if first.get("root") != root or first.get("message_id"):
            continue
        led = read_run(agent.runs_dir / run_id)
        if led is not None and led.phase.ended and led.phase is not Phase.COMPLETED:
            return f"{led.phase} when it was to go on"
        break
    return "work was passed on"
