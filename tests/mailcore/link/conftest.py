"""Hosts of a link in one process: real server, real connections, real files; what they carry is noted by the test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import Link
from mailcore.hosts import channel
from mailcore.hosts.keys import HOST_KEY, load_key
from mailcore.hosts.membership import link_directory, member
from mailcore.link.carrier import Carrier
from mailcore.link.connection import connected
from mailcore.link.founding import found_link, listening
from mailcore.link.hub import Hub
from mailcore.link.inviting import invite
from mailcore.link.join import join
from mailcore.link.joining import Token
from mailcore.link.server import ServerPlace, ServerProcess, server_place, write_configuration
from mailcore.link.subjects import Subjects, inbox_of
from mailcore.link.together import end_tasks
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.workspace.create import create_workspace
from mailcore.workspace.find import Workspace

CARRIED: dict[str, list[Envelope]] = defaultdict(list)
"""Root → what was carried out there, in order."""
TROUBLE: dict[str, Exception] = {}
"""Root → what carrying out raises there."""


def carry(workspace: Workspace, envelope: Envelope, repeated: bool) -> None:
    """The handler of all kinds: notes it, once by its id."""
    root = str(workspace.root)
    if root in TROUBLE:
        raise TROUBLE[root]
    if not repeated or all(one.id != envelope.id for one in CARRIED[root]):
        CARRIED[root].append(envelope)


ALL = dict.fromkeys(EnvelopeKind, f"{__name__}:carry")


async def _value_of(condition: Callable[[], object]) -> object:
    value = condition()
    return await value if isawaitable(value) else value


class Net:
    """Hosts by name, and what runs of each. `alpha` is the hub."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.config = Link()
        self.workspaces: dict[str, Workspace] = {}
        self.carriers: dict[str, Carrier] = {}
        self.said: list[str] = []
        """What went wrong, in words, of all."""
        self.server: ServerProcess | None = None
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def make(self, name: str) -> Workspace:
        made = create_workspace(self.place / name, [("writer", "agents/writer")])
        self.workspaces[name] = made
        return made

    @property
    def files(self) -> ServerPlace:
        return server_place(self.workspaces["alpha"])

    def found(self) -> None:
        found_link(self.make("alpha"), self.config, host="alpha")

    async def start_server(self) -> None:
        m = member(self.workspaces["alpha"])
        write_configuration(self.files, m.project, m.host, listening(self.files, self.config))
        self.server = ServerProcess(self.files, self.said.append)
        self.start("server", self.server.run())
        self.start("hub", Hub(self.files, m, self.said.append).run())

    async def add(self, name: str) -> Workspace:
        """Invite and join, as two persons do."""
        workspace = self.make(name)
        _, token = await asyncio.to_thread(invite, self.workspaces["alpha"], self.config, name)
        await self.joined(workspace, token)
        return workspace

    async def joined(self, workspace: Workspace, token: Token) -> None:
        deadline = time.monotonic() + 20
        while True:  # the server follows the accounts a moment later
            try:
                await asyncio.to_thread(join, workspace, token)
                return
            except Exception:
                if time.monotonic() > deadline:
                    raise
            await asyncio.to_thread(threading.Event().wait, 0.1)

    def carry(self, name: str) -> Carrier:
        """Let that host's carrier run."""
        made = Carrier(
            self.workspaces[name], handlers=ALL, on_state=lambda _, words: self.said.append(words) if words else None
        )
        self.carriers[name] = made
        self.start(name, made.run())
        return made

    def start(self, name: str, work: Any) -> None:
        self._tasks[name] = asyncio.create_task(work)

    async def stop(self, name: str) -> None:
        task = self._tasks.pop(name)
        await asyncio.wait_for(end_tasks({task}), 30)

    async def close(self) -> None:
        for name in reversed(list(self._tasks)):
            await self.stop(name)

    def carried(self, name: str) -> list[Envelope]:
        return CARRIED[str(self.workspaces[name].root)]

    def put(self, sender: str, to: str, number: int = 1, size: int = 10) -> None:
        contents = [channel.Content(EnvelopeKind.TOPIC, {"text": "x" * size}) for _ in range(number)]
        channel.put_all(self.workspaces[sender], to, contents)

    def waits(self, sender: str, to: str) -> int:
        return channel.waiting(self.workspaces[sender], to).count

    async def until(self, condition: Callable[[], object], what: str = "", seconds: float = 40.0) -> None:
        """Until it is true; fails with what went wrong so far."""
        deadline, tick = time.monotonic() + seconds, threading.Event()
        while not await _value_of(condition):
            for name, task in self._tasks.items():
                if task.done():
                    task.result()
                    pytest.fail(f"{name} ended")
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds:g} s: {what or condition}; said: {self.said[-10:]}")
            await asyncio.to_thread(tick.wait, 0.01)

    async def until_connected(self, *names: str) -> None:
        others = {name for name in self.carriers if name in names}
        for name in names:
            carrier = self.carriers[name]
            await self.until(
                lambda c=carrier: c.is_connected and others - {c.me} <= set(c.neighbours.records),  # type: ignore[misc]
                f"{name} connected",
            )

    @asynccontextmanager
    async def client(self, name: str) -> AsyncIterator[Any]:
        """A connection by that host's key, as a program of somebody's there has one."""
        workspace = self.workspaces[name]
        m = member(workspace)
        key = load_key(link_directory(workspace) / HOST_KEY)
        async with connected(m.server, key, inbox_of(name), certificate=m.certificate) as (client, _):
            yield client

    @property
    def names(self) -> Subjects:
        return Subjects(member(self.workspaces["alpha"]).project)


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    made = Net(tmp_path)
    yield made
    await made.close()
    TROUBLE.clear()
    CARRIED.clear()


@pytest.fixture
async def pair(net: Net) -> Net:
    """Alpha and beta, connected."""
    net.found()
    await net.start_server()
    await net.add("beta")
    net.carry("alpha")
    net.carry("beta")
    await net.until_connected("alpha", "beta")
    return net
