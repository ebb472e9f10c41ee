"""Starts that waited and were taken out of their queue before they began: whom that concerns is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mailcore.exceptions import MailcoreError, tolerated
from mailcore.mail import mailbox, post
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.run import Phase
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


def notify_cancelled(workspace: Workspace, agent: Agent, taken: Collection[Mapping[str, Any]], by: str) -> None:
    """Tell of starts of an agent that `by` cancelled: each task to its sender, and the news of a wake to the agent.

    What cannot be told is a caveat. A sender who cancelled it himself knows: what he has for it lies in his archive,
    where a `wait` of his finds it.
    """
    former = audit.proof.set("supervisor")
    try:
        for record in taken:
            with tolerated(f"cancelled, but {agent.address} or the sender was not told"):
                deliver_notice(workspace, agent, record)
                _notify_sender(workspace, agent, record, by)
    finally:
        audit.proof.reset(former)


def deliver_notice(workspace: Workspace, agent: Agent, record: Mapping[str, Any]) -> None:
    """Mail an agent what it would have been told by the wake that waited, if nothing else told it."""
    notice, sender = record.get("notice"), str(record.get("sender", ""))
    if isinstance(notice, Mapping) and sender:
        thread = {key: str(notice.get(key, "")) for key in ("in_reply_to", "thread_id", "run_ended")}
        said = str(notice.get("subject", "")), str(notice.get("body", ""))
        post.send(workspace, sender, [agent.address], *said, extra=thread)


def _notify_sender(workspace: Workspace, agent: Agent, record: Mapping[str, Any], by: str) -> None:
    message_id, sender = str(record.get("message_id") or ""), str(record.get("sender") or "")
    if not message_id or sender in ("", agent.address):
        return
    again = f"Dispatch it again if it is still wanted{f': --from {OPERATOR}' if sender == OPERATOR else ''}."
    said = f"{record.get('subject', '')}: it waited, and {by} cancelled its start before it began."
    body = f"{said} It is still message {message_id} in its mailbox. {again}"
    task_id = str(record.get("sent_id") or message_id)
    thread = {"in_reply_to": task_id, "thread_id": task_id, "run_ended": str(Phase.KILLED)}
    sent = post.send(workspace, agent.address, [sender], f"CANCELLED: Dispatch to {agent.address}", body, extra=thread)[
        0
    ]
    if not sent.delivered:
        raise MailcoreError(sent.error)
    if sender == by:
        mailbox.close(workspace.agent(by), [sent.id])
