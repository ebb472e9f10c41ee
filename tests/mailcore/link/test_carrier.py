"""What is put into a channel comes to the other host once, in order, whatever happens between."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts import channel
from mailcore.hosts.directory import read_host
from mailcore.hosts.membership import link_directory, member
from mailcore.link import handlers, receiving, sending
from mailcore.link.beats import Heard
from mailcore.link.connection import connected
from mailcore.link.parcels import Parcel, last_of, parcels
from mailcore.link.sending import Confirmation, Position, Sending
from mailcore.link.server import MAX_PAYLOAD
from mailcore.link.streams import ensure_streams
from mailcore.link.subjects import Subjects
from mailcore.model.link import Envelope, HostRecord
from mailcore.system.locks import locked
from mailcore.workspace.find import Workspace
from tests.mailcore.link.conftest import TROUBLE, Net

pytestmark = pytest.mark.anyio


def numbers(net: Net, name: str) -> list[int]:
    return [one.seq for one in net.carried(name)]


async def test_what_is_put_comes_once_and_in_order_and_is_confirmed(pair: Net) -> None:
    pair.put("alpha", "beta")
    await pair.until(lambda: numbers(pair, "beta") == [1])
    pair.put("alpha", "beta", 700, 400)
    pair.put("beta", "alpha", 3)
    await pair.until(lambda: numbers(pair, "beta") == list(range(1, 702)) and numbers(pair, "alpha") == [1, 2, 3])
    await pair.until(lambda: not pair.waits("alpha", "beta") and not pair.waits("beta", "alpha"), "confirmed")
    assert (numbers(pair, "beta"), numbers(pair, "alpha")) == (list(range(1, 702)), [1, 2, 3])


async def test_one_goes_at_once_and_what_comes_in_a_stream_goes_together(
    pair: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered, asked, published = asyncio.Event(), [], []

    async def gather(_: Sending, seconds: float) -> None:
        asked.append(seconds)
        await gathered.wait()

    def noted(envelopes: Iterable[Envelope]) -> Iterator[Parcel]:
        for parcel in parcels(envelopes):
            published.append((parcel.first, parcel.last))
            yield parcel

    monkeypatch.setattr(sending, "GATHER", 60.0)
    monkeypatch.setattr(sending, "GATHER_MOST", 100.0)
    monkeypatch.setattr(Sending, "_gather", gather)
    monkeypatch.setattr(sending, "parcels", noted)
    for _ in range(5):
        pair.put("alpha", "beta")
        await pair.until(lambda: asked, "it gathers")
    assert numbers(pair, "beta") in ([], [1]) and published == [(1, 1)]
    gathered.set()
    await pair.until(lambda: numbers(pair, "beta") == [1, 2, 3, 4, 5])
    pair.put("alpha", "beta")
    await pair.until(lambda: len(asked) == 2)
    assert published[:2] == [(1, 1), (2, 5)]
    assert 0.0 < asked[0] <= 60.0 < asked[1] <= 100.0, "longer after four, but no longer than allowed"


async def test_a_host_that_is_away_catches_up(pair: Net) -> None:
    await pair.stop("beta")
    pair.put("alpha", "beta", 300)
    last = f"$JS.API.DIRECT.GET.{pair.names.mail_stream}.{pair.names.to('beta', 'alpha')}"
    async with pair.client("alpha") as client:

        async def all_there() -> bool:
            return last_of((await client.request(last, b"", timeout=5)).data)[1] >= 300

        await pair.until(all_there, "the server has all of it")
    await pair.stop("alpha")
    pair.carry("beta")
    await pair.until(lambda: numbers(pair, "beta") == list(range(1, 301)), "though its sender is away now")
    assert pair.waits("alpha", "beta") == 300
    pair.carry("alpha")
    await pair.until(lambda: not pair.waits("alpha", "beta"), "what was confirmed meanwhile")
    assert numbers(pair, "beta") == list(range(1, 301))


async def test_a_server_that_is_killed_is_started_again_and_a_lost_store_loses_nothing(pair: Net) -> None:
    await pair.stop("beta")
    pair.put("alpha", "beta", 20)
    assert pair.server is not None
    before = pair.server.pid
    os.kill(before, signal.SIGKILL)
    shutil.rmtree(pair.files.directory / "store")
    pair.put("alpha", "beta", 20)
    pair.carry("beta")
    await pair.until(lambda: numbers(pair, "beta") == list(range(1, 41)))
    assert pair.server.pid not in (0, before) and any("started again" in words for words in pair.said)
    await pair.until(lambda: not pair.waits("alpha", "beta"))


async def test_the_whole_hub_goes_and_comes_back(pair: Net) -> None:
    await pair.stop("hub")
    await pair.stop("server")
    await pair.until(lambda: not pair.carriers["beta"].is_connected)
    pair.put("beta", "alpha", 2)
    await pair.start_server()
    await pair.until(lambda: numbers(pair, "alpha") == [1, 2])
    await pair.until(lambda: not pair.waits("beta", "alpha"), "confirmed")
    assert numbers(pair, "alpha") == [1, 2], "once"


async def test_what_the_disk_does_not_take_waits_and_stops_nobody_else(
    pair: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "DISK_AGAIN", 0.1)
    root = str(pair.workspaces["beta"].root)
    TROUBLE[root] = OSError(errno.ENOSPC, "No space left on device")
    pair.put("alpha", "beta", 3)
    await pair.until(lambda: any("No space left" in words for words in pair.said))
    assert numbers(pair, "beta") == [] and pair.waits("alpha", "beta") == 3
    del TROUBLE[root]
    await pair.until(lambda: numbers(pair, "beta") == [1, 2, 3])


async def test_a_flood_of_confirmations_halts_no_mail(pair: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is being written the others wait: of each host the last word is written, and what comes is taken."""
    pair.put("alpha", "beta")
    await pair.until(lambda: not pair.waits("alpha", "beta"), "confirmed")
    written: list[str] = []
    real = channel.confirmed

    def spied(workspace: Workspace, to: str, epoch: str, last: int, id: str = "") -> bool:
        written.append(id)
        return real(workspace, to, epoch, last, id)

    monkeypatch.setattr(channel, "confirmed", spied)
    async with pair.client("beta") as client:
        with locked(link_directory(pair.workspaces["alpha"]) / "out" / "beta" / ".lock"):
            for number in range(2_000):
                word = Confirmation(f"{number % 100:016}", number, str(number), want=True)
                await client.publish(pair.names.confirmed("alpha", "beta"), msgspec.json.encode(word))
            await client.flush()
            pair.put("beta", "alpha", 3)
            await pair.until(lambda: numbers(pair, "alpha") == [1, 2, 3], "mail comes meanwhile", seconds=8)
        await pair.until(lambda: "1999" in written, "the last word of all is written")
    assert len(written) < 100
    pair.put("alpha", "beta", 2)
    await pair.until(lambda: not pair.waits("alpha", "beta"), "confirmed")
    assert numbers(pair, "beta") == [1, 2, 3]


async def test_who_wants_all_again_all_the_time_gets_it_now_and_then(
    pair: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.stop("beta")
    pair.put("alpha", "beta", 5)
    read: list[float] = []
    real = channel.unconfirmed

    def spied(workspace: Workspace, to: str, after: int = 0, epoch: str = "") -> Iterator[Envelope]:
        read.append(time.monotonic())
        return real(workspace, to, after, epoch)

    monkeypatch.setattr(channel, "unconfirmed", spied)
    word = msgspec.json.encode(Confirmation("0" * 16, 0, want=True))
    async with pair.client("beta") as client:
        for _ in range(300):
            await client.publish(pair.names.confirmed("alpha", "beta"), word)
            await client.flush()
        await pair.until(lambda: read, "sent again")
    assert len(read) < 20
    pair.carry("beta")
    await pair.until(lambda: numbers(pair, "beta") == [1, 2, 3, 4, 5])


@pytest.mark.parametrize("trouble", [Refused("no such agent", "unknown_agent"), ZeroDivisionError("a fault of ours")])
async def test_what_is_refused_counts_as_taken(pair: Net, trouble: Exception) -> None:
    root = str(pair.workspaces["beta"].root)
    TROUBLE[root] = trouble
    pair.put("alpha", "beta")
    await pair.until(lambda: not pair.waits("alpha", "beta"), "confirmed")
    assert any(str(trouble) in words for words in pair.said)
    del TROUBLE[root]
    pair.put("alpha", "beta")
    await pair.until(lambda: numbers(pair, "beta") == [2])


async def test_one_that_is_missing_is_asked_for_and_sent_again(pair: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says that it has what it lost: as one whose store was brought back from a copy."""
    monkeypatch.setattr(receiving, "MISSING_FOR", 0.05)
    pair.put("alpha", "beta", 2)
    await pair.until(lambda: numbers(pair, "beta") == [1, 2])
    await pair.stop("alpha")
    await pair.stop("beta")
    pair.put("alpha", "beta", 3)
    last = [*channel.unconfirmed(pair.workspaces["alpha"], "beta")][-1]
    async with pair.client("alpha") as client:
        parcel = next(parcels([last]))
        await client.jetstream().publish(pair.names.to("beta", "alpha"), parcel.data)
    pair.carry("beta")
    pair.carry("alpha")
    await pair.until(lambda: numbers(pair, "beta") == [1, 2, 3, 4, 5])
    await pair.until(lambda: not pair.waits("alpha", "beta"))
    assert numbers(pair, "beta") == [1, 2, 3, 4, 5], "each once, though some were sent again"


async def test_what_the_server_does_not_take_is_offered_again(pair: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "NOT_TAKEN", 0.1)
    await pair.stop("beta")
    admin = pair.files.admin_key()
    async with connected(member(pair.workspaces["alpha"]).server, admin, "_INBOX.-test") as (client, _):
        context = client.jetstream()
        info = await context.stream_info(pair.names.mail_stream)
        await context.update_stream(replace(info.config, max_msgs_per_subject=1))

        async def stored() -> int:
            return int((await context.stream_info(pair.names.mail_stream)).state.messages)

        async def first_stored() -> bool:
            return await stored() == 1

        pair.put("alpha", "beta")
        await pair.until(first_stored, "the first is at the server")
        refused: list[bool] = []
        publish = Sending._publish_from

        async def noted(self: Sending, at: Position) -> tuple[Position, bool]:
            at, all_taken = await publish(self, at)
            refused.extend([] if all_taken else [True])
            return at, all_taken

        monkeypatch.setattr(Sending, "_publish_from", noted)
        pair.put("alpha", "beta")
        await pair.until(lambda: len(refused) > 1, "the second does not fit, also when it is offered again")
        assert await stored() == 1
    assert any("to beta: the server does not take it: maximum messages per subject" in words for words in pair.said)
    pair.carry("beta")
    await pair.until(lambda: numbers(pair, "beta") == [1, 2])
    await pair.until(lambda: "to beta:" not in pair.carriers["alpha"].trouble, "it is over")


async def test_a_server_that_takes_no_message_of_that_length_is_told_of(
    pair: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server of one's own does, whose settings were left as they come."""
    monkeypatch.setattr(sending, "NOT_TAKEN", 0.1)
    configuration = pair.files.configuration
    before = configuration.read_text()
    assert f"max_payload: {MAX_PAYLOAD}" in before and pair.server is not None
    configuration.write_text(before.replace(f"max_payload: {MAX_PAYLOAD}", f"max_payload: {1 << 20}"))
    os.kill(pair.server.pid, signal.SIGKILL)
    await pair.until(lambda: any("takes messages of 1.0 MB at most" in words for words in pair.said), "as it connects")
    await pair.until(lambda: pair.carriers["alpha"].max_payload == 1 << 20)
    pair.put("alpha", "beta", 1, 2 << 20)
    await pair.until(lambda: any("to beta: the server does not take it" in words for words in pair.said), "that too")
    assert pair.waits("alpha", "beta") == 1 and pair.carriers["alpha"].is_connected
    configuration.write_text(before)
    os.kill(pair.server.pid, signal.SIGKILL)
    await pair.until(lambda: numbers(pair, "beta") == [1], "the server takes it now")
    assert pair.carriers["alpha"].max_payload == MAX_PAYLOAD


async def test_hosts_know_who_is_there_and_who_their_agents_are(pair: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(of: str, at: str) -> HostRecord:
        return read_host(pair.workspaces[at], of) or HostRecord(of)

    await pair.until(lambda: record("beta", "alpha").agents == ("@writer",) and record("beta", "alpha").seen_at > 0)
    found = record("beta", "alpha")
    assert not found.away_since and found.skew is not None and abs(found.skew) < 5 and found.version
    assert found.key.startswith("U") and found.operator_key.startswith("U")
    monkeypatch.setattr("mailcore.link.beats.AWAY_AFTER", 0.2)
    await pair.stop("beta")
    await pair.until(lambda: record("beta", "alpha").away_since > 0, "away")
    assert record("beta", "alpha").away_since == pytest.approx(record("beta", "alpha").seen_at)


async def test_a_host_that_speaks_before_the_hub_has_listed_it_says_again_who_its_agents_are(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = asyncio.Event()

    async def slow(context: Any, names: Subjects, hosts: list[str]) -> None:
        if "beta" in hosts:
            await spoken.wait()
        await ensure_streams(context, names, hosts)

    net.found()
    await net.start_server()
    net.carry("alpha")
    await net.until_connected("alpha")
    monkeypatch.setattr("mailcore.link.hub.ensure_streams", slow)
    async with net.client("alpha") as client:
        beats = await client.subscribe(net.names.beat("beta"))
        await net.add("beta")
        net.carry("beta")
        await beats.next_msg(timeout=30.0)
        assert "beta" not in net.carriers["alpha"].neighbours.records
        spoken.set()
        await net.until(lambda: (read_host(net.workspaces["alpha"], "beta") or HostRecord("")).agents == ("@writer",))


def test_a_clock_is_taken_from_the_quickest_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.time", lambda: now)
    heard = Heard()
    assert heard.skew is None and not heard.is_there
    for late in (0.5, 0.1, 3.0):
        heard.beat(now + 100 - late)
    assert heard.skew == pytest.approx(99.9) and heard.is_there


async def test_a_question_is_answered_by_the_other_host(pair: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pair.carriers["beta"]._answering, "_asks", {"echo": f"{__name__}:echo", "much": f"{__name__}:much"}
    )
    alpha = pair.carriers["alpha"]
    assert await alpha.ask("beta", "echo", {"text": "hello"}) == b"alpha says hello"
    with pytest.raises(Refused, match="'nothing' is no question"):
        await alpha.ask("beta", "nothing", {})
    with pytest.raises(Refused, match="are not sent"):
        await alpha.ask("beta", "much", {})
    await pair.stop("beta")
    with pytest.raises(MailcoreError, match="beta does not answer"):
        await alpha.ask("beta", "echo", {}, 0.5)


def echo(workspace: Workspace, asker: HostRecord, question: dict[str, str]) -> bytes:
    return f"{asker.name} says {question['text']}".encode()


def much(workspace: Workspace, asker: HostRecord, question: dict[str, str]) -> bytes:
    return b"x" * (2 << 20)


async def test_sight_is_heard_by_the_others_alone(pair: Net) -> None:
    heard: list[tuple[str, bytes]] = []
    for carrier in pair.carriers.values():
        carrier.on_sight(lambda host, data: heard.append((host, data)))
    assert await pair.carriers["beta"].publish_sight(b"facts")
    await pair.until(lambda: heard == [("beta", b"facts")])


def test_every_handler_is_there() -> None:
    for name in [*handlers.HANDLERS.values(), *handlers.HANDLERS_OF_RUNS.values(), *handlers.REFUSERS.values(),
                 *handlers.ASKS.values(), *handlers.PARTS]:  # fmt: skip
        assert callable(handlers.function(name)), name
