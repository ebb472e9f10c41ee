"""What the hub's person does about who belongs to the link: invite a host, throw one out."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailcore.config import Link
from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.keys import make_key
from mailcore.hosts.link_status import link_runs
from mailcore.hosts.membership import HUB, Membership, member
from mailcore.hosts.names import valid_host
from mailcore.link.accounts import Invitation, changing, read_accounts
from mailcore.link.founding import advertised, url
from mailcore.link.joining import GOOD_FOR, Token, encode_token
from mailcore.link.server import ServerPlace, is_applied, server_accounts, server_place
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

MOST_CERTIFICATE = 1 << 18
"""Bytes of the certificate that a token carries."""
APPLY_TIMEOUT = 10.0
"""Seconds that the server may take to follow the accounts."""
_LOOK = 0.05


def hub_of(workspace: Workspace) -> tuple[Membership, ServerPlace]:
    """The membership of a hub, and its server's files. Refused (code `member`) where the hub is elsewhere."""
    membership = member(workspace)
    if membership.role != HUB:
        raise Refused(f"this host is {membership.host}, no hub: do that where `mailcore link serve` runs", "member")
    return membership, server_place(workspace)


def invite(workspace: Workspace, config: Link, host: str, servers: tuple[str, ...] = ()) -> tuple[str, Token]:
    """A token for that host, as a word, and what it says. Refused (code `host`) where that name is another's."""
    membership, place = hub_of(workspace)
    name = valid_host(host)
    seed_file = place.directory / f".token.{os.getpid()}"
    try:
        key = make_key(seed_file)
    finally:
        seed_file.unlink(missing_ok=True)
    until = time.time() + GOOD_FOR
    with changing(place.directory) as held:
        there = held[0].host(name)
        if name == membership.host or (there is not None and not there.revoked):
            raise Refused(
                f"there is a host {name} in the link already: take another name, or first mailcore link revoke {name}",
                "host",
            )
        held[0] = held[0].with_invitation(Invitation(name, key.public, until))
    certificate = read_bytes(Path(config.certificate), most=MOST_CERTIFICATE).decode() if config.certificate else ""
    token = Token(
        membership.project, name, membership.host, tuple(map(url, servers)) or advertised(place, config, membership),
        key.seed.decode(), until, certificate,
    )  # fmt: skip
    return encode_token(token), token


def revoke(workspace: Workspace, host: str) -> bool:
    """Throw a host out, and take a token for it back; False if there was neither."""
    membership, place = hub_of(workspace)
    name = valid_host(host)
    if name == membership.host:
        raise Refused(f"{name} is this host, the hub: mailcore link leave ends the link", "host")
    with changing(place.directory) as held:
        there, invited = held[0].host(name), held[0].invitation(name)
        held[0] = held[0].with_revoked(name)
    return invited is not None or (there is not None and not there.revoked)


def wait_until_applied(workspace: Workspace) -> bool:
    """Wait until the server follows the accounts; False if the link's process does not run: it does once that runs."""
    place, project = server_place(workspace), member(workspace).project
    deadline = time.monotonic() + APPLY_TIMEOUT
    while link_runs(workspace):
        if is_applied(place, server_accounts(place, project, read_accounts(place.directory))):
            return True
        if time.monotonic() > deadline:
            raise MailcoreError("the server does not follow who may connect: see mailcore link status", "reload")
        time.sleep(_LOOK)
    return False
