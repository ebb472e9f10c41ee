"""A run whose directory was removed: the mail to its sender, and the record that the sender was notified.

Nothing is made again in the directory. `.praxmonitor/lost.jsonl` records who was notified: if the directory comes back,
its run is not reported twice, and a task that waited in it is not started.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mailcore.dispatch.queueing.waiting_tasks import LOST_FILE
from mailcore.dispatch.texts import end_mails
from mailcore.formats import journal
from mailcore.formats.timestamps import aipass_time
from mailcore.hosts.directory import find_agent
from mailcore.hosts.membership import is_elsewhere
from mailcore.mail import mailbox, numbers, remote_mail
from mailcore.model.agent import Agent
from mailcore.model.run import Run, from_records
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


def lost_run(agent: Agent, first: Mapping[str, Any], reason: str = "") -> Run | None:
    """The run that began with the record `first`, or waited to begin, as its loss ended it; `reason`: not by that of a
    directory."""
    missing = next((one for one in (agent.branch, agent.mail_dir) if not one.is_dir()), None)
    # Where a mail has made the directory again, only the queue tells that it was away.
    place = f"its directory {missing} is gone" if missing else f"its queue {agent.mail_dir / '.queue.jsonl'} is gone"
    reason = reason or place
    end = {"event": "ended", "at": journal.now(), "outcome": "bounced", "reason": reason}
    return from_records([{**first, "event": "queued"}, end])


def record_lost(workspace: Workspace, agent: Agent, run: Run, queue_id: str, **outcome: str) -> None:
    """Note that its sender was notified, or with `not_woken` or `undelivered` why not; `queue_id` if it waited."""
    record = {"agent": agent.address, "run_id": run.run_id, "to": run.sender, "subject": run.subject}
    record |= {"queue_id": queue_id} if queue_id else {}
    journal.append_record(workspace.state_dir / LOST_FILE, {**record, **outcome})


def is_recorded(workspace: Workspace, run_id: str) -> bool:
    """True if that run was lost, and its sender was notified; what could not be delivered was not."""
    lines = journal.read_records(workspace.state_dir / LOST_FILE)
    return any(line.get("run_id") == run_id and "undelivered" not in line for line in lines)


def mail_loss(workspace: Workspace, agent: Agent, run: Run, task_id: str) -> None:
    """Notify its sender, without a record of the author's own, whose `sent/` is gone."""
    subject, body = end_mails.lost_mail(agent, run)
    message = {
        "timestamp": aipass_time(datetime.now()),
        "from": agent.address,
        "from_name": agent.name,
        "seq": numbers.reserve_numbers(workspace.root),
        "subject": subject,
        "message": body,
        "priority": "normal",
        "auto_execute": False,
        "thread_id": task_id,
        "in_reply_to": task_id,
        "run_ended": str(run.phase),
        "ended_run": run.run_id,
        "status": "new",
        "sent_id": mailbox.new_id(),
    }
    if is_elsewhere(workspace.root, run.sender):
        message_id = remote_mail.put_mail(workspace, find_agent(workspace, run.sender), message)
    else:
        message_id = mailbox.deliver(workspace.agent(run.sender), message)
    audit.record(workspace, agent.address, "send", to=run.sender, id=message_id, subject=subject)
