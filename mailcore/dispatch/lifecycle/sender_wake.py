"""The wake of a sender when its run has ended, and whether the sender was already notified of it in `wait`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailcore.dispatch.admission.hindrances import busy_hindrance
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.texts import end_mails
from mailcore.exceptions import MailcoreError
from mailcore.formats.timestamps import utc_time
from mailcore.mail import active_waits
from mailcore.model.agent import Agent
from mailcore.model.run import Run
from mailcore.workspace.find import Workspace


def wake_of_sender(agent: Agent, run: Run, queued: Mapping[str, Any], mailed: bool) -> queue.Wake:
    """The wake by which the sender of a run learns that it is over; `queued` is the run's first record.

    One that has no mail of it (`mailed`) gets one, should a breaker refuse the wake when its turn comes.
    """
    depth = queued.get("depth")
    nested = depth if isinstance(depth, int) else 0
    # The sender goes on at the level it dispatched from, so that a plan of many phases nests no deeper than one.
    facts = {key: queued[key] for key in ("root",) if key in queued} or {"root": run.run_id}
    facts |= {"about": [str(queued["task"])]} if "task" in queued else {}
    names = [run.message_id, str(queued.get("sent_id") or run.message_id)]
    facts |= {"news": names, "since": utc_time(run.created_at)}
    if not mailed:
        subject, body = end_mails.done_mail(agent, run)
        task_id = str(queued.get("sent_id") or run.message_id)
        thread = {"in_reply_to": task_id, "thread_id": task_id, "run_ended": str(run.phase)}
        facts |= {"notice": {"subject": subject, "body": body, **thread}}
    return queue.Wake(end_mails.wake_reason(agent, run), agent.address, max(0, nested - 1), facts=facts)


def is_sender_notified(workspace: Workspace, run: Run, task_id: str) -> bool:
    """True if the sender has heard in `mailcore wait` what came of its task since the run began, or is about to.

    One that waits within a run of its own is queued for all the same: what it has heard leaves the queue.
    """
    try:
        sender = workspace.agent(run.sender)
    except MailcoreError:
        return False
    names = (run.message_id, task_id)
    if active_waits.was_notified(active_waits.notified_names(sender), names, run.created_at):
        return True
    return busy_hindrance(sender) is None and active_waits.is_waiting_for(sender, names, ("reply", "done"))
