"""Addresses → mailboxes, and the project boundary: mail stays inside the workspace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailcore.errors import Refused, UsageError
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.workspace import Workspace, normal_address


def resolve(workspace: Workspace, addresses: Iterable[str]) -> list[Agent]:
    """The agents of `addresses`, each once, in order. Refused before anything is written if one is unknown."""
    agents = list(dict.fromkeys(workspace.agent(address) for address in addresses))
    if not agents:
        raise UsageError("no recipient")
    return agents


def answer_to(workspace: Workspace, message: Message) -> Agent:
    """Whom a reply goes to: `reply_to`, else the sender; else the mailbox `reply_path` names inside this project."""
    address = str(message.raw.get("reply_to") or message.sender)
    try:
        return workspace.agent(address)
    except Refused:
        mailbox = Path(message.reply_path).resolve()
        if message.reply_path and mailbox.parts[-2:] == (".ai_mail.local", "inbox.json"):
            branch = mailbox.parent.parent
            if branch.is_relative_to(workspace.root):
                return Agent(normal_address(address), address.lstrip("@"), branch)
            raise Refused(f"{address} answers at {mailbox}, which is outside {workspace.root}", "boundary") from None
        raise
