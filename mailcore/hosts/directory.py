"""What is known here of the link's other hosts, and whom an address names when several hosts have agents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mailcore.exceptions import Refused, did_you_mean
from mailcore.hosts.membership import link_directory, make_link_directory, read_membership
from mailcore.hosts.names import HOST, joined, split_address
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.link import HostRecord
from mailcore.system import writing
from mailcore.system.file_cache import FileCache
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import ADDRESS, RESERVED, normal_address

HOSTS, RECORD = "hosts", "record.json"
MAX_AGENTS = 5_000
"""Agents of one host that are taken note of: a host may say anything."""


def host_directory(workspace: Workspace, host: str) -> Path:
    """Where all that is known of that host is kept."""
    return link_directory(workspace) / HOSTS / host


def read_hosts(workspace: Workspace) -> tuple[HostRecord, ...]:
    """The other hosts, by name; those that were revoked are among them. What cannot be read is no host."""
    try:
        names = sorted(path.name for path in (link_directory(workspace) / HOSTS).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    records = (read_host(workspace, name) for name in names if HOST.fullmatch(name))
    return tuple(record for record in records if record is not None)


def read_host(workspace: Workspace, host: str) -> HostRecord | None:
    """What is known of that host; None if nothing is."""
    record = _records.read(host_directory(workspace, host) / RECORD)
    return record if record is not None and record.name == host else None


def _parsed(path: Path) -> HostRecord | None:
    import msgspec

    try:
        return msgspec.json.decode(read_bytes(path, links=False), type=HostRecord)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


_records = FileCache(_parsed)


def write_host(workspace: Workspace, record: HostRecord, *, durable: bool = True) -> None:
    """Keep what is known of a host; what is only seen of it, and seen again, need not be `durable`."""
    import msgspec

    if not HOST.fullmatch(record.name):
        raise Refused(f"{record.name!r} is no name of a host", "host")
    make_link_directory(workspace)
    directory = host_directory(workspace, record.name)
    writing.make_directory(directory, parents=True)
    writing.replace(directory / RECORD, msgspec.json.encode(record), durable=durable)


def remote_agents(workspace: Workspace) -> tuple[Agent, ...]:
    """The agents of all other hosts that belong to the link; none where there is no link."""
    if read_membership(workspace) is None:
        return ()
    return tuple(
        agent for record in read_hosts(workspace) if not record.revoked for agent in agents_of(workspace, record)
    )


def agents_on(workspace: Workspace, host: str) -> tuple[Agent, ...]:
    """The agents of the host of that name, be it this one. Refused (code `unknown_host`, `revoked`) if it is none."""
    membership = read_membership(workspace)
    if membership is not None and host == membership.host:
        return workspace.agents
    return agents_of(workspace, _record(workspace, host, host))


def agents_of(workspace: Workspace, record: HostRecord) -> tuple[Agent, ...]:
    """The agents of one host."""
    return tuple(remote_agent(workspace, address, record.name) for address in named_agents(record.agents))


def named_agents(names: Sequence[str]) -> tuple[str, ...]:
    """What a host calls its agents. An address that no agent can have is none."""
    return tuple(
        name for name in names[:MAX_AGENTS] if ADDRESS.fullmatch(name) and "." not in name and name not in RESERVED
    )


def remote_agent(workspace: Workspace, address: str, host: str) -> Agent:
    """The agent that `host` calls `address`, whether or not it is known to have one."""
    branch = host_directory(workspace, host) / "agents" / address[1:]
    role = "the person there" if address == OPERATOR else ""
    return Agent(joined(address, host), address[1:].upper(), branch, role, workspace.root, host)


def find_agent(workspace: Workspace, address: str) -> Agent:
    """The agent of that address, here or on another host.

    `@writer.beta` is beta's writer, whatever there is elsewhere. `@writer` is the one of that name among all hosts;
    Refused (code `ambiguous`), naming each, if several have one: none of them is meant more than another. Refused
    (code `unknown_agent`, `unknown_host`, `revoked`) where there is none.
    """
    membership = read_membership(workspace)
    wanted = normal_address(address)
    if membership is None:
        return workspace.agent(wanted)
    name, host = split_address(wanted)
    if host == membership.host:
        return workspace.agent(name)
    if host:
        return _agent_of(workspace, name, host)
    if wanted in RESERVED:
        return workspace.agent(wanted)
    remote = remote_agents(workspace)
    found = [agent for agent in remote if split_address(agent.address)[0] == wanted]
    local = [agent for agent in workspace.agents if agent.address == wanted]
    if len(found) + len(local) > 1:
        names = [joined(agent.address, membership.host) for agent in local] + [agent.address for agent in found]
        raise Refused(f"{wanted} is {' and '.join(names)}: say which", "ambiguous")
    if local or found:
        return (local + found)[0]
    known = [agent.address for agent in (*workspace.agents, *remote)]
    hint = did_you_mean(wanted, known) or f"; known: {' '.join(known) or 'none'}"
    raise Refused(
        f"no agent {wanted} in {workspace.registry.name}, nor on another host of the link{hint}", "unknown_agent"
    )


def _record(workspace: Workspace, host: str, what: str) -> HostRecord:
    record = read_host(workspace, host) if HOST.fullmatch(host) else None
    if record is None:
        known = [other.name for other in read_hosts(workspace)]
        hint = did_you_mean(host, known) or f"; known: {' '.join(known) or 'none'}"
        raise Refused(f"{what}: no host {host} in the link{hint}", "unknown_host")
    if record.revoked:
        raise Refused(f"{what}: {host} belongs to the link no more", "revoked")
    return record


def addressed_agent(workspace: Workspace, address: str) -> Agent:
    """The agent of an address that `find_agent` gave, or that is shown: without a host it is one of this host first."""
    wanted = normal_address(address)
    local = [] if "." in wanted else [agent for agent in workspace.agents if agent.address == wanted]
    return local[0] if local else find_agent(workspace, wanted)


def _agent_of(workspace: Workspace, name: str, host: str) -> Agent:
    record = _record(workspace, host, f"{name}.{host}")
    if name != OPERATOR and not (name in record.agents[:MAX_AGENTS] and named_agents([name])):
        addresses = named_agents(record.agents)
        hint = did_you_mean(name, addresses) or f"; known: {' '.join(addresses) or 'none'}"
        raise Refused(f"no agent {name} on {host}, as far as it has told{hint}", "unknown_agent")
    return remote_agent(workspace, name, host)
