"""Names of hosts, and of agents on them: `@writer` of host `beta` is `@writer.beta` everywhere else."""

from __future__ import annotations

import re

from mailcore.exceptions import UsageError

HOST = re.compile(r"[a-z][a-z0-9-]{0,30}")
"""What a host may be called: no dot, which separates an agent's name from its host's."""


def valid_host(name: str) -> str:
    """The name, in lower case. UsageError (code `host`) where no host can have it."""
    wanted = name.strip().lower()
    if not HOST.fullmatch(wanted):
        raise UsageError(f"{name!r} is no name for a host: a letter, then letters, digits and `-`, 31 at most", "host")
    return wanted


def split_address(address: str) -> tuple[str, str]:
    """`@writer.beta` → `@writer` and `beta`; the host is empty where none is named."""
    name, dot, host = address.rpartition(".")
    return (name, host) if dot else (address, "")


def joined(address: str, host: str) -> str:
    """`@writer` and `beta` → `@writer.beta`; the address as it is where no host is named."""
    return f"{address}.{host}" if host else address
