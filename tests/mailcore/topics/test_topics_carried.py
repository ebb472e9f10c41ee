"""Topics over the real link: server, carriers, channels; a host that is away, and one that joins later."""

from __future__ import annotations

import asyncio

import pytest

from mailcore.link.carrier import Carrier
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.schemas.document import Data
from mailcore.topics import publishing, topic_log
from tests.mailcore.link.conftest import Net, net

pytestmark = pytest.mark.anyio
__all__ = ("net",)


def carry(net: Net, name: str) -> None:
    """The carrier as it is: with what carries out topics."""
    made = net.carriers[name] = Carrier(
        net.workspaces[name], on_state=lambda _, words: net.said.append(words) if words else None
    )
    net.start(name, made.run())


def got(net: Net, name: str) -> list[str]:
    return [mail.subject for mail in reversed(read_mailbox(net.workspaces[name].agent("@writer").inbox).messages)]


async def test_subscribers_everywhere_get_it_whoever_was_away(net: Net) -> None:
    net.found()
    await net.start_server()
    await net.add("beta")
    for name in ("alpha", "beta"):
        carry(net, name)
    await net.until_connected("alpha", "beta")
    alpha, beta = net.workspaces["alpha"], net.workspaces["beta"]

    def publish(subject: str) -> None:
        publishing.publish(alpha, alpha.agent("@writer"), "release", subject, "b", Data({"is": subject}))

    def subscribe(name: str) -> None:
        publishing.subscribe(net.workspaces[name], net.workspaces[name].agent("@writer"), "release")

    await asyncio.to_thread(publishing.create_topic, alpha, alpha.agent("@writer"), "release")
    await net.until(lambda: topic_log.read_topics(beta), "beta knows the topic")
    await asyncio.to_thread(subscribe, "beta")
    await asyncio.to_thread(publish, "1")
    await net.until(lambda: got(net, "beta") == ["[#release] 1"], "it comes")
    await net.stop("beta")
    for subject in ("2", "3"):
        await asyncio.to_thread(publish, subject)
    await net.add("gamma")
    carry(net, "gamma")
    await net.until(lambda: topic_log.read_topics(net.workspaces["gamma"]), "gamma is told of the topic")
    await net.until(lambda: topic_log.read_topic(net.workspaces["gamma"], "release").last == 3, "and what it retains")
    await asyncio.to_thread(subscribe, "gamma")
    everything = [f"[#release] {number}" for number in (1, 2, 3)]
    assert got(net, "gamma") == everything
    carry(net, "beta")
    await net.until(lambda: got(net, "beta") == everything, "beta catches up")
    await net.until(
        lambda: topic_log.read_topic(alpha, "release").elsewhere.get("gamma") == ("@writer",), "who subscribes"
    )
    await net.until(lambda: not net.waits("alpha", "beta"), "all is confirmed")
