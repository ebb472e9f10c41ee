"""Two hosts of one link on this machine, without a network: envelopes are handed over by the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.hosts import arrivals, channel
from mailcore.hosts.directory import read_host, write_host
from mailcore.hosts.keys import HOST_KEY, OPERATOR_KEY, make_key
from mailcore.hosts.membership import Membership, make_link_directory, write_membership
from mailcore.link.ask_server import serving_asks
from mailcore.link.handlers import ASKS, HANDLERS, function
from mailcore.model.link import Envelope, HostRecord
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import NAMES, House


@dataclass
class Pair:
    """The hosts alpha, where a person asks, and beta, where agents work."""

    alpha: House
    beta: House

    def carry(self) -> int:
        """Hand over what waits on either side, once; how much that was."""
        return sum(
            self._hand_over(source, name, target)
            for source, name, target in ((self.alpha, "beta", self.beta), (self.beta, "alpha", self.alpha))
        )

    def _hand_over(self, source: House, name: str, target: House) -> int:
        number = 0
        for envelope in channel.unconfirmed(source.workspace, name):
            taken = arrivals.take(target.workspace, envelope, lambda one, again: handled(target.workspace, one, again))
            channel.confirmed(source.workspace, name, taken.epoch, taken.last)
            number += 1
        return number


def handled(workspace: Workspace, envelope: Envelope, repeated: bool) -> None:
    """What the process of the link does with an envelope of these kinds."""
    function(HANDLERS[envelope.kind])(workspace, envelope, repeated)


def link(house: House, name: str) -> HostRecord:
    """Make the workspace the host `name`; what the other one is to know of it."""
    write_membership(house.workspace, Membership(name, "project"))
    directory = make_link_directory(house.workspace)
    key, person = make_key(directory / HOST_KEY), make_key(directory / OPERATOR_KEY)
    return HostRecord(name, key.public, person.public, tuple(agent.address for agent in house.workspace.agents))


@pytest.fixture
def pair(house: House, tmp_path: Path) -> Iterator[Pair]:
    """Alpha has nothing to do; on beta each agent is a command."""
    elsewhere = create.create_workspace(tmp_path / "elsewhere", [(name, f"agents/{name}") for name in NAMES])
    beta = House(elsewhere)
    for name in NAMES:
        beta.commands[name] = ["true"]
    beta.configure()
    of_alpha, of_beta = link(house, "alpha"), link(beta, "beta")
    write_host(house.workspace, of_beta)
    write_host(beta.workspace, of_alpha)
    yield Pair(house, beta)
    beta.close()


class Carrying:
    """Carries between two hosts all the time, and answers on alpha's socket, in a thread: a link without a network."""

    def __init__(self, pair: Pair) -> None:
        self._pair, self._over = pair, threading.Event()
        self.is_away = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        async with serving_asks(self._pair.alpha.workspace, self.ask_host):
            self._ready.set()
            while not self._over.is_set():
                if not self.is_away:
                    await asyncio.to_thread(self._pair.carry)
                await asyncio.to_thread(self._over.wait, 0.01)

    async def ask_host(self, host: str, name: str, question: dict[str, Any]) -> bytes:
        """What beta answers."""
        assert host == "beta"
        if self.is_away:
            raise MailcoreError("beta does not answer", "away")
        workspace = self._pair.beta.workspace
        asker = read_host(workspace, "alpha")
        answer: bytes = await asyncio.to_thread(function(ASKS[name]), workspace, asker, question)
        return answer


@pytest.fixture
def carrying(pair: Pair) -> Iterator[Carrying]:
    found = Carrying(pair)
    yield found
    found.close()
