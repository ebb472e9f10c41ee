"""Notify those who gave a task to an orchestrator that cannot go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed

from mailcore.dispatch.runs import run_end
from mailcore.dispatch.runs.run_list import journal_records, run_ids
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import FINAL
from mailcore.model.run import Run, from_records
from mailcore.workspace.find import Workspace


def notify_task_givers(
    workspace: Workspace, orchestrator: Agent, run: Run, mail: tuple[str, str] | None, again: bool
) -> None:
    """Notify whoever gave an orchestrator a task that it passed on, and now cannot go on with, as `run` shows.

    It was woken since a part of its plan is over, or should have been: its own senders would wait for ever.
    """
    notified = {orchestrator.address, run.by}
    for plan, task_id in _open_plans(orchestrator):
        if mail is None or plan.sender in notified or (again and run_end.is_end_mailed(workspace, run, plan.sender)):
            continue
        notified.add(plan.sender)
        subject, body = mail
        why = f"{orchestrator.address} was to go on with {plan.subject!r}, whose parts it had passed on.\n\n{body}"
        run_end.send_end_mail(workspace, orchestrator, changed(run, sender=plan.sender), task_id, (subject, why))


def _open_plans(agent: Agent) -> Iterator[tuple[Run, str]]:
    """The runs of an agent whose tasks it passed on and has not answered, the newest first; each task's sent id."""
    mails = read_mailbox(agent.inbox).messages
    waiting = {mail.id for mail in mails if mail.ack is None or mail.ack.state not in FINAL}
    for run_id in reversed(run_ids(agent)):
        found = journal_records(agent.runs_dir / run_id)
        run = from_records(found)
        if run is not None and run.delegated and not run.replied and run.message_id in waiting:
            yield run, str(found[0].get("sent_id") or run.message_id)
