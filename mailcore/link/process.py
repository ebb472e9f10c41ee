"""The link's process: what carries, and on the hub the server; one for each workspace, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from mailcore.config import Link
from mailcore.exceptions import Refused
from mailcore.hosts.link_status import LOCK, LinkReport, write_link_report
from mailcore.hosts.membership import HUB, link_directory, member
from mailcore.link.accounts import read_accounts
from mailcore.link.carrier import Carrier
from mailcore.link.forward import forward_of, keep_forward
from mailcore.link.founding import listening
from mailcore.link.hub import Hub
from mailcore.link.server import ServerProcess, server_accounts, server_place, write_accounts, write_configuration
from mailcore.link.together import Together, end_tasks
from mailcore.system.lock_holder import holder_words
from mailcore.system.locks import newest_lock_file, try_lock
from mailcore.system.memory import share_arenas
from mailcore.system.processes import start_ticks
from mailcore.system.safe_open import open_regular
from mailcore.workspace.find import Workspace

ARENAS = 2
"""Of its threads' memory: with one for each thread it keeps several times what it needs after a flood."""
BUSY = "busy"
"""The code of the refusal where another process of the link's runs."""


class LinkProcess:
    """One run of it."""

    def __init__(self, workspace: Workspace, config: Link, say: Callable[[str], None]) -> None:
        """`say` is called with each line for its log."""
        self._workspace, self._config, self._say = workspace, config, say
        self._membership = member(workspace)
        self._report = LinkReport(
            os.getpid(), start_ticks(os.getpid()), time.time(), server=" ".join(self._membership.server),
            version=version("praxmonitor"),
        )  # fmt: skip
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: ServerProcess | None = None
        self._carrier: Carrier | None = None

    async def run(self, ended: asyncio.Event) -> None:
        """Carry until `ended`. Refused (code `busy`) while another process does."""
        lock = link_directory(self._workspace) / LOCK
        descriptor = try_lock(lock, own=True)
        if descriptor is None:
            with open_regular(newest_lock_file(lock)) as held:
                raise Refused(f"the link of {self._workspace.root} is run by {holder_words(held.fileno())}", BUSY)
        share_arenas(ARENAS)
        self._loop = asyncio.get_running_loop()
        waiting: asyncio.Task[Any] = asyncio.create_task(ended.wait())
        work: asyncio.Task[Any] = asyncio.create_task(self._work())
        try:
            self._write()
            await asyncio.wait({waiting, work}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            await end_tasks({work, waiting})
            with suppress(OSError):
                (link_directory(self._workspace) / "status.json").unlink()
            os.close(descriptor)

    async def _work(self) -> None:
        self._carrier = carrier = Carrier(self._workspace, on_state=self._on_state)
        async with Together() as group:
            if self._membership.role == HUB:
                self._serve(group)
            if self._membership.ssh:
                group.start(keep_forward(forward_of(self._membership.ssh), self._on_trouble))
            group.start(carrier.run())

    def _serve(self, group: Together) -> None:
        m = self._membership
        place = server_place(self._workspace)
        if self._config.server:  # the user's own: it includes the accounts
            write_accounts(place, server_accounts(place, m.project, read_accounts(place.directory)))
        else:
            write_configuration(place, m.project, m.host, listening(place, self._config))
            self._server = ServerProcess(place, self._on_trouble)
            group.start(self._server.run())
        group.start(Hub(place, m, self._on_trouble).run())

    def _on_trouble(self, words: str) -> None:
        self._on_state(self._report.connected, words)

    def _on_state(self, connected: bool, words: str) -> None:
        """From any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._note, connected, words)

    def _note(self, connected: bool, words: str) -> None:
        import msgspec

        before = self._report
        if connected != before.connected:
            self._say(f"connected to {before.server}" if connected else "not connected")
        if words and words != before.trouble:
            self._say(words)
        changed = time.time() if connected != before.connected else before.changed_at
        server_pid = self._server.pid if self._server is not None else 0
        payload = self._carrier.max_payload if self._carrier is not None else 0
        self._report = msgspec.structs.replace(
            before, connected=connected, changed_at=changed, server_pid=server_pid, trouble=words, max_payload=payload
        )
        if self._report != before:
            self._write()

    def _write(self) -> None:
        with suppress(OSError):
            write_link_report(self._workspace, self._report)


async def run_link(
    workspace: Workspace, config: Link, say: Callable[[str], None], *, with_parent: bool = False
) -> None:
    """Run the link until SIGTERM, SIGINT or SIGHUP; `with_parent`: or until standard input closes."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    if with_parent:

        def look() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin)
                ended.set()

        loop.add_reader(sys.stdin, look)
    await LinkProcess(workspace, config, say).run(ended)
