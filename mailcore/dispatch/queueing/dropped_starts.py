"""Notify those concerned of starts that were taken out of a queue before they began."""

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
    """Notify those concerned that `by` cancelled starts of an agent: of a task its sender, of a wake the agent itself.

    What could not be delivered is a caveat. A sender who cancelled it himself knows: the mail for him lies in his
    archive, where a `wait` of his finds it.
    """
    token = audit.current_proof.set("supervisor")
    try:
        for record in taken:
            with tolerated(f"cancelled, but {agent.address} or the sender was not told"):
                deliver_notice(workspace, agent, record)
                _notify_sender(workspace, agent, record, by)
    finally:
        audit.current_proof.reset(token)


def deliver_notice(workspace: Workspace, agent: Agent, record: Mapping[str, Any]) -> None:
    """Mail an agent what it would have been told by the wake that waited, if nothing else told it."""
    notice, sender = record.get("notice"), str(record.get("sender", ""))
    if isinstance(notice, Mapping) and sender:
        thread = {key: str(notice.get(key, "")) for key in ("in_reply_to", "thread_id", "run_ended")}
        mail = str(notice.get("subject", "")), str(notice.get("body", ""))
        post.send_mail(workspace, sender, [agent.address], *mail, extra=thread)


def _notify_sender(workspace: Workspace, agent: Agent, record: Mapping[str, Any], by: str) -> None:
    message_id, sender = str(record.get("message_id") or ""), str(record.get("sender") or "")
    if not message_id or sender in ("", agent.address):
        return
    again = f"Dispatch it again if it is still wanted{f': --from {OPERATOR}' if sender == OPERATOR else ''}."
    text = f"{record.get('subject', '')}: it waited, and {by} cancelled its start before it began."
    body = f"{text} It is still message {message_id} in its mailbox. {again}"
    task_id = str(record.get("sent_id") or message_id)
    thread = {"in_reply_to": task_id, "thread_id": task_id, "run_ended": str(Phase.KILLED)}
    sent = post.send_mail(
        workspace, agent.address, [sender], f"CANCELLED: Dispatch to {agent.address}", body, extra=thread
    )[0]
    if not sent.delivered:
        raise MailcoreError(sent.error)
    if sender == by:
        mailbox.archive_messages(workspace.agent(by), [sent.id])
