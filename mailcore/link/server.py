"""The server of a link: its configuration, its process, which is started again when it ends, and its reload."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats.digest import digest
from mailcore.hosts.keys import Key, load_key, make_key
from mailcore.hosts.membership import make_link_directory
from mailcore.link.accounts import Accounts, accounts_text, read_accounts
from mailcore.system import writing
from mailcore.system.child import end_child
from mailcore.system.processes import command_line, send_signal, start_ticks, wait_for_end
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

PROGRAM = "nats-server"
MAX_PAYLOAD = 8 << 20
"""Bytes of one envelope or answer, at most: what a mail may be, with room."""
_AGAIN, _LONGEST_AGAIN = 0.2, 10.0
"""Seconds before an ended server is started again: the first time, and at most."""
STOP_WITHIN = 10.0
_APPLIED = "applied"
"""The file that says which accounts the server follows."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server listens, and what it shows of itself there."""

    address: str
    """HOST:PORT."""
    certificate: str = ""
    """The file of its certificate; empty: no TLS."""
    key: str = ""
    """The file of that certificate's key."""
    most_stored: int = 4 << 30
    """Bytes that its store takes on disk, at most."""


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """The files of the server, below the link's directory."""

    directory: Path

    @property
    def configuration(self) -> Path:
        """What the server is started with."""
        return self.directory / "nats.conf"

    @property
    def accounts(self) -> Path:
        """The part of it that says who may connect; a server that the user runs includes this."""
        return self.directory / "accounts.conf"

    @property
    def pid_file(self) -> Path:
        """The server writes its PID there."""
        return self.directory / "server.pid"

    def admin_key(self) -> Key:
        """By which the hub's process makes streams and lets hosts in."""
        return load_key(self.directory / "admin.key")

    def system_key(self) -> Key:
        """By which it has the server read its accounts anew."""
        return load_key(self.directory / "system.key")


def server_place(workspace: Workspace) -> ServerPlace:
    """The files of this workspace's server; the directory and the keys are made if need be."""
    directory = make_link_directory(workspace) / "server"
    writing.make_directory(directory)
    directory.chmod(0o700)
    for name in ("admin.key", "system.key"):
        make_key(directory / name)
    return ServerPlace(directory)


def server_accounts(place: ServerPlace, project: str, found: Accounts) -> str:
    """Who may connect, as the server reads it."""
    return accounts_text(project, found, place.admin_key().public, place.system_key().public)


def write_accounts(place: ServerPlace, text: str) -> None:
    """Write who may connect, for the server to read when it is told to, or started: until it was told to, it is not
    known to follow what was written last, nor what it followed before."""
    with suppress(FileNotFoundError):
        if read_bytes(place.accounts, links=False) == text.encode():
            return
    (place.directory / _APPLIED).unlink(missing_ok=True)
    writing.replace(place.accounts, text.encode())


def mark_applied(place: ServerPlace, text: str) -> None:
    """Say that the server read these accounts."""
    writing.replace(place.directory / _APPLIED, digest(text.encode()).encode(), durable=False)


def is_applied(place: ServerPlace, text: str) -> bool:
    """Whether the server follows these accounts, as far as is known."""
    try:
        return read_bytes(place.directory / _APPLIED, links=False, most=4096) == digest(text.encode()).encode()
    except FileNotFoundError:
        return False


def write_configuration(place: ServerPlace, project: str, host: str, listening: Listening) -> None:
    """Write all that the server is started with."""
    said: dict[str, Any] = {
        "server_name": f"{project}-{host}",
        "listen": listening.address,
        "max_payload": MAX_PAYLOAD,
        "max_connections": 256,
        "max_subscriptions": 1024,
        "ping_interval": "10s",
        "write_deadline": "10s",
        "pid_file": str(place.pid_file),
        "logfile": str(place.directory / "nats.log"),
        "logfile_size_limit": 4 << 20,
        "logfile_max_num": 2,
        "jetstream": {
            "store_dir": str(place.directory / "store"),
            # Each message is on disk before its publisher is told so: else a power cut takes what was acknowledged.
            "sync_interval": "always",
            "max_file_store": listening.most_stored,
        },
    }
    if listening.certificate:
        said["tls"] = {"cert_file": listening.certificate, "key_file": listening.key, "min_version": "1.2"}
    lines = [f"{key}: {json.dumps(value)}" for key, value in said.items()]
    text = "\n".join(["# Made by mailcore link: what you write here is lost.", *lines, "include accounts.conf", ""])
    writing.replace(place.configuration, text.encode())
    write_accounts(place, server_accounts(place, project, read_accounts(place.directory)))


def server_program() -> str:
    """The path of the server's program. MailcoreError if it is not installed."""
    beside = Path(sys.executable).with_name(PROGRAM)
    found = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if found is None:
        raise MailcoreError(f"{PROGRAM} is not installed: pip install 'praxmonitor[link]'", "missing")
    return found


class ServerProcess:
    """The server's process: started, started again when it ends, ended with us."""

    def __init__(self, place: ServerPlace, on_trouble: Callable[[str], None]) -> None:
        self._place, self._on_trouble = place, on_trouble
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The server's PID; 0 while none runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else 0

    async def run(self) -> None:
        """Keep it running until cancelled; then it is ended."""
        again = _AGAIN
        await asyncio.to_thread(end_left_over, self._place)
        try:
            while True:
                began = asyncio.get_running_loop().time()
                self._process = await asyncio.create_subprocess_exec(
                    server_program(),
                    "-c",
                    str(self._place.configuration),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
                assert self._process.stderr is not None
                said = (await self._process.stderr.read(4096)).decode("utf-8", "replace").strip()
                status = await self._process.wait()
                again = _AGAIN if asyncio.get_running_loop().time() - began > _LONGEST_AGAIN else again
                self._on_trouble(f"the server ended with {status}{f': {said}' if said else ''}; started again")
                await asyncio.sleep(again)
                again = min(2 * again, _LONGEST_AGAIN)
        finally:
            if self._process is not None:
                await end_child(self._process, STOP_WITHIN)


def end_left_over(place: ServerPlace) -> None:
    """End the server that an earlier process of ours left running, as when it was killed: it has the store and the
    port."""
    try:
        pid = int(read_bytes(place.pid_file, links=False, most=64))
    except (OSError, ValueError):
        return
    ticks = start_ticks(pid)
    if not ticks or str(place.configuration).encode() not in (command_line(pid) or ()):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        send_signal(pid, ticks, number)
        if wait_for_end(pid, ticks, STOP_WITHIN):
            return
