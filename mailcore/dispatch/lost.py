"""A directory that went while a run worked there, with the run's journal, its lock, and the tasks that waited.

Nothing of it is made again. Whoever waits for those tasks is told at once, and `.praxmonitor/lost.jsonl` says so: an
orphan that comes back with its directory is then not told of twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from mailcore import audit, journal
from mailcore.config import Config
from mailcore.dispatch import ending, notice
from mailcore.errors import MailcoreError
from mailcore.mail import mailbox, sequence
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.run import Run, from_records
from mailcore.workspace import Workspace

LOST = "lost.jsonl"


def tell(
    workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any], waiting: Sequence[Mapping[str, Any]]
) -> None:
    """Tell of the run whose journal began with `first`, and of the starts that waited behind it; close its row in
    AIPass's register; start what has waited for a free place elsewhere."""
    reason = f"its directory {agent.branch} is gone"
    end = {"event": "ended", "at": journal.now(), "outcome": "bounced", "reason": reason}
    for queued in (first, *waiting):
        run = from_records([{**queued, "event": "queued"}, end])
        if run is None:
            continue
        journal.append(workspace.state_dir / LOST, _told(workspace, config, agent, run, queued))
        if run.run_id:
            with suppress(MailcoreError, OSError):
                ending.tell_aipass(workspace, agent, run)
    with suppress(MailcoreError, OSError):
        ending.start_what_waits(workspace, config, but=agent)


def told(workspace: Workspace, run_id: str) -> bool:
    """True if that run was lost with its directory, and its sender was told."""
    return any(record.get("run_id") == run_id for record in journal.read(workspace.state_dir / LOST))


def _told(workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any]) -> dict[str, Any]:
    """Mail and wake the sender of a task; what became of that."""
    record = {"agent": agent.address, "run_id": run.run_id, "to": run.sender, "subject": run.subject}
    if not run.message_id or not run.sender or run.sender == agent.address:
        return record
    try:
        _mail(workspace, agent, run, str(queued.get("sent_id") or run.message_id))
        if run.sender != OPERATOR and (why_not := ending.wake_back(workspace, config, agent, run, queued)) is not None:
            return {**record, "not_woken": why_not.reason}
    except (MailcoreError, OSError) as error:
        return {**record, "undelivered": str(error)}
    return record


def _mail(workspace: Workspace, agent: Agent, run: Run, task_id: str) -> None:
    """Deliver without a record of the author's own, whose `sent/` is gone."""
    subject, body = notice.lost(agent, run)
    message = {
        "timestamp": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
        "from": agent.address,
        "from_name": agent.name,
        "seq": sequence.take(workspace.root),
        "subject": subject,
        "message": body,
        "priority": "normal",
        "auto_execute": False,
        "thread_id": task_id,
        "in_reply_to": task_id,
        "run_ended": str(run.phase),
        "status": "new",
        "sent_id": mailbox.new_id(),
    }
    message_id = mailbox.deliver(workspace.agent(run.sender), message)
    audit.record(workspace, agent.address, "send", to=run.sender, id=message_id, subject=subject)
