"""Addresses → mailboxes, and the project boundary: mail stays inside the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mailcore.exceptions import Refused, UsageError
from mailcore.hosts.membership import read_membership
from mailcore.hosts.names import split_address
from mailcore.mail.link_keys import LINK
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.workspace.find import Workspace, find_workspace
from mailcore.workspace.registry import ADDRESS, normal_address

EVERYONE = "@all"
"""Every agent of this host; `@all.beta`: of that one."""
EVERYWHERE = "@all.*"
"""Every agent of every host."""


def resolve_addresses(workspace: Workspace, author: Agent, addresses: Iterable[str]) -> list[Agent]:
    """The agents of `addresses`, on any host, each once, in order; `@all` is every agent here but the author.

    Where an address names no host, one of this host is meant before one elsewhere; of what a person or an agent typed
    `refuse_ambiguous` is asked before.
    Refused, naming each that is unknown, before anything is written.
    """
    agents: list[Agent] = []
    unknown: list[Refused] = []
    linked = read_membership(workspace) is not None
    for address in addresses:
        if normal_address(address) == EVERYONE:
            agents += [agent for agent in workspace.agents if agent.address != author.address]
            continue
        try:
            if "@" in address[1:]:
                from mailcore.mail.projects import agent_across

                agents.append(agent_across(workspace, address, "mail"))
                continue
            agents += _on_any_host(workspace, author, address) if linked else [workspace.agent(address)]
        except Refused as error:
            unknown.append(error)
    if unknown:
        raise Refused("\n".join(dict.fromkeys(map(str, unknown))), unknown[0].code)
    agents = list(dict.fromkeys(agents))
    if not agents:
        raise UsageError("no recipient")
    return agents


def refuse_ambiguous(workspace: Workspace, addresses: Iterable[str]) -> None:
    """Refused (code `ambiguous`), naming each, if one of these may be several agents, on several hosts."""
    if read_membership(workspace) is None:
        return
    from mailcore.hosts.directory import find_agent

    for address in addresses:
        try:
            find_agent(workspace, address)
        except Refused as error:
            if error.code == "ambiguous":
                raise


def _on_any_host(workspace: Workspace, author: Agent, address: str) -> list[Agent]:
    from mailcore.hosts.directory import addressed_agent, agents_on, remote_agents

    wanted = normal_address(address)
    name, host = split_address(wanted)
    if wanted == EVERYWHERE:
        found = [*workspace.agents, *remote_agents(workspace)]
    elif name == EVERYONE:
        found = [*agents_on(workspace, host)]
    else:
        return [addressed_agent(workspace, wanted)]
    return [agent for agent in found if agent.address != author.address]


def reply_recipient(workspace: Workspace, message: Message) -> Agent:
    """Whom a reply goes to: `reply_to`, else the sender, be it on another host; else the mailbox of `reply_path`.

    That mailbox lies inside this project, or belongs to whoever gave feedback from another one. All else is refused.
    """
    address = str(message.raw.get("reply_to") or message.sender)
    if (elsewhere := _agent_elsewhere(workspace, message, address)) is not None:
        return elsewhere
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


def _agent_elsewhere(workspace: Workspace, message: Message, address: str) -> Agent | None:
    """The agent of another host, if the mail came from there: whoever wrote can be answered, be he known here or not.

    Refused (code `revoked`) where that host belongs to the link no more.
    """
    link = message.raw.get(LINK)
    name, host = split_address(address)
    if not isinstance(link, Mapping) or not host or link.get("host") != host:
        return None
    from mailcore.hosts.directory import read_host, remote_agent

    record = read_host(workspace, host)
    if record is None or record.revoked:
        raise Refused(f"{address}: {host} belongs to the link no more", "revoked")
    return remote_agent(workspace, name, host)


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
