"""Addresses → mailboxes, and the project boundary: mail stays inside the workspace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailcore.exceptions import Refused, UsageError
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.workspace.find import Workspace, find_workspace
from mailcore.workspace.registry import ADDRESS, normal_address

EVERYONE = "@all"


def resolve_addresses(workspace: Workspace, author: Agent, addresses: Iterable[str]) -> list[Agent]:
    """The agents of `addresses`, each once, in order; `@all` is every agent but the author.

    Refused, naming each that is unknown, before anything is written.
    """
    agents: list[Agent] = []
    unknown: list[Refused] = []
    for address in addresses:
        if normal_address(address) == EVERYONE:
            agents += [agent for agent in workspace.agents if agent.address != author.address]
            continue
        try:
            agents.append(workspace.agent(address))
        except Refused as error:
            unknown.append(error)
    if unknown:
        raise Refused("\n".join(dict.fromkeys(map(str, unknown))), unknown[0].code)
    agents = list(dict.fromkeys(agents))
    if not agents:
        raise UsageError("no recipient")
    return agents


def reply_recipient(workspace: Workspace, message: Message) -> Agent:
    """Whom a reply goes to: `reply_to`, else the sender; else the mailbox that `reply_path` names.

    That mailbox lies inside this project, or belongs to whoever gave feedback from another one. All else is refused.
    """
    address = str(message.raw.get("reply_to") or message.sender)
    mailbox = _place(message.reply_path)
    if mailbox is not None and message.raw.get("feedback") is True:
        return _across(mailbox, address)
    try:
        return workspace.agent(address)
    except Refused:
        if mailbox is None or mailbox.parts[-2:] != (".ai_mail.local", "inbox.json"):
            raise
        if not ADDRESS.fullmatch(normal_address(address)):
            from mailcore.text.frames import quoted

            raise Refused(f"{quoted(address)} is no address that could be answered", "boundary") from None
        branch = mailbox.parent.parent
        if not branch.is_relative_to(workspace.root):
            raise Refused(f"{address} answers at {mailbox}, outside {workspace.root}", "boundary") from None
        return Agent(normal_address(address), address.lstrip("@"), branch, root=workspace.root)


def _place(reply_path: str) -> Path | None:
    """The mailbox that a mail names; None for no path, be it a circle of links or a NUL in another program's text."""
    try:
        return Path(reply_path).resolve() if reply_path else None
    except (OSError, RuntimeError, ValueError):
        return None


def _across(mailbox: Path, address: str) -> Agent:
    """The agent of another project that wrote; Refused unless that project's registry lists it at that place."""
    other = find_workspace(mailbox.parent)
    for agent in (*other.agents, other.operator):
        if agent.inbox == mailbox and agent.address == normal_address(address):
            return agent
    raise Refused(f"{mailbox} is not {address}'s in {other.registry}", "boundary")
