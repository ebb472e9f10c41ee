"""Whether a mail can reach all of its recipients, looked at before it is sent to the first: to all of them, or to none.

What only shows in writing, a disk that becomes full at the second, is not seen here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from mailcore.config import read_mail_or_defaults
from mailcore.exceptions import MailcoreError
from mailcore.mail import outbox
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.store import MAX_MAILBOX
from mailcore.model.agent import Agent
from mailcore.model.message import MailboxStatus
from mailcore.workspace.find import Workspace


def check_recipients(
    workspace: Workspace, author: Agent, recipients: Collection[Agent], fields: Mapping[str, Any]
) -> None:
    """MailcoreError (code `unreachable`) that names each recipient to whom no mail can be delivered, and why.

    Refused (code `limit`) where the mail itself, or so many of them, are beyond the limits of config.
    """
    now = datetime.now()
    outbox.check_limits(read_mail_or_defaults(workspace.config_file), author, fields, now, len(recipients))
    if wrong := [why for agent in recipients if (why := _why_not(workspace, agent))]:
        raise MailcoreError("\n".join([*wrong, "nothing was sent to anybody"]), "unreachable")


def _why_not(workspace: Workspace, agent: Agent) -> str:
    if not agent.is_remote:
        return why_unreachable(agent)
    from mailcore.mail.remote_mail import why_no_host

    return why_no_host(workspace, agent)


def why_unreachable(agent: Agent) -> str:
    """Why no mail can be delivered to an agent, in words that name it; empty if it can, as far as looking tells.

    A mailbox that is torn is none of these: whoever delivers repairs it.
    """
    if not (agent.is_reserved or os.path.isdir(agent.branch)):  # noqa: PTH112 (Path.is_dir raises of a long name)
        return f"{agent.address}'s branch {agent.branch} is gone; restore it, or mend the registry"
    if not agent.mail_dir.exists():
        return "" if os.access(agent.branch, os.W_OK) or agent.is_reserved else _unwritable(agent, str(agent.branch))
    if not os.access(agent.mail_dir, os.W_OK | os.X_OK):
        return _unwritable(agent, str(agent.mail_dir))
    if agent.inbox.is_dir() or (agent.inbox.exists() and not agent.inbox.is_file()):
        return f"{agent.address}: {agent.inbox} is no regular file; look what lies there"
    if agent.inbox.is_symlink():
        box = read_mailbox(agent.inbox, agent.boundary, patience=0.0)
        return f"{agent.address}: {box.reason}" if box.status is MailboxStatus.UNREADABLE else ""
    if agent.inbox.exists() and not os.access(agent.inbox, os.R_OK):
        return f"{agent.address}: {agent.inbox} cannot be read; mend its rights"
    size = agent.inbox.stat().st_size if agent.inbox.exists() else 0
    if size > MAX_MAILBOX:
        return f"{agent.address}: {agent.inbox} has {size:,} bytes, more than a mailbox can; look what wrote it"
    return ""


def _unwritable(agent: Agent, directory: str) -> str:
    return f"{agent.address}: {directory} cannot be written; mend its rights"
