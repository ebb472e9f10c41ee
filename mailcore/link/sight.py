"""The part of the link's process that shows each host the agents of the others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from mailcore.link.sight_message import SightMessage, encoded_message
from mailcore.link.sight_publisher import SightPublisher
from mailcore.link.sight_store import SightStore

if TYPE_CHECKING:
    from mailcore.link.carrier import Carrier

WORD_EVERY = 20.0
"""Seconds between two words of where this host is: by it the others see that they miss something."""
WORD_LOOK = 1.0
"""Seconds between two such words, at least, where something is missing, or we were not connected."""
LISTENS_FOR = 90.0
"""Seconds for which a host listens, at least, after it was heard."""
PUBLISH_PATIENCE = 30.0
"""Seconds for which a message waits to be handed to the server."""
MOST_UNKEPT = 16 << 20
"""Bytes that wait to be kept, at most: what is more is lost, and told anew."""


async def show(carrier: Carrier) -> NoReturn:
    """Tell the others of our agents, and keep what they tell of theirs, as long as the carrier runs."""
    sight = _Sight(carrier, asyncio.get_running_loop())
    try:
        await sight.run()
    finally:
        await asyncio.to_thread(sight.stop)
    raise AssertionError("it ends by being cancelled")


class _Sight:
    def __init__(self, carrier: Carrier, loop: asyncio.AbstractEventLoop) -> None:
        self._carrier, self._loop = carrier, loop
        self._publisher = SightPublisher(carrier.workspace, self._publish, self._listened)
        self._store = SightStore(carrier.workspace, carrier.report)
        self._came: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self._waiting, self._counting = 0, threading.Lock()
        self._heard_at = -LISTENS_FOR
        self._missing = False
        """Somebody is to tell all anew."""
        self._failed: asyncio.Future[NoReturn] = loop.create_future()
        self._stopped = False
        self._threads = [self._thread("publish", self._publisher.run), self._thread("keep", self._keep)]

    async def run(self) -> None:
        """Until cancelled; raises what ends one of the threads."""
        self._carrier.on_sight(self._on_sight)
        for thread in self._threads:
            thread.start()
        said_at, connected = -WORD_EVERY, False
        while True:
            before, connected = connected, self._carrier.is_connected
            if connected and (not before or self._missing or time.monotonic() - said_at > WORD_EVERY):
                self._missing = False
                await self._say()
                said_at = time.monotonic()
            await asyncio.wait({self._failed}, timeout=WORD_LOOK)
            if self._failed.done():
                self._failed.result()

    def stop(self) -> None:
        """End the threads."""
        self._stopped = True
        self._publisher.stop()
        self._came.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5.0)

    async def _say(self) -> None:
        """Where we are, and whose tellings we miss."""
        word = SightMessage(self._publisher.life, self._publisher.number, time.time(), wants=self._store.wants())
        await self._carrier.publish_sight(encoded_message(word))

    def _on_sight(self, host: str, data: bytes) -> None:
        """In the loop: something of another host came."""
        if self._stopped:
            return
        self._heard_at = time.monotonic()
        with self._counting:
            if self._waiting + len(data) > MOST_UNKEPT:
                return
            self._waiting += len(data)
        self._came.put((host, data))

    def _keep(self) -> None:
        """In its own thread, so that a disk that hangs holds up nothing else."""
        while (came := self._came.get()) is not None:
            host, data = came
            message = self._store.take(host, data)
            with self._counting:
                self._waiting -= len(data)
            if message is not None and self._carrier.me in message.wants:
                self._publisher.want()
            self._missing = self._missing or bool(self._store.wants())

    def _listened(self) -> bool:
        return self._carrier.is_connected and time.monotonic() - self._heard_at < LISTENS_FOR

    def _publish(self, data: bytes) -> bool:
        """In the publisher's thread."""
        if self._stopped:
            return False
        return asyncio.run_coroutine_threadsafe(self._carrier.publish_sight(data), self._loop).result(PUBLISH_PATIENCE)

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:
                if not self._stopped:
                    self._loop.call_soon_threadsafe(self._fail, error)

        return threading.Thread(target=run, name=name, daemon=True)

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
