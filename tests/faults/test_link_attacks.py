"""A host of the link turns hostile: what it forges, repeats, floods or sends too large harms no other, and is told.

Real server, real links, over loopback. @mallory's link does not run: its key is in the hands of these tests.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mailcore.hosts import channel
from mailcore.hosts.directory import read_hosts
from mailcore.hosts.keys import HOST_KEY, Key, load_key, make_key
from mailcore.hosts.link_status import read_link_status
from mailcore.hosts.membership import link_directory, member
from mailcore.link.connection import connected
from mailcore.link.subjects import Subjects, inbox_of
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import wait_until

if TYPE_CHECKING:
    from nats.aio.client import Client

MAILCORE = str(Path(sys.executable).with_name("mailcore"))
WITHIN = 30.0
MEMORY = 120.0
"""Megabytes that a link may take while it is flooded."""


@dataclass(frozen=True)
class Link:
    """alpha, the hub, and beta, whose links run; mallory, which joined."""

    hosts: dict[str, Workspace]
    processes: dict[str, subprocess.Popen[bytes]]
    directory: Path

    def mailcore(self, host: str, *words: str) -> subprocess.CompletedProcess[str]:
        line = [MAILCORE, "-C", str(self.hosts[host].root), *words, "--from", "@operator"]
        return subprocess.run(line, capture_output=True, text=True, timeout=60)

    def well(self, host: str, *words: str) -> str:
        done = self.mailcore(host, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, host: str, *words: str) -> None:
        with (self.directory / f"{host}.log").open("ab") as log:
            line = [MAILCORE, "-C", str(self.hosts[host].root), "link", *words, "--from", "@operator"]
            self.processes[host] = subprocess.Popen(line, stdout=log, stderr=log)
        wait_until(lambda: is_connected(self.hosts[host]), WITHIN, lambda: self.log(host))

    def log(self, host: str) -> str:
        return (self.directory / f"{host}.log").read_text()

    def mails(self, host: str = "beta", agent: str = "@writer") -> list[dict[str, Any]]:
        box = self.hosts[host].agent(agent).inbox
        mails: list[dict[str, Any]] = json.loads(box.read_bytes())["messages"] if box.exists() else []
        return mails

    def memory(self, host: str) -> float:
        text = Path(f"/proc/{self.processes[host].pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def key(self, host: str) -> Key:
        return load_key(link_directory(self.hosts[host]) / HOST_KEY)

    @property
    def names(self) -> Subjects:
        return Subjects(member(self.hosts["alpha"]).project)


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    directory = tmp_path_factory.mktemp("link")
    hosts = {}
    for name in ("alpha", "beta", "mallory"):
        hosts[name] = create.create_workspace(directory / name, [("writer", "agents/writer")])
        hosts[name].config_file.write_text("[errors]\nwatch = false\n")
    made = Link(hosts, {}, directory)
    try:
        made.start("alpha", "serve", "--host", "alpha", "--listen", "127.0.0.1:0")
        for name in ("beta", "mallory"):
            token = json.loads(made.well("alpha", "link", "invite", name, "--json"))["token"]
            made.well(name, "link", "join", token)
        made.start("beta", "run")
        wait_until(
            lambda: any(record.agents for record in read_hosts(hosts["alpha"])), WITHIN, lambda: made.log("alpha")
        )
        yield made
    finally:
        for process in made.processes.values():
            process.terminate()
        for process in made.processes.values():
            process.wait(30)


class Attacker:
    """A connection by mallory's key, and what the server says to what it does there."""

    def __init__(self, link: Link, client: Client) -> None:
        self.link, self.client = link, client
        self.epoch = secrets.token_hex(8)

    def envelope(self, number: int, **other: Any) -> Envelope:
        """A mail to @writer of beta, signed by mallory, unless `other` says so."""
        mail = {"subject": self.subject(number), "message": "body", "priority": "normal"}
        body = {"to": "@writer", "from": "@writer", "mail": mail, "record": "x.json"}
        said: dict[str, Any] = {
            "kind": EnvelopeKind.MAIL,
            "id": secrets.token_hex(16),
            "sender": "mallory",
            "to": "beta",
        }
        said |= {"epoch": self.epoch, "seq": number, "first": 1, "at": time.time(), "body": body}
        return channel.signed(Envelope(**{**said, **other}), self.link.key("mallory"))

    def subject(self, number: int) -> str:
        return f"from mallory {self.epoch} {number}"

    async def publish(self, envelope: Envelope, by: str = "mallory") -> None:
        """One that travels alone."""
        await self.client.publish(self.link.names.to("beta", by), msgspec.json.encode([envelope]))

    def arrived(self) -> list[str]:
        return [mail["subject"] for mail in self.link.mails() if self.epoch in mail["subject"]]


@asynccontextmanager
async def attacking(link: Link) -> AsyncIterator[tuple[Attacker, list[str]]]:
    """The attacker, and the refusals that the server tells it."""
    told: list[str] = []

    async def note(error: Exception) -> None:
        told.append(str(error))

    async with connected(member(link.hosts["alpha"]).server, link.key("mallory"), inbox_of("mallory")) as (client, _):
        client._error_cb = note
        yield Attacker(link, client), told


def is_connected(workspace: Workspace) -> bool:
    """The link of that workspace has reached its server."""
    status = read_link_status(workspace)
    return status is not None and status.is_connected


async def until(condition: Callable[[], object], why: str, within: float = WITHIN) -> None:
    await asyncio.to_thread(wait_until, condition, within, why)


async def mail_goes_on(link: Link, within: float = WITHIN) -> None:
    """Mail of an honest host arrives all the while."""
    subject = f"honest {secrets.token_hex(4)}"
    await asyncio.to_thread(link.well, "alpha", "send", "@writer.beta", subject, "body")
    await until(lambda: subject in [mail["subject"] for mail in link.mails()], link.log("beta")[-2000:], within)


@pytest.mark.anyio
async def test_a_host_publishes_as_itself_only(link: Link) -> None:
    async with attacking(link) as (mallory, told):
        await mallory.publish(mallory.envelope(1, sender="alpha"), by="alpha")
        await until(lambda: any("permissions violation" in words.lower() for words in told), str(told))
        await mail_goes_on(link)
        assert not mallory.arrived()


@pytest.mark.anyio
async def test_a_forged_sender_is_refused_and_told(link: Link) -> None:
    async with attacking(link) as (mallory, _):
        await mallory.publish(mallory.envelope(1, sender="alpha"))
        await until(lambda: "says it is from 'alpha'" in link.log("beta"), "beta tells of it")
        strange = make_key(link.directory / "strange.key")
        await mallory.publish(channel.signed(mallory.envelope(1), strange))
        await until(lambda: "not signed by mallory's key" in link.log("beta"), "beta tells of it")
        changed = msgspec.structs.replace(mallory.envelope(1), body={"to": "@writer"})
        await mallory.publish(changed)
        await mallory.publish(mallory.envelope(1, to="alpha"))
        await mallory.client.publish(link.names.to("beta", "mallory"), b"[" * 100_000)
        await mail_goes_on(link)
        assert not mallory.arrived()


@pytest.mark.anyio
async def test_what_is_sent_as_another_agent_names_the_host_it_came_from(link: Link) -> None:
    async with attacking(link) as (mallory, _):
        first = mallory.envelope(1)
        body = {**first.body, "from": "@operator", "mail": {**first.body["mail"], "from": "@operator"}}
        await mallory.publish(mallory.envelope(1, body={**body, "from": "@lead.alpha"}))
        await mallory.publish(mallory.envelope(2, body=body))
        await until(mallory.arrived, "one of both arrives")
        await mail_goes_on(link)
        senders = {mail["from"] for mail in link.mails() if mallory.epoch in mail["subject"]}
        assert senders == {"@operator.mallory"}


@pytest.mark.anyio
async def test_a_repeated_envelope_is_delivered_once(link: Link) -> None:
    async with attacking(link) as (mallory, _):
        one, two = mallory.envelope(1), mallory.envelope(2)
        for envelope in [one, one, two, one, two, two] * 20:
            await mallory.publish(envelope)
        await mallory.publish(mallory.envelope(3))
        await until(lambda: len(mallory.arrived()) >= 3, "the last one arrives")
        await mail_goes_on(link)
        # Neither are they anybody else's to repeat: a mail of alpha's, that mallory got, is alpha's and mallory's.
        body = {**mallory.envelope(1).body, "mail": {"subject": "for mallory", "message": "body"}}
        for_mallory = channel.put(link.hosts["alpha"], "mallory", EnvelopeKind.MAIL, body)
        await mallory.publish(for_mallory)
        await mail_goes_on(link)
        assert sorted(mallory.arrived()) == sorted(mallory.subject(number) for number in (1, 2, 3))
        assert "for mallory" not in [mail["subject"] for mail in link.mails()]


@pytest.mark.anyio
async def test_nobody_hears_what_is_for_others(link: Link) -> None:
    async with attacking(link) as (mallory, told):
        heard: list[str] = []

        async def hear(message: Any) -> None:
            heard.append(message.subject)

        names = link.names
        for subject in (names.to("beta", "*"), ">", inbox_of("beta") + ".>", names.ask("beta", "*")):
            await mallory.client.subscribe(subject, cb=hear)
        stream = f"$JS.API.STREAM.MSG.GET.{names.mail_stream}"
        await mallory.client.publish(stream, b'{"last_by_subject": ">"}', reply=inbox_of("mallory") + ".x")
        await mallory.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{names.mail_stream}.beta", b"5", reply="x")
        await mallory.client.publish(f"$JS.API.STREAM.PURGE.{names.mail_stream}", b"")
        await mallory.client.publish(f"$JS.API.STREAM.DELETE.{names.mail_stream}", b"")
        await mallory.client.publish("$SYS.REQ.SERVER.PING", b"")
        await until(lambda: len(told) >= 9, str(told))
        await mail_goes_on(link)
        assert not heard


@pytest.mark.anyio
@pytest.mark.parametrize("epochs", [1, 40])
async def test_a_flood_is_bounded_and_stops_nobody(link: Link, epochs: int) -> None:
    """Envelopes for which one is missing: they wait for it, but not for ever more of them."""
    async with attacking(link) as (mallory, _):
        filler = "x" * 100_000
        body = {**mallory.envelope(1).body, "filler": filler}
        numbers = [secrets.token_hex(8) for _ in range(epochs)]
        for number in range(3_000):
            await mallory.publish(mallory.envelope(number // epochs + 2, epoch=numbers[number % epochs], body=body))
            if number % 100 == 0:
                await mallory.client.flush(30)
        await mail_goes_on(link)
        assert link.memory("beta") < MEMORY
        assert not mallory.arrived()


@pytest.mark.anyio
async def test_a_flood_of_questions_and_beats_stops_nobody(link: Link) -> None:
    async with attacking(link) as (mallory, _):
        for number in range(20_000):
            await mallory.client.publish(
                link.names.ask("beta", "mallory"), b"[" * 500, reply=inbox_of("mallory") + ".q"
            )
            await mallory.client.publish(link.names.beat("mallory"), b'{"at": 1e308}')
            await mallory.client.publish(link.names.about("mallory"), b'{"agents": ["' + b"@x" * 500 + b'"]}')
            if number % 1000 == 0:
                await mallory.client.flush(30)
        await mail_goes_on(link)
        assert link.memory("beta") < MEMORY


@pytest.mark.anyio
async def test_a_mail_of_100_mb_is_refused_where_it_is_written_and_by_the_server(link: Link) -> None:
    big = link.directory / "big"
    big.write_bytes(b"x" * 100_000_000)
    line = [MAILCORE, "-C", str(link.hosts["alpha"].root), "send", "@writer.beta", "big", "-", "--from", "@operator"]
    with big.open("rb") as text:
        done = subprocess.run(line, stdin=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "max_body" in done.stdout + done.stderr, done
    big.unlink()
    async with attacking(link) as (mallory, _):
        body = mallory.envelope(1).body
        huge = {**body, "mail": {**body["mail"], "message": "x" * 6_000_000}}
        await mallory.publish(mallory.envelope(1, body=huge))
        await mallory.publish(mallory.envelope(1))
        await until(mallory.arrived, "the one that is not refused arrives")
        assert mallory.arrived() == [mallory.subject(1)]
        with pytest.raises(Exception, match=r"(?i)maximum payload"):
            await mallory.client.publish(link.names.to("beta", "mallory"), b"x" * 100_000_000)
    await mail_goes_on(link)


@pytest.mark.anyio
@pytest.mark.parametrize("depth", [channel.MOST_NESTED // 2, channel.MOST_NESTED, 900, 100_000])
async def test_a_mail_that_is_nested_deeply_stops_nothing_that_comes_after_it(link: Link, depth: int) -> None:
    async with attacking(link) as (mallory, _):
        first = mallory.envelope(1)
        nested: Any = []
        if depth < 1000:
            for _ in range(depth):
                nested = [nested]
            first = mallory.envelope(1, body={**first.body, "mail": {**first.body["mail"], "deep": nested}})
        data = msgspec.json.encode([first])
        if depth > 1000:
            data = data.replace(b'"priority":"normal"', b'"priority":' + b"[" * depth + b"]" * depth)
        await mallory.client.publish(link.names.to("beta", "mallory"), data)
        await mail_goes_on(link)
        number = 2 if depth < channel.MOST_NESTED else 1  # what is deeper is not taken: the one of its number still is
        await mallory.publish(mallory.envelope(number))
        await until(lambda: mallory.subject(number) in mallory.arrived(), link.log("beta")[-2000:])
        assert mallory.arrived().count(mallory.subject(number)) == 1 and len(mallory.arrived()) <= 2


@pytest.mark.anyio
@pytest.mark.parametrize("at", [1e308, -1e308, 1e12, -1e12])
async def test_a_mail_of_no_time_stops_nothing_that_comes_after_it(link: Link, at: float) -> None:
    async with attacking(link) as (mallory, _):
        await mallory.publish(mallory.envelope(1, at=at))
        await mallory.publish(mallory.envelope(2))
        await until(lambda: mallory.arrived() == [mallory.subject(2)], link.log("beta")[-2000:])
        await mail_goes_on(link)
        assert mallory.arrived() == [mallory.subject(2)], "the one of no time is not taken later either"


def test_a_token_is_good_once(link: Link, tmp_path: Path) -> None:
    token = json.loads(link.well("alpha", "link", "invite", "gamma", "--json"))["token"]
    for name in ("one", "two"):
        link.hosts[name] = create.create_workspace(tmp_path / name, [("writer", "agents/writer")])
    link.well("one", "link", "join", token)
    again = link.mailcore("two", "link", "join", token)
    assert again.returncode == 3 and "does not take this token: it was used" in again.stderr, again
    broken = link.mailcore("two", "link", "join", token[:-9])
    assert broken.returncode == 2 and "token" in broken.stderr, broken
    there = link.mailcore("alpha", "link", "invite", "beta")
    assert there.returncode == 3 and "there is a host beta" in there.stderr, there


@pytest.mark.anyio
async def test_who_is_revoked_is_out_at_once(link: Link, tmp_path: Path) -> None:
    link.hosts["delta"] = create.create_workspace(tmp_path / "delta", [("writer", "agents/writer")])
    token = json.loads(link.well("alpha", "link", "invite", "delta", "--json"))["token"]
    link.well("delta", "link", "join", token)
    server = member(link.hosts["alpha"]).server
    async with connected(server, link.key("delta"), inbox_of("delta")) as (_, broken):
        await asyncio.to_thread(link.well, "alpha", "link", "revoke", "delta")
        await asyncio.wait_for(broken, WITHIN)
    with pytest.raises(Exception, match="revoked"):
        async with connected(server, link.key("delta"), inbox_of("delta")):
            pass
    again = link.mailcore("delta", "link", "join", token)
    assert again.returncode == 3, again
