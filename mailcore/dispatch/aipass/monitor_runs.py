"""Runs of AIPass's own monitor, where we act on them: which one it is, what it left running, the report of its end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.aipass import register
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.texts import end_mails, prompt
from mailcore.exceptions import MailcoreError
from mailcore.formats.timestamps import utc_time
from mailcore.mail import lookup, post
from mailcore.mail.aipass_feed import add_feed_line
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.lock import Holder
from mailcore.model.message import Message
from mailcore.model.run import Phase, Run
from mailcore.observe.aipass_runs import KILLED_STATUS, runs_by_id
from mailcore.text.frames import quoted
from mailcore.text.masks import masked
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock

SENT_BEFORE = 60.0
"""A dispatch is registered so many seconds after its mail was written, at most (3 s measured)."""


def current_run(workspace: Workspace, agent: Agent, monitor: int) -> Run | None:
    """The open run of an agent that this monitor owns, as AIPass's register tells; None if it is in no row."""
    runs = runs_by_id(register.register_rows(workspace)).values()
    own = [run for run in runs if run.target == agent.address and run.supervisor_pid == monitor > 0]
    return own[-1] if own and not own[-1].phase.ended else None


def end_leftover(workspace: Workspace, config: Config, agent: Agent) -> Run | None:
    """If the lock is of a monitor that died: end the processes that it left, and return its run.

    Its end is to be reported with `end_monitor_run`.
    """
    lock = read_lock(agent.dispatch_lock)
    if lock is None or lock.holder is not Holder.DEAD or lock.run_id:
        return None
    run = current_run(workspace, agent, lock.pid)
    if run is not None:
        run_processes.stop_processes(lambda: run_processes.session_members(0, run.run_id), config.dispatch.stop_grace)
    return run


def end_monitor_run(workspace: Workspace, agent: Agent, run: Run, by: str, reason: str = "") -> None:
    """Close the run's row and write its report, as its monitor can no more; mail whoever dispatched it.

    Its processes are ended by now: what cannot be reported must not make that look undone, and is left to the audit.
    """
    task = task_message(agent, run)
    phase = Phase.KILLED if by else Phase.BOUNCED
    ended = replace(run, phase=phase, by=by, reason=reason, since=time.time(), message_id=task.id if task else "")
    try:
        _close(workspace, agent, ended)
        if run.sender not in ("", by, agent.address):
            mail = (
                end_mails.killed_mail(agent, ended)
                if by
                else end_mails.bounce_mail(agent, ended, agent.runs_dir / run.run_id)
            )
            name = (task.sent_id or task.id) if task is not None else ""
            thread = {"in_reply_to": name, "thread_id": name} if name else {}
            sent = post.send_mail(
                workspace, agent.address, [run.sender], *mail, extra={**thread, "run_ended": str(phase)}
            )
            if sent and not sent[0].delivered:
                raise MailcoreError(sent[0].error)
    except (OSError, MailcoreError) as error:
        audit.record(workspace, agent.address, "untold", run=run.run_id, to=run.sender, error=str(error))


def _close(workspace: Workspace, agent: Agent, run: Run) -> None:
    status = f"{KILLED_STATUS} by {run.by}" if run.by else f"FAILED ({run.reason})"
    report = {
        "sender": run.sender,
        "target": agent.address,
        "dispatched_at": utc_time(run.created_at),
        "duration_s": round(run.duration, 1),
        "exit_code": None,
        "result_excerpt": "",
    }
    path = register.record_closed(workspace, run.run_id, status, report)
    add_feed_line(
        workspace.aipass_dir, "dispatch", f"{agent.address} {status}", run.subject, agent.address[1:],
        dispatch_id=run.run_id, sender=run.sender, report_path=str(path),
    )  # fmt: skip


def task_message(agent: Agent, run: Run) -> Message | None:
    """The mail that this run was dispatched for: open or closed, from its sender, with its subject, of its time."""
    mails = [
        *read_mailbox(agent.inbox).messages,
        *(Message.from_json(raw) for _, raw in lookup.archived_messages(agent)),
    ]
    fitting = [
        mail for mail in mails
        if mail.is_task and (mail.sender, mail.subject) == (run.sender, run.subject)
        and int(run.created_at) - SENT_BEFORE <= mail.at <= run.created_at
    ]  # fmt: skip
    return max(fitting, key=lambda mail: mail.at, default=None)


def record_to_repeat(agent: Agent, run: Run) -> dict[str, Any]:
    """The first record of a run of ours that does what this one was to do: its mail, or a wake if there is none."""
    task = task_message(agent, run)
    fields = {"sender": run.sender, "subject": run.subject}
    if task is None:
        what = quoted(run.subject) if run.subject else "look at your mail"
        why = f"Your last run, started by another program, is to be done again: {what}."
        return {**fields, "subject": run.subject or why, "message_id": "", "prompt": prompt.wake_prompt(agent, why)}
    words = prompt.task_prompt(agent, task.id, run.sender, run.subject)
    return {**fields, "message_id": task.id, "sent_id": task.sent_id, "prompt": words, "text": masked(task.body)[:4000]}
