"""The server reached by ssh: a forward of a port, made again when it ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from mailcore.exceptions import UsageError
from mailcore.system.child import end_child

_AGAIN, _LONGEST_AGAIN = 0.5, 10.0
"""Seconds before it is made again: the first time, and at most."""
FORWARD_STOP = 5.0
"""Seconds that ssh may take to end."""
_PLACE = re.compile(r"ssh://(?P<who>[A-Za-z0-9_.-]+(?:@[A-Za-z0-9_.-]+)?)(?::(?P<port>\d{1,5}))?(?P<path>/.*)?")
ALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ExitOnForwardFailure=yes")


@dataclass(frozen=True, slots=True)
class SshPlace:
    """A host that ssh reaches."""

    who: str
    """`user@host`, as ssh takes it."""
    port: int = 0
    """0: as ssh's own configuration says."""
    path: str = ""
    """The workspace's directory there; empty: none is named."""

    @property
    def words(self) -> list[str]:
        """What ssh is called with to get there. No word of it can be an option."""
        return [*(["-p", str(self.port)] if self.port else []), "--", self.who]


@dataclass(frozen=True, slots=True)
class Forward:
    """From a port here to where the server listens there."""

    place: SshPlace
    local: int
    remote: str
    """HOST:PORT, as it is reached from there."""

    @property
    def text(self) -> str:
        """As a membership keeps it."""
        return f"{self.place.who}:{self.place.port} {self.local} {self.remote}"

    @property
    def command(self) -> list[str]:
        """The command line that makes it."""
        ports = f"127.0.0.1:{self.local}:{self.remote}"
        return ["ssh", "-N", "-T", "-o", "BatchMode=yes", *ALIVE, "-L", ports, *self.place.words]


def ssh_place(text: str) -> SshPlace:
    """What `ssh://user@host:port/path` says. UsageError if it says nothing."""
    found = _PLACE.fullmatch(text)
    if found is None or found["who"].startswith("-"):
        raise UsageError(f"{text!r}: write ssh://host/directory, or ssh://user@host:port/directory", "ssh")
    return SshPlace(found["who"], int(found["port"] or 0), found["path"] or "")


def forward_of(text: str) -> Forward:
    """The forward that a membership keeps. UsageError where that is none."""
    try:
        place, local, remote = text.split(" ")
        who, _, port = place.rpartition(":")
        return Forward(SshPlace(who, int(port)), int(local), remote)
    except ValueError as error:
        raise UsageError(f"{text!r} is no forward: join the link anew", "ssh") from error


async def keep_forward(forward: Forward, on_trouble: Callable[[str], None]) -> NoReturn:
    """Keep it until cancelled; then it is ended."""
    loop = asyncio.get_running_loop()
    again = _AGAIN
    while True:
        began = loop.time()
        process = await asyncio.create_subprocess_exec(
            *forward.command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            said = (await process.stderr.read(2000)).decode("utf-8", "replace").strip()
            await process.wait()
        finally:
            await end_child(process, FORWARD_STOP)
        on_trouble(f"the forward by ssh to {forward.place.who} ended{f': {said}' if said else ''}; made again")
        again = _AGAIN if loop.time() - began > _LONGEST_AGAIN else again
        await asyncio.sleep(again)
        again = min(2 * again, _LONGEST_AGAIN)
