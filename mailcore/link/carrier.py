"""Carries what moves between this workspace and the other hosts of its link: one connection after another.

Nothing is kept in it that is not on disk: who is killed and started again goes on where it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts import channel
from mailcore.hosts.keys import HOST_KEY, load_key
from mailcore.hosts.membership import Membership, link_directory, member
from mailcore.hosts.reach_report import read_reach
from mailcore.link.asking import Answering, put_question
from mailcore.link.beats import BEAT
from mailcore.link.carry_out import CarryingOut
from mailcore.link.confirming import Confirming
from mailcore.link.connection import connected
from mailcore.link.directory_watch import watch_directories
from mailcore.link.handlers import HANDLERS, PARTS, function
from mailcore.link.neighbours import About, Beat, Listed, Neighbours
from mailcore.link.receiving import Receiving
from mailcore.link.sending import Confirmation, Position, Sending
from mailcore.link.streams import payload_words
from mailcore.link.subjects import Subjects, inbox_of, last_word
from mailcore.link.together import Together
from mailcore.model.link import EnvelopeKind
from mailcore.workspace.find import Workspace, workspace_at

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_AGAIN, _LONGEST_AGAIN = 0.2, 5.0
"""Seconds before the next connection: the first time, and at most."""

GREET_AFTER = 0.2
"""Seconds before a host that comes hears of those who are there: several may come at once."""

_MAX_WORDS = 1_000
"""Of what is said to have gone wrong: another host may have a part in its text."""

OnSight = Callable[[str, bytes], None]
"""Called in the loop with a host's name and what it published of its agents."""


class Carrier:
    """One workspace's part in its link. `run` it."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        handlers: Mapping[EnvelopeKind, str] = HANDLERS,
        on_state: Callable[[bool, str], None] = lambda _connected, _words: None,
    ) -> None:
        """`on_state` is called with whether it is connected, and with what went wrong last, when either changes."""
        self.workspace = workspace
        self.membership: Membership = member(workspace)
        self.me = self.membership.host
        self.names = Subjects(self.membership.project)
        self.neighbours = Neighbours(workspace, self.me, self._sends_to)
        self._key = load_key(link_directory(workspace) / HOST_KEY)
        self._confirming = Confirming(workspace)
        self._carrying = CarryingOut(workspace, handlers, self._trouble)
        self._answering = Answering(workspace)
        self._on_state, self._words = on_state, ""
        self._client: Client | None = None
        self._session: Together | None = None
        self._sending: dict[str, Sending] = {}
        self._sight: list[OnSight] = []
        self._greeted = asyncio.Event()
        """A host is there that was away: it wants to know who else is."""
        self._listed_last = b""
        """The hub's list as it came last."""
        self._about_told: About | None = None
        """What was said of this host since that list, over this connection."""
        self._out = link_directory(workspace) / channel.OUT
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="take")

    @property
    def is_connected(self) -> bool:
        """Whether the server is reached, right now."""
        return self._client is not None

    @property
    def max_payload(self) -> int:
        """Bytes of a message that the server takes, at most; 0 while it is not reached."""
        return self._client.max_payload if self._client is not None else 0

    @property
    def trouble(self) -> str:
        """What went wrong last; empty: nothing since it is connected."""
        return self._words

    async def run(self) -> NoReturn:
        """Carry until cancelled. Refused (code `key`) once the server does not take this host's key."""
        async with Together() as group:
            group.start(watch_directories(self._channels, self._put))
            for part in PARTS:
                group.start(self._part(part))
            group.start(self._connect_for_ever())
        raise AssertionError("the connections end by being cancelled")

    async def ask(self, host: str, name: str, question: Mapping[str, Any], wait: float = 5.0) -> bytes:
        """Another host's answer to a question of `handlers.ASKS`. MailcoreError (code `away`) if it cannot be asked."""
        if self._client is None:
            raise MailcoreError(f"{host} cannot be asked: the link's server is not reached", "away")
        return await put_question(self._client, self.names, self.me, host, {**question, "ask": name}, wait)

    async def publish_sight(self, data: bytes) -> bool:
        """Tell all others what changed of this host's agents; False, and nothing is kept, while nobody is reached."""
        if self._client is None:
            return False
        from nats.errors import Error

        try:
            await self._client.publish(self.names.sight(self.me), data)
        except Error:
            return False
        return True

    def on_sight(self, call: OnSight) -> None:
        """Have what other hosts publish of their agents."""
        self._sight.append(call)

    async def _connect_for_ever(self) -> None:
        again = _AGAIN
        while True:
            began = time.monotonic()
            try:
                await self._connection()
            except Refused as error:
                self._trouble(str(error))
                if error.code != "key":
                    raise
                again = _LONGEST_AGAIN
            except MailcoreError as error:
                self._trouble(str(error))
            if time.monotonic() - began > _LONGEST_AGAIN:
                again = _AGAIN
            await asyncio.sleep(again)
            again = min(2 * again, _LONGEST_AGAIN)

    async def _connection(self) -> None:
        """One connection, until it breaks. MailcoreError, saying why."""
        m = self.membership
        async with connected(m.server, self._key, inbox_of(self.me), certificate=m.certificate, name=self.me) as (
            client,
            broken,
        ):
            try:
                async with Together() as group:
                    self._session, self._client = group, client
                    await self._listen(client)
                    self._state(payload_words(client.max_payload))
                    for name in {*channel.channels(self.workspace), *self.neighbours.records}:
                        self._sends_to(name)
                    receiving = Receiving(
                        self.workspace, client, self.names, self.me, self._carrying.carry_out, self._trouble,
                        self._worker,
                    )  # fmt: skip
                    group.start(receiving.run())
                    group.start(self._beat(client))
                    group.start(_break(broken))
            except (OSError, _library_error()) as error:  # TimeoutError is an OSError
                words = str(error) or type(error).__name__
                raise MailcoreError(f"the connection to the server broke: {words}", "broken") from error
            finally:
                self._session = self._client = None
                self._sending = {}
                self._state(self._words)

    async def _listen(self, client: Client) -> None:
        """Hear what is said from now on, and what was said last."""
        names, me = self.names, self.me
        heard: list[tuple[str, Callable[[Msg], None]]] = [
            (names.confirmed(me, "*"), self._confirmed),
            (names.hosts, self._listed),
            (names.about("*"), self._told),
            (names.beat("*"), self._heard_beat),
            (names.sight("*"), self._seen),
        ]
        for subject, call in heard:
            await client.subscribe(subject, cb=_callback(call, self._trouble))
        await self._answering.run(client, names, me)
        await self._last(client, names.hosts, self._listed)
        for host in list(self.neighbours.records):
            await self._last(client, names.about(host), self._told)
            await self._last(client, names.confirmed(me, host), self._confirmed)

    async def _last(self, client: Client, subject: str, call: Callable[[Msg], None]) -> None:
        """What was said there last, if anything was."""
        from nats.errors import Error

        try:
            answer = await client.request(f"$JS.API.DIRECT.GET.{self.names.state_stream}.{subject}", b"", timeout=5.0)
        except Error as error:
            raise MailcoreError(f"the server's store is not ready: {error}", "store") from error
        if not (answer.headers or {}).get("Status"):
            answer.subject = subject
            await _callback(call, self._trouble)(answer)

    def _confirmed(self, message: Msg) -> None:
        host = last_word(message.subject)
        confirmation = msgspec.json.decode(message.data, type=Confirmation)
        sending = self._sending.get(host)
        self._confirming.heard(host, confirmation)
        if sending is not None and confirmation.want:
            sending.want(Position(confirmation.epoch, confirmation.last))

    def _listed(self, message: Msg) -> None:
        if message.data != self._listed_last:
            # Who is on it only now heard nothing of us, and kept nothing of us before we were on it.
            self._listed_last, self._about_told = message.data, None
            self._greeted.set()
        self.neighbours.listed(msgspec.json.decode(message.data, type=list[Listed]))
        for host in list(self._sending):
            if self.neighbours.records[host].revoked:
                self._sending.pop(host).stop()

    def _told(self, message: Msg) -> None:
        self.neighbours.told(last_word(message.subject), msgspec.json.decode(message.data, type=About))

    def _heard_beat(self, message: Msg) -> None:
        if self.neighbours.beat(last_word(message.subject), msgspec.json.decode(message.data, type=Beat)):
            self._greeted.set()

    def _seen(self, message: Msg) -> None:
        host = last_word(message.subject)
        if host != self.me and host in self.neighbours.records:
            for call in self._sight:
                call(host, message.data)

    def _sends_to(self, host: str) -> None:
        """See to it that what waits for that host is sent, while there is a connection."""
        group, client = self._session, self._client
        record = self.neighbours.records.get(host)
        if group is None or client is None or host in self._sending or record is None or record.revoked:
            return
        self._sending[host] = sending = Sending(
            self.workspace, client, self.names, self.me, host, partial(self._sending_trouble, host)
        )  # fmt: skip
        group.start(sending.run())

    def _channels(self) -> list[Path]:
        """Where something may be put for others."""
        return [self._out.parent, self._out, *(self._out / name for name in channel.channels(self.workspace))]

    def _put(self, paths: frozenset[str] | None) -> None:
        """Something was put into channels, or anything may have been."""
        changed = [Path(path) for path in paths or () if path.endswith(".jsonl") or Path(path).parent == self._out]
        hosts = {path.name if path.parent == self._out else path.parent.name for path in changed}
        for host in list(self._sending) if paths is None else hosts:
            self._sends_to(host)
            if (sending := self._sending.get(host)) is not None:
                sending.wake()

    async def _part(self, name: str) -> None:
        """Run what runs beside; where that fails it is begun again: the mail goes on."""
        while True:
            try:
                await function(name)(self)
                return
            except Exception as error:
                self._trouble(f"{name}: {type(error).__name__}: {error}; begun again")
            await asyncio.sleep(_LONGEST_AGAIN)

    async def _beat(self, client: Client) -> None:
        self._about_told = None
        while True:
            now = await asyncio.to_thread(self._about)
            if now != self._about_told:
                self._about_told = now
                await client.publish(self.names.about(self.me), msgspec.json.encode(now))
            watching = await asyncio.to_thread(read_reach, self.workspace)
            beat = Beat(time.time(), watching.reach, watching.sounds)
            await client.publish(self.names.beat(self.me), msgspec.json.encode(beat))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._greeted.wait(), BEAT)
                await asyncio.sleep(GREET_AFTER)
            self._greeted.clear()
            self.neighbours.look_at_all()

    def _about(self) -> About:
        agents = workspace_at(self.workspace.root).agents
        return About(tuple(agent.address for agent in agents), version("praxmonitor"))

    def _sending_trouble(self, host: str, words: str) -> None:
        """What is for that host is not taken by the server, or is again."""
        before = f"to {host}: "
        if words:
            self._trouble(before + words)
        elif self._words.startswith(before):
            self._state("")

    def report(self, words: str) -> None:
        """Say what went wrong in a part; from any thread."""
        self._trouble(words)

    def _trouble(self, words: str) -> None:
        words = words[:_MAX_WORDS]
        if words != self._words:
            self._state(words)

    def _state(self, words: str) -> None:
        self._words = words
        self._on_state(self.is_connected, words)


async def _break(broken: asyncio.Future[str]) -> NoReturn:
    raise MailcoreError(f"the connection to the server broke: {await broken}", "broken")


def _callback(
    call: Callable[[Msg], None], on_trouble: Callable[[str], None]
) -> Callable[[Msg], Coroutine[Any, Any, None]]:
    """The call, which a message of another form does not end."""

    async def called(message: Msg) -> None:
        try:
            call(message)
        except (ValueError, RecursionError) as error:
            on_trouble(f"{message.subject}: {error}; not taken")

    return called


def _library_error() -> type[Exception]:
    from nats.errors import Error

    return Error
