"""Sends the mail whose time in its sender's outbox is over: mails, answers, and tasks, whose agents are started."""

from __future__ import annotations

from collections.abc import Sequence

from mailcore.dispatch.shared_task import TaskTerms, dispatch_to_all
from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail import outgoing, post
from mailcore.mail.outbox import dispatch_id
from mailcore.mail.outgoing import Outgoing
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace


def send_due_mail(workspace: Workspace, now: float | None = None) -> tuple[list[Outgoing], list[Outgoing]]:
    """What was sent now, and what could not be; never an error. Whoever calls, it goes in its sender's name alone."""

    def send(mail: Outgoing) -> tuple[Sequence[str], str]:
        return _send(workspace, mail)

    token = dispatch_id.set("")
    try:
        return outgoing.send_due(workspace, send, now)
    finally:
        dispatch_id.reset(token)


def _send(workspace: Workspace, mail: Outgoing) -> tuple[Sequence[str], str]:
    if mail.kind == "task":
        return _dispatch(workspace, mail)
    if mail.kind == "reply":
        sent = [post.reply_to(workspace, mail.sender, mail.terms.get("answers", ""), mail.body)]
    else:
        sent = post.send_mail(workspace, mail.sender, mail.to, mail.subject, mail.body, priority=mail.priority)
    return [one.to for one in sent if one.delivered], "\n".join(one.error for one in sent if not one.delivered)


def _dispatch(workspace: Workspace, mail: Outgoing) -> tuple[Sequence[str], str]:
    if mail.sender != workspace.operator.address:
        raise Refused(f"{mail.sender}'s task cannot wait in an outbox: dispatch it", "identity")
    trust.require_trust(workspace)
    config, _ = trust.trusted_config(workspace)
    said = mail.terms.get
    terms = TaskTerms(said("expect", ""), said("program", ""), mail.priority, None, said("model", ""), said("mode", ""))
    shared = dispatch_to_all(workspace, config, mail.sender, mail.to, mail.subject, mail.body, terms)
    if shared.failed and not shared.done:
        raise MailcoreError(shared.failure())
    return [one.to for one in shared.done], shared.failure()
