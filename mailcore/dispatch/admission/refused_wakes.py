"""Notify those concerned of a wake that a breaker refused and that has left its queue.

The agent finds in its mail what it would have been woken for. The operator, whose act alone lets the agent start again,
is notified once, until a person has started it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from mailcore.dispatch.admission import breakers
from mailcore.dispatch.admission.nesting import ChainPlace
from mailcore.dispatch.queueing import dropped_starts
from mailcore.dispatch.runs.run_list import journal_records
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.mail import post
from mailcore.model.agent import OPERATOR, RUN_JOURNAL, Agent
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

NOTICES_FILE = "breakers.jsonl"
"""In `.praxmonitor`: of whom the operator was notified, and since which run of a person's."""


def notify_refused(workspace: Workspace, agent: Agent, taken: Collection[Mapping[str, Any]], why: str) -> None:
    """Notify an agent of its wakes that waited and were refused."""
    for record in taken:
        sender, subject = str(record.get("sender", "")), str(record.get("subject", ""))
        with suppress(MailcoreError, OSError):
            audit.record(workspace, sender, "refused", agent=agent.address, subject=subject, why=why)
        with suppress(MailcoreError, OSError):
            dropped_starts.deliver_notice(workspace, agent, record)
    notify_operator(workspace, agent, "; ".join(str(record.get("subject", "")) for record in taken), why)


def notify_operator(workspace: Workspace, agent: Agent, reasons: str, why: str) -> None:
    """Mail the operator that an agent is not started by itself any more, what it would have been woken for, and how to
    let it: once, until a person started it again."""
    path = workspace.state_dir / NOTICES_FILE
    with suppress(MailcoreError, OSError):
        since = breakers.last_run_by_person(agent)
        notices = [line for line in journal.read_records(path) if line.get("agent") == agent.address]
        if notices and notices[-1].get("since") == since:
            return
        subject = f"{agent.address} is not started by itself any more"
        body = f"{why}.\n\nIt would have been woken for this: {reasons}\n\nIts mail is kept; nothing else waits for it."
        sent = post.send_mail(workspace, agent.address, [OPERATOR], subject, body)
        if sent and sent[0].delivered:
            journal.append_record(path, {"agent": agent.address, "since": since, "why": why})


def notify_nesting_limit(workspace: Workspace, place: ChainPlace, target: Agent, subject: str) -> None:
    """Notify who waits for a caller's run that it was to go on deeper than dispatches may nest: once a run.

    The caller itself is notified by the refusal.
    """
    if place.agent is None:
        return
    path = place.agent.runs_dir / place.run_id / RUN_JOURNAL
    with suppress(MailcoreError, OSError):
        found = journal_records(path.parent)
        sender, task_id = (str(found[0].get(key) or "") for key in ("sender", "sent_id")) if found else ("", "")
        if not sender or any(record.get("event") == "too_deep" for record in found):
            return
        journal.append_record(path, {"event": "too_deep", "to": target.address, "subject": subject})
        body = (
            f"{place.agent.address} was about to start {target.address} for this: {subject}. That would nest "
            f"{place.depth + 1} deep, and [dispatch] wake_depth is the limit: it was refused, and "
            f"{place.agent.address} knows. Give that task yourself if it is wanted."
        )
        thread = {"in_reply_to": task_id, "thread_id": task_id} if task_id else {}
        post.send_mail(workspace, place.agent.address, [sender], f"Too deep: {subject}", body, extra=thread)
