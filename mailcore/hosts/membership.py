"""Whether this workspace belongs to a link, and as what: `.praxmonitor/link/membership.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.names import HOST, split_address
from mailcore.system import self_ignore, writing
from mailcore.system.file_cache import FileCache
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import MEMBERSHIP, Workspace

_DIRECTORY = "link"
HUB, MEMBER = "hub", "member"
"""The two roles: who runs the server, and who joined it."""


@dataclass(frozen=True, slots=True)
class Membership:
    """As what this workspace takes part in a link."""

    host: str
    """What this host is called there."""
    project: str
    """Which project the link is of; the same on each of its hosts."""
    server: tuple[str, ...] = ()
    """Where the server is reached, in the order in which they are tried."""
    role: str = MEMBER
    """HUB or MEMBER."""
    certificate: str = ""
    """The file of the certificate that the server's must be signed by; empty: none is wanted."""
    ssh: str = ""
    """`user@host` of the forward by which the server is reached; empty: it is reached directly."""


def link_directory(workspace: Workspace) -> Path:
    """Where all that belongs to the link is kept."""
    return workspace.state_dir / _DIRECTORY


def make_link_directory(workspace: Workspace) -> Path:
    """The same, made if need be, and its owner's alone."""
    path = link_directory(workspace)
    if not path.is_dir():
        self_ignore.make_ignored(workspace.state_dir)
        writing.make_directory(path, durable=True)
        path.chmod(0o700)
    return path


def read_membership(workspace: Workspace) -> Membership | None:
    """As what this workspace takes part; None where it belongs to no link, which costs one look.

    MailcoreError (code `link`) where the file says something else.
    """
    return _memberships.read(workspace.root / MEMBERSHIP)


def _parsed(path: Path) -> Membership | None:
    try:
        raw: dict[str, Any] = json.loads(read_bytes(path, links=False))
        membership = Membership(
            host=str(raw["host"]),
            project=str(raw["project"]),
            server=tuple(map(str, raw.get("server", ()))),
            **{
                field.name: str(raw[field.name])
                for field in fields(Membership)
                if field.name in raw and field.name not in ("host", "project", "server")
            },
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MailcoreError(f"{path}: {error}; join the link anew", "link") from error
    if not HOST.fullmatch(membership.host):
        raise MailcoreError(f"{path}: {membership.host!r} is no name of a host; join the link anew", "link")
    return membership


_memberships = FileCache(_parsed)


def member(workspace: Workspace) -> Membership:
    """The same; Refused (code `no_link`) where it belongs to no link."""
    found = read_membership(workspace)
    if found is None:
        raise Refused(f"{workspace.root} belongs to no link: mailcore link serve, or mailcore link join", "no_link")
    return found


def write_membership(workspace: Workspace, membership: Membership) -> None:
    """Let this workspace belong to a link from now on. Refused (code `dotted`) while an agent of it has a dot in its
    name: nobody could tell it from one on another host."""
    if dotted := dotted_agents(workspace):
        raise Refused(
            f"{' '.join(dotted)}: in a link a dot separates an agent's name from its host's; give "
            f"{'it another name' if len(dotted) == 1 else 'them other names'} first",
            "dotted",
        )
    make_link_directory(workspace)
    path = workspace.root / MEMBERSHIP
    writing.replace(path, json.dumps(asdict(membership), indent=2).encode() + b"\n")


def end_membership(workspace: Workspace) -> None:
    """Let this workspace belong to no link any more; what was kept of it stays."""
    (workspace.root / MEMBERSHIP).unlink(missing_ok=True)


def dotted_agents(workspace: Workspace) -> list[str]:
    """The addresses of this workspace that name a host as well: none may, in a link."""
    return [agent.address for agent in workspace.agents if split_address(agent.address)[1]]


def is_elsewhere(root: Path, address: str) -> bool:
    """True of the address of an agent on another host, as the workspace at `root` has it: a dotted name is no host's
    where there is no link."""
    return bool(split_address(address)[1]) and (root / MEMBERSHIP).exists()
