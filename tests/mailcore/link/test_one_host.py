"""One host of the link, whatever it publishes, stops nobody else's mail and takes nobody else's room at the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mailcore.hosts.channel import MAX_ENVELOPE
from mailcore.hosts.membership import member
from mailcore.link.connection import connected
from mailcore.link.inviting import invite, revoke
from mailcore.link.server import MAX_PAYLOAD
from mailcore.link.streams import MOST_PARCEL, ensure_streams
from tests.mailcore.link.conftest import Net

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def administered(net: Net) -> AsyncIterator[Any]:
    """The streams, as the hub's own process reaches them."""
    async with connected(member(net.workspaces["alpha"]).server, net.files.admin_key(), "_INBOX.-test") as (client, _):
        yield client.jetstream()


async def subjects_of(context: Any, stream: str) -> dict[str, int]:
    """Which subjects the server holds messages of."""
    found = await context.stream_info(stream, subjects_filter=">")
    return found.state.subjects or {}


async def refused(context: Any, subject: str, data: bytes) -> None:
    from nats.errors import Error

    with pytest.raises(Error):
        await context.publish(subject, data, timeout=5)


async def test_what_no_host_can_pull_the_server_does_not_take(pair: Net) -> None:
    await pair.add("gamma")
    names = pair.names
    async with pair.client("gamma") as client:
        await refused(client.jetstream(), names.to("alpha", "gamma"), bytes(MAX_PAYLOAD - 100))
        await refused(client.jetstream(), names.to("alpha", "gamma"), bytes(MOST_PARCEL + 1))
        await refused(client.jetstream(), names.about("gamma"), bytes(MAX_PAYLOAD - 100))
    pair.put("beta", "alpha")
    await pair.until(lambda: len(pair.carried("alpha")) == 1, "the mail of another comes")
    pair.put("beta", "alpha", 1, MAX_ENVELOPE - 1000)
    await pair.until(lambda: len(pair.carried("alpha")) == 2, "also the largest there is")
    assert {one.sender for one in pair.carried("alpha")} == {"beta"}


async def test_nothing_is_kept_for_hosts_that_there_are_not(pair: Net) -> None:
    await pair.add("gamma")
    names = pair.names
    async with pair.client("gamma") as client:
        context = client.jetstream()
        await refused(context, names.to("nobody", "gamma"), b"x")
        await refused(context, names.confirmed("nobody", "gamma"), b"x")
        mail = await context.publish(names.to("beta", "gamma"), b"x", timeout=5)
        word = await context.publish(names.confirmed("beta", "gamma"), b"x", timeout=5)
    assert (mail.stream, word.stream) == (names.mail_stream, names.state_stream)


async def test_who_is_thrown_out_leaves_nothing_at_the_server(pair: Net) -> None:
    await pair.add("gamma")
    await pair.stop("beta")
    names = pair.names
    pair.put("alpha", "beta")
    async with pair.client("gamma") as client:
        for subject in (names.to("beta", "gamma"), names.confirmed("beta", "gamma"), names.about("gamma")):
            await client.jetstream().publish(subject, b"x", timeout=5)
    async with administered(pair) as context:

        async def held() -> dict[str, int]:
            return {
                subject: count
                for stream in (names.mail_stream, names.state_stream)
                for subject, count in (await subjects_of(context, stream)).items()
            }

        async def honest() -> bool:
            return names.to("beta", "alpha") in await held()

        await pair.until(honest, "alpha's mail for beta is at the server")
        assert {names.to("beta", "gamma"), names.confirmed("beta", "gamma"), names.about("gamma")} <= set(await held())
        assert await asyncio.to_thread(revoke, pair.workspaces["alpha"], "gamma")

        async def gone() -> bool:
            return not [subject for subject in await held() if "gamma" in subject]

        await pair.until(gone, "all that gamma published")
        assert names.to("beta", "alpha") in await held(), "and nothing else"
    pair.carry("beta")
    await pair.until(lambda: len(pair.carried("beta")) == 1)


async def test_to_a_host_that_is_thrown_out_nothing_is_sent_any_more(pair: Net) -> None:
    carrier = pair.carriers["alpha"]
    await pair.until(lambda: "beta" in carrier._sending)
    assert await asyncio.to_thread(revoke, pair.workspaces["alpha"], "beta")
    await pair.until(lambda: "beta" not in carrier._sending, "it stops")
    await pair.stop("beta")
    _, token = await asyncio.to_thread(invite, pair.workspaces["alpha"], pair.config, "beta")
    await pair.joined(pair.make("again"), token)
    pair.workspaces["beta"] = pair.workspaces.pop("again")
    pair.put("alpha", "beta")
    pair.carry("beta")
    await pair.until(lambda: len(pair.carried("beta")) == 1, "it came again by a new token")


async def test_the_streams_of_an_earlier_version_follow(pair: Net) -> None:
    await pair.stop("hub")
    names = pair.names
    async with administered(pair) as context:
        for stream in (names.mail_stream, names.state_stream):
            before = (await context.stream_info(stream)).config
            await context.update_stream(before.evolve(max_msg_size=-1))
        await ensure_streams(context, names, ["alpha", "beta", "gamma"])
        await ensure_streams(context, names, ["alpha", "beta", "gamma"])
        config = (await context.stream_info(names.mail_stream)).config
        assert config.max_msg_size == MOST_PARCEL and names.to("gamma", "*") in config.subjects
