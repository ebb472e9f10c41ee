"""What the operator asks of mailcore's mail in the mail view: each act for a worker thread. Returns what was asked, in
words; raises MailcoreError with mailcore's own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.model.message import Message
from mailcore.workspace.find import Workspace
from praxmonitor.actions import requests
from praxmonitor.actions.requests import me

if TYPE_CHECKING:
    from mailcore.dispatch.accepted_work import TakeOver


def acknowledge_mail(workspace: Workspace, config: Config, message_id: str, state: str, result: str) -> str:
    """Say what became of a mail of the operator's: done, blocked, declined, or that it is taken on."""
    from mailcore.mail import answer

    began = time.time()
    sent = answer.acknowledge(workspace, me(workspace), message_id, state, result)
    if not sent.delivered:
        raise MailcoreError(sent.error)
    if state == "acknowledged":
        return f"{state}, told to {sent.to}"
    woken = requests.woken(workspace, config, sent, f"says what became of it: {state}", began)
    return f"{state}, told to {sent.to}{woken}"


def accept_outcome(workspace: Workspace, message_id: str, how: TakeOver) -> str:
    """Be content with the end of a task: its work is taken over as it is said, and its notice archived."""
    from mailcore.dispatch.accepted_work import take_work_over
    from mailcore.mail import answer

    by, said = me(workspace), ""
    if how.commit or how.merge or how.pr:
        work = take_work_over(workspace, by, answer.outcome_notice(workspace, by, message_id, accepted=True), how)
        done = [word for word, is_done in (("committed", how.commit), ("merged", how.merge)) if is_done]
        said = f" and {', '.join(done)}" if done else ""
        said += f"; {work[-1]}" if how.pr else ""
    notice = answer.accept_done(workspace, by, message_id)
    return f"accept{said}: {notice.subject}"


def reopen_task(workspace: Workspace, config: Config, message_id: str, why: str) -> str:
    """Dispatch a task again whose end is told, in its thread, as `mailcore reopen` does."""
    from mailcore.dispatch import control
    from mailcore.mail import answer, resumable_act
    from mailcore.workspace import trust

    trust.require_trust(workspace)
    by = me(workspace)
    with resumable_act.begin_act(workspace.agent(by), "reopen", message_id, why) as act:
        notice = answer.outcome_notice(workspace, by, message_id, closed=act.again, accepted=True)
        act.remember("reopen", {})
        again = answer.reopening(workspace, by, notice, why)
        sent = control.dispatch_task(
            workspace, config, by, again.to, f"REOPENED: {again.subject}", again.body, thread=again.thread
        )
        for one in again.settles:
            answer.close_reopened_notice(workspace, by, one)
    return f"reopen: {again.to}" + (f", not started yet: {sent.busy}" if sent.busy else " is started")


def forward_mail(workspace: Workspace, message: Message, to: Sequence[str], subject: str, body: str) -> str:
    """Send a mail on; `body` is what the operator says of it, with the mail quoted."""
    from mailcore.mail import post

    extra = {"forwarded_from": message.sent_id or message.id}
    sent = post.send_mail(workspace, me(workspace), to, subject, body, priority=_priority(message), extra=extra)
    if failed := [copy.error for copy in sent if not copy.delivered]:
        raise MailcoreError("; ".join(failed))
    return f"forward to {' '.join(to)}"


def _priority(message: Message) -> str:
    return message.priority if message.priority in ("low", "high") else "normal"


def reopen_closed(workspace: Workspace, message_id: str) -> str:
    """Put a closed mail of the operator's back among the open ones; without a name the one that was closed last."""
    from mailcore.mail import archive, post

    me(workspace)
    name = message_id or archive.closed_last(workspace.operator)
    if not name:
        raise MailcoreError("no mail of yours was closed", "no_message")
    back = post.restore(workspace, workspace.operator.address, name)
    return f"open again: {back.subject}"
