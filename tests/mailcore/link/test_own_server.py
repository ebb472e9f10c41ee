"""A NATS server that a person runs, in place of the link's own, with the accounts that it includes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.hosts.directory import read_host
from mailcore.hosts.membership import member
from mailcore.link.accounts import read_accounts
from mailcore.link.founding import free_port
from mailcore.link.hub import Hub
from mailcore.link.inviting import revoke
from mailcore.link.server import ServerPlace, ServerProcess, server_accounts, write_accounts
from tests.mailcore.link.conftest import Net

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(net: Net, tmp_path: Path) -> AsyncIterator[Net]:
    """Two hosts whose server is a person's: its own configuration, in a directory of its own, includes the accounts by
    a path as seen from there."""
    port = free_port()
    net.config = replace(net.config, server=(f"127.0.0.1:{port}",))
    net.found()
    m = member(net.workspaces["alpha"])
    write_accounts(net.files, server_accounts(net.files, m.project, read_accounts(net.files.directory)))
    place = ServerPlace(tmp_path / "somebody" / "nats")
    place.directory.mkdir(parents=True)
    accounts = os.path.relpath(net.files.accounts, place.directory)
    place.configuration.write_text(
        f'listen: "127.0.0.1:{port}"\nmax_payload: 8MB\n'
        f'jetstream {{ store_dir: "{place.directory}/store", sync_interval: always }}\n'
        f"include {accounts}\n"
    )
    net.server = ServerProcess(place, net.said.append)
    net.start("server", net.server.run())
    net.start("hub", Hub(net.files, m, net.said.append).run())
    await net.add("beta")
    net.carry("alpha")
    net.carry("beta")
    await net.until_connected("alpha", "beta")
    yield net


async def test_mail_goes_over_a_persons_own_server_and_who_is_revoked_is_thrown_out(own: Net) -> None:
    assert not own.files.configuration.exists(), "the link starts none"
    own.put("alpha", "beta", 3)
    own.put("beta", "alpha", 2)
    await own.until(lambda: len(own.carried("beta")) == 3 and len(own.carried("alpha")) == 2)
    await own.until(lambda: not own.waits("alpha", "beta") and not own.waits("beta", "alpha"), "confirmed")
    revoke(own.workspaces["alpha"], "beta")
    await own.until(lambda: not own.carriers["beta"].is_connected, "the server follows the accounts")

    def thrown_out() -> bool:
        record = read_host(own.workspaces["alpha"], "beta")
        return record is not None and record.revoked

    await own.until(thrown_out, "all are told")
    assert own.server is not None and own.server.pid, "by a reload, not by a new start"
    assert not any("started again" in words for words in own.said)
