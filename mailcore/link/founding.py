"""A link is made: this workspace becomes its hub, with a name, keys and a place where its server listens."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path

from mailcore.config import Link
from mailcore.exceptions import Refused, UsageError
from mailcore.hosts.keys import HOST_KEY, OPERATOR_KEY, make_key
from mailcore.hosts.membership import HUB, Membership, make_link_directory, read_membership, write_membership
from mailcore.hosts.names import valid_host
from mailcore.link.hub import own_account
from mailcore.link.server import Listening, ServerPlace, server_place
from mailcore.link.subjects import project_token
from mailcore.system import writing
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

LOOPBACK = "127.0.0.1"
ANYWHERE = ("0.0.0.0", "[::]")
LISTEN = "listen"
"""The file that says where the server listens."""


def found_link(workspace: Workspace, config: Link, *, host: str = "", listen: str = "") -> Membership:
    """Let this workspace be the hub of a link; as it stands where it is that already, save where it listens.

    Refused (code `member`) where it is a member of another's link.
    """
    before = read_membership(workspace)
    if before is not None and before.role != HUB:
        raise Refused(
            f"this host is {before.host}, a member of a link: mailcore link leave, before it can have one", "member"
        )
    name = before.host if before is not None else valid_host(host or config.host or machine_name())
    if host and host != name:
        raise Refused(f"this host is {name} in its link; a name is kept for good", "host")
    if not config.server:
        host_and_port(listen or config.listen)
    place = server_place(workspace)
    address = _chosen_address(place, config, listen)
    servers = tuple(map(url, config.server)) or (reached_here(address),)
    made = Membership(name, project_token(workspace.root.name), servers, HUB, config.certificate)
    if before is not None:
        made = replace(made, project=before.project)
    if made != before:
        write_membership(workspace, made)
    writing.replace(place.directory / LISTEN, address.encode())
    directory = make_link_directory(workspace)
    own_account(place, name, make_key(directory / HOST_KEY).public, make_key(directory / OPERATOR_KEY).public)
    return made


def listening(place: ServerPlace, config: Link) -> Listening:
    """Where the server listens, as it was settled when the link was made or changed."""
    address = listen_address(place.directory)
    host_and_port(address)
    for path in filter(None, (config.certificate, config.certificate_key)):
        if not Path(path).is_file():
            raise UsageError(f"[link] says {path}: there is no such file", "tls")
    if bool(config.certificate) != bool(config.certificate_key):
        raise UsageError("[link] certificate and certificate_key belong together", "tls")
    return Listening(address, config.certificate, config.certificate_key, config.store)


def advertised(place: ServerPlace, config: Link, membership: Membership) -> tuple[str, ...]:
    """Where other hosts reach the server, as a token says it."""
    if config.advertise or config.server:
        return tuple(map(url, config.advertise or config.server))
    host, port = host_and_port(listen_address(place.directory))
    return (f"nats://{socket.gethostname()}:{port}",) if host in ANYWHERE else membership.server


def machine_name() -> str:
    """What a host is called by default: as its machine, as far as the form of names allows it."""
    name = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-0123456789")
    return name[:31].rstrip("-") or "here"


def url(server: str) -> str:
    """The address of a server as the client takes it."""
    return server if "://" in server else f"nats://{server}"


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of HOST:PORT. UsageError if it is not that."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{address!r}: write HOST:PORT, like 127.0.0.1:4222", "listen")
    return host, int(port)


def reached_here(address: str) -> str:
    """Where a server that listens at `address` is reached from this host."""
    host, port = host_and_port(address)
    return f"nats://{LOOPBACK if host in ANYWHERE else host}:{port}"


def free_port(host: str = LOOPBACK) -> int:
    """A port that nobody listens at."""
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family) as made:
        made.bind((host.strip("[]"), 0))
        port: int = made.getsockname()[1]
        return port


def listen_address(directory: Path) -> str:
    """Where the server of that directory listens, as it was settled. OSError where that is not known."""
    return read_bytes(directory / LISTEN, links=False, most=4096).decode("utf-8", "replace").strip()


def _chosen_address(place: ServerPlace, config: Link, listen: str) -> str:
    """Where the server listens: as the call says, else the config, else as it did before."""
    configured = "" if config.listen == Link().listen else config.listen
    try:
        before = listen_address(place.directory)
    except FileNotFoundError:
        before = config.listen
    host, port = host_and_port(listen or configured or before)
    if not port:
        same = before.rpartition(":")
        port = int(same[2]) if same[0] == host and int(same[2]) else free_port(host)
    return f"{host}:{port}"
