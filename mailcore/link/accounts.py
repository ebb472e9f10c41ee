"""Who may connect to the server of a link, as the hub keeps it on disk, and as the server's configuration says it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mailcore.exceptions import MailcoreError
from mailcore.link.permissions import host_permissions, joining_permissions
from mailcore.system import safe_open, writing
from mailcore.system.locks import locked

ACCOUNTS = "accounts.json"
ACCOUNT, SYSTEM = "LINK", "SYS"


class HostAccount(msgspec.Struct, frozen=True):
    """A host that belongs to the link."""

    host: str
    key: str
    """Its public key."""
    operator_key: str = ""
    """The public key of the person there; empty: none may act from there."""
    revoked: bool = False
    """It belongs to the link no more; its name stays known."""


class Invitation(msgspec.Struct, frozen=True):
    """A token that was given out and not used yet."""

    host: str
    """The name that is kept for it."""
    key: str
    """The public half of the token's key."""
    until: float
    """When it expires, seconds since the epoch."""


class Accounts(msgspec.Struct, frozen=True):
    """All who may connect, beside the hub's own process."""

    hosts: tuple[HostAccount, ...] = ()
    invitations: tuple[Invitation, ...] = ()

    def host(self, name: str) -> HostAccount | None:
        """The host of that name, if it belongs to the link."""
        return next((one for one in self.hosts if one.host == name), None)

    def invitation(self, name: str) -> Invitation | None:
        """The token for that name, if there is one that is still good."""
        return next((one for one in self.invitations if one.host == name and one.until > time.time()), None)

    def with_host(self, account: HostAccount) -> Accounts:
        """The same with that host, in the place of an earlier one of its name."""
        others = tuple(one for one in self.hosts if one.host != account.host)
        return msgspec.structs.replace(self, hosts=(*others, account))

    def with_revoked(self, name: str) -> Accounts:
        """The same with that host thrown out, and without a token for it."""
        hosts = (msgspec.structs.replace(one, revoked=True) if one.host == name else one for one in self.hosts)
        return msgspec.structs.replace(self, hosts=tuple(hosts)).without_invitation(name)

    def with_invitation(self, invitation: Invitation) -> Accounts:
        """The same with that token, in the place of an earlier one for that name."""
        left = self.without_invitation(invitation.host)
        return msgspec.structs.replace(left, invitations=(*left.invitations, invitation))

    def without_invitation(self, name: str) -> Accounts:
        """The same without a token for that name, and without those that expired."""
        now = time.time()
        kept = tuple(one for one in self.invitations if one.host != name and one.until > now)
        return msgspec.structs.replace(self, invitations=kept)


def read_accounts(directory: Path) -> Accounts:
    """Those in the server's directory; none where there is no such file. MailcoreError if it cannot be read."""
    path = directory / ACCOUNTS
    try:
        return msgspec.json.decode(safe_open.read_bytes(path), type=Accounts)
    except FileNotFoundError:
        return Accounts()
    except (OSError, msgspec.DecodeError) as error:
        raise MailcoreError(f"{path}: {error}; who may connect is not known, restore it", "accounts") from error


@contextmanager
def changing(directory: Path) -> Iterator[list[Accounts]]:
    """A list of the accounts as they are, under their lock; what it holds at the end is written."""
    with locked(directory / f".{ACCOUNTS}.lock", own=True):
        held = [read_accounts(directory)]
        before = held[0]
        yield held
        if held[0] != before:
            writing.replace(directory / ACCOUNTS, msgspec.json.encode(held[0]))


def accounts_text(project: str, accounts: Accounts, admin: str, system: str) -> str:
    """The part of the server's configuration that says who may do what, in public keys alone.

    `admin` is that of the hub's process, which makes streams and lets hosts in, `system` that by which it has the
    server read this anew.
    """
    now = time.time()
    users = [
        {"nkey": admin},
        *(
            {"nkey": one.key, "permissions": host_permissions(project, one.host)}
            for one in accounts.hosts
            if not one.revoked
        ),
        *(
            {"nkey": one.key, "permissions": joining_permissions(project, one.host)}
            for one in accounts.invitations
            if one.until > now
        ),
    ]
    said = {ACCOUNT: {"jetstream": "enabled", "users": users}, SYSTEM: {"users": [{"nkey": system}]}}
    return f"accounts: {json.dumps(said, indent=1)}\nsystem_account: {SYSTEM}\n"
