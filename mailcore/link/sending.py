"""What waits here for another host is published in order, and again as long as that host does not confirm it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from mailcore.hosts import channel
from mailcore.link.parcels import Parcel, last_of, parcels
from mailcore.link.subjects import Subjects
from mailcore.model.link import Envelope
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from nats.aio.client import Client

PUBLISHED_AT_ONCE = 512
"""Envelopes that are published before the server's word on them is waited for."""
ACK_TIMEOUT = 15.0
LOOK_AGAIN = 15.0
"""Seconds after which the server is asked what it holds, while something is not confirmed."""
WANTED_AGAIN = 1.0
"""Seconds before a host that wants something again is listened to once more."""
GATHER, GATHER_MOST = 0.01, 0.25
"""Seconds that what is put meanwhile is gathered for, for each envelope of the last publishing, and at most: one alone
goes at once, a stream of more than 100 a second in few messages, which cost each who handles them little more than
one: of mail to many, each mailbox is written once for all that is for it."""
NOT_TAKEN = 2.0
"""Seconds before what the server did not take is offered again."""


class Position(msgspec.Struct, frozen=True):
    """How far something is: a number, and of which epoch."""

    epoch: str = ""
    last: int = 0


class Confirmation(msgspec.Struct, frozen=True):
    """A host's word on what it has of another's envelopes."""

    epoch: str
    last: int
    id: str = ""
    """Of the envelope of that number; empty where that is not remembered."""
    want: bool = False
    """The next one is missing there, and later ones came: send from it on again."""


class Sending:
    """Sends what waits for one host, over one connection. `run` it; `wake` it when something was put."""

    def __init__(
        self, workspace: Workspace, client: Client, names: Subjects, me: str, to: str, on_trouble: Callable[[str], None]
    ) -> None:
        """`on_trouble` is called with why the server does not take what is for that host; empty: it does again."""
        self._workspace, self._client, self._to, self._on_trouble = workspace, client, to, on_trouble
        self._context = client.jetstream()
        self._subject = names.to(to, me)
        self._last = f"$JS.API.DIRECT.GET.{names.mail_stream}.{self._subject}"
        self._woken = asyncio.Event()
        self._wanted: Position | None = None
        self._wanted_at = float("-inf")
        self._waits = self._over = False

    def stop(self) -> None:
        """That host belongs to the link no more: `run` ends."""
        self._over = True
        self._woken.set()

    def wake(self) -> None:
        """Something was put into the channel, or confirmed."""
        self._woken.set()

    def want(self, at: Position) -> None:
        """That host has all up to there, and misses the next. One that says so all the time is sent it now and then."""
        if time.monotonic() - self._wanted_at < WANTED_AGAIN:
            return
        self._wanted, self._wanted_at = at, time.monotonic()
        self._woken.set()

    async def run(self) -> None:
        """Publish what waits and what comes, until it is stopped. Raises what breaks the connection."""
        at = await self._held()
        while not self._over:
            self._woken.clear()
            if self._wanted is not None:
                at, self._wanted = self._wanted, None
            before, began = at, time.monotonic()
            at, all_taken = await self._publish_from(at)
            if not all_taken:
                await asyncio.sleep(NOT_TAKEN)
                at = await self._held()
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), LOOK_AGAIN if self._waits else None)
            except TimeoutError:
                at = await self._held()
            published = at.last - before.last if at.epoch == before.epoch else 1
            if (seconds := began + min(GATHER_MOST, GATHER * published) - time.monotonic()) > 0:
                await self._gather(seconds)

    async def _gather(self, seconds: float) -> None:
        """Let what is put meanwhile come together."""
        await asyncio.sleep(seconds)

    async def _held(self) -> Position:
        """The last of ours that the server holds for that host: what comes after it is to be published.

        None: all that is not confirmed, for what was there was taken, or the server's store was lost.
        """
        while True:
            answer = await self._client.request(self._last, b"", timeout=ACK_TIMEOUT)
            status = (answer.headers or {}).get("Status", "")
            if not status:
                return Position(*last_of(answer.data))
            if status == "404":
                return Position()
            await asyncio.sleep(NOT_TAKEN)

    async def _publish_from(self, at: Position) -> tuple[Position, bool]:
        """Publish all that comes after `at`: how far that came, and whether the server took everything."""
        self._waits = False
        rest = channel.unconfirmed(self._workspace, self._to, at.last, at.epoch)
        while batch := await asyncio.to_thread(_next, rest):
            self._waits = True
            # Each is handed over in the order of the list. `publish_async` would never say that the server refused one.
            acks = (self._context.publish(self._subject, parcel.data, timeout=ACK_TIMEOUT) for parcel in batch)
            done = await asyncio.gather(*acks, return_exceptions=True)
            for parcel, ack in zip(batch, done, strict=True):
                if isinstance(ack, BaseException):
                    self._on_trouble(f"the server does not take it: {_why(ack)}; offered again")
                    return at, False
                at = Position(parcel.epoch, parcel.last)
            self._on_trouble("")
            if self._wanted is not None:
                break
        return at, True


def _why(error: BaseException) -> str:
    """In the server's words, where it has some."""
    said = getattr(error, "description", None) or str(error).removeprefix("nats: ")
    return said or type(error).__name__


def _next(rest: Iterator[Envelope]) -> list[Parcel]:
    return list(parcels(islice(rest, PUBLISHED_AT_ONCE)))
