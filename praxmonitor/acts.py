"""What the operator asks of mailcore, each act for a worker thread. Returns what was asked, in words; raises
MailcoreError with mailcore's own.

Imports mailcore's wings late: none of them is needed for the first paint.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.config import Config
from mailcore.errors import MailcoreError
from mailcore.model.agent import OPERATOR
from mailcore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Victim:
    """One process that a kill would end."""

    pid: int
    depth: int
    """0 for the supervisor and the first of its run."""
    command: str
    """Untrusted text."""
    started_at: float
    """Seconds since the epoch."""


def send(workspace: Workspace, to: list[str], subject: str, body: str) -> str:
    """One mail to each address."""
    from mailcore.mail import post

    sent = post.send(workspace, OPERATOR, to, subject, body)
    if failed := [copy.error for copy in sent if not copy.delivered]:
        raise MailcoreError("; ".join(failed))
    return f"mail to {' '.join(to)}"


def reply(workspace: Workspace, message_id: str, body: str) -> str:
    """Answer a mail of the operator's; mailcore closes it then."""
    from mailcore.mail import post

    sent = post.reply(workspace, OPERATOR, message_id, body)
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return f"reply to {sent.to}"


def mark_opened(workspace: Workspace, message_id: str) -> str:
    """The operator has read a mail of theirs."""
    from mailcore.mail import post

    post.mark_opened(workspace, OPERATOR, [message_id])
    return "opened"


def close(workspace: Workspace, message_id: str) -> str:
    """Archive a mail of the operator's."""
    from mailcore.mail import post

    post.close(workspace, OPERATOR, [message_id])
    return "close"


def dispatch(workspace: Workspace, config: Config, to: list[str], subject: str, body: str) -> str:
    """The same task to each address. If some refuse, the error says which were asked and why the others were not."""
    from mailcore.dispatch import control

    asked, trouble = [], []
    for address in to:
        try:
            done = control.dispatch(workspace, config, OPERATOR, address, subject, body)
        except MailcoreError as error:
            trouble.append(str(error))
        else:
            asked.append(f"{address} ({done.busy})" if done.busy else address)
    if trouble:
        said = f"asked: {' '.join(asked)}. Not asked: " if asked else ""
        raise MailcoreError(said + "; ".join(trouble))
    return f"dispatch to {' '.join(asked)}"


def victims(workspace: Workspace, address: str) -> list[Victim]:
    """The process tree that a kill would end."""
    from mailcore.dispatch import control

    tree = control.processes(workspace, address)
    return [Victim(found.pid, found.depth, found.command, found.started_at) for found in tree]


def kill(workspace: Workspace, config: Config, address: str) -> str:
    """End the run of an agent; MailcoreError names the processes that outlived it."""
    from mailcore.dispatch import control

    killed = control.kill(workspace, config, OPERATOR, address)
    if killed.survivors:
        raise MailcoreError(f"{address}: still there after KILL: {' '.join(map(str, killed.survivors))}")
    return f"kill {address}"


def retry(workspace: Workspace, config: Config, address: str) -> str:
    """Start the last run of an agent again."""
    from mailcore.dispatch import control

    control.retry(workspace, config, OPERATOR, address)
    return f"retry {address}"
