"""What comes from other hosts is taken in order, answered to the server, and confirmed to its sender."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts import arrivals
from mailcore.hosts.arrivals import CarryOutAll
from mailcore.hosts.directory import read_hosts
from mailcore.link.parcels import opened
from mailcore.link.sending import Confirmation
from mailcore.link.subjects import Subjects, inbox_of, last_word
from mailcore.model.link import Envelope
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

T = TypeVar("T")

PULL = 16
"""Messages that are asked for at once, and their bytes."""
PULL_BYTES = 8 << 20
PULL_FOR = 30.0
"""Seconds that the server keeps such a request."""
MOST_HELD = 64
"""Messages of one sender that wait for what comes before them, and their bytes. What is more is sent again: else who
leaves gaps had all that the server offers at once (`streams.MOST_UNANSWERED`), and nobody else's mail came."""
MOST_HELD_BYTES = 8 << 20
MISSING_FOR = 0.5
"""Seconds before one that is missing is asked for: it may be on its way again."""
WANT_AGAIN = 3.0
"""Seconds before it is asked for once more."""
DISK_AGAIN = 3.0
"""Seconds before an envelope is tried again that the disk did not take."""
NOT_KNOWN_YET = 3.0
"""Seconds before one is offered again whose sender is not known here: the hub tells of it."""


class _Held:
    """What came of one sender and epoch, and was not taken yet: messages, by the number of their last envelope."""

    def __init__(self) -> None:
        self.messages: dict[int, Msg] = {}
        self._envelopes: dict[int, list[Envelope]] = {}

    @property
    def first(self) -> int:
        """The lowest number."""
        return min(envelopes[0].seq for envelopes in self._envelopes.values())

    def add(self, envelopes: list[Envelope], message: Msg) -> Msg | None:
        """Hold them; the message that holds no more than another one."""
        last = envelopes[-1].seq
        other = self.messages.get(last)
        if other is not None and self._envelopes[last][0].seq < envelopes[0].seq:
            return message
        self.messages[last], self._envelopes[last] = message, envelopes
        return other

    def in_order(self) -> list[Envelope]:
        """Each once."""
        by_number = {one.seq: one for envelopes in self._envelopes.values() for one in envelopes}
        return [by_number[seq] for seq in sorted(by_number)]

    def remove(self, last: int) -> list[Msg]:
        """Forget what was taken, all up to `last`: the messages that held nothing else."""
        return [self._remove(number) for number in sorted(self.messages) if number <= last]

    def give_up(self, most: int, size: int) -> list[Msg]:
        """Forget all but the first so many messages, of so many bytes together or one: those that it forgot."""
        kept, given_up = 0, []
        for number in sorted(self.messages):
            kept, size = kept + 1, size - len(self.messages[number].data)
            if kept > most or (size < 0 and kept > 1):
                given_up.append(self._remove(number))
        return given_up

    def _remove(self, number: int) -> Msg:
        del self._envelopes[number]
        return self.messages.pop(number)


class Receiving:
    """Takes what is for this host, over one connection."""

    def __init__(
        self,
        workspace: Workspace,
        client: Client,
        names: Subjects,
        me: str,
        carry_out: CarryOutAll,
        on_trouble: Callable[[str], None],
        worker: ThreadPoolExecutor,
    ) -> None:
        self._workspace, self._client, self._names, self._me = workspace, client, names, me
        self._carry_out, self._on_trouble, self._worker = carry_out, on_trouble, worker
        self._held: dict[tuple[str, str], _Held] = {}
        """By sender and epoch: what came and was not taken yet."""
        self._missing: dict[tuple[str, str], float] = {}
        """Since when the next one is missing, by the machine's own clock."""
        self._asked = 0
        """How many more the server was asked for."""
        self._look_at = 0.0

    async def run(self) -> None:
        """Take what is there and what comes, until cancelled. Raises what breaks the connection."""
        await self._confirm_all()
        place = f"{inbox_of(self._me)}.pull"
        arriving = await self._client.subscribe(place)
        while True:
            if self._asked < PULL // 2:
                await self._pull(place)
            came: list[Msg] = []
            with suppress(TimeoutError):
                came.append(await arriving.next_msg(timeout=max(0.01, self._look_at - time.monotonic())))
                while arriving.pending_msgs and len(came) < PULL:
                    came.append(await arriving.next_msg(timeout=1.0))
            touched = await self._keep([message for message in came if await self._is_parcel(message)])
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + PULL_FOR
                touched = set(self._held)
            for sender, epoch in touched:
                await self._take(sender, epoch)

    async def _pull(self, place: str) -> None:
        request = {"batch": PULL - self._asked, "max_bytes": PULL_BYTES, "expires": int(PULL_FOR * 1e9)}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._names.mail_stream}.{self._me}"
        self._asked = PULL
        await self._client.publish(subject, json.dumps(request).encode(), reply=place)

    async def _is_parcel(self, message: Msg) -> bool:
        status = (message.headers or {}).get("Status", "")
        if not status:
            self._asked -= 1
        elif status == "503":  # the hub makes the streams anew
            await asyncio.sleep(1.0)
        if status in ("404", "408", "409", "503"):
            self._asked = 0
        return not status

    async def _keep(self, messages: list[Msg]) -> set[tuple[str, str]]:
        """Keep what came until it is its turn: of which senders and epochs that is."""
        touched = set()
        judged = await self._on_worker(partial(self._judged, messages)) if messages else []
        for message, found in zip(messages, judged, strict=True):
            if isinstance(found, Refused) and found.code == "unknown_host":
                await message.nak(delay=NOT_KNOWN_YET)
            elif isinstance(found, Refused):
                self._on_trouble(str(found))
                await message.term()
            elif not found:
                await message.ack()
            else:
                key = found[0].sender, found[0].epoch
                # The epoch that came last stands last.
                held = self._held[key] = self._held.pop(key, _Held())
                if (twice := held.add(found, message)) is not None:
                    await twice.ack()
                touched.add(key)
        return touched

    def _judged(self, messages: list[Msg]) -> list[list[Envelope] | Refused]:
        return [self._judge(message) for message in messages]

    def _judge(self, message: Msg) -> list[Envelope] | Refused:
        """The envelopes, or why they are none of the host whose subject they came by."""
        try:
            return opened(self._workspace, message.data, last_word(message.subject), self._me)
        except Refused as error:
            return error

    async def _take(self, sender: str, epoch: str) -> None:
        """Take what is held of one sender, as far as its numbers follow each other."""
        key = sender, epoch
        held = self._held.get(key)
        if held is None:  # it was given up
            return
        try:
            taken = await self._on_worker(partial(arrivals.take_all, self._workspace, held.in_order(), self._carry_out))
            position = Confirmation(epoch, taken.last, taken.last_id)
        except Exception as error:  # what one sender's mails run into must not stop those of the others
            known = isinstance(error, MailcoreError | OSError)
            words = str(error) if known else f"{type(error).__name__}: {error}"
            self._on_trouble(f"from {sender}: {words}; tried again")
            so_far = await self._on_worker(partial(arrivals.taken_so_far, self._workspace, sender))
            ids = await self._on_worker(partial(arrivals.last_ids, self._workspace, sender))
            position = Confirmation(epoch, so_far.get(epoch, 0), ids.get(epoch, ""))
            self._look_again(DISK_AGAIN)
        for message in held.remove(position.last):
            await message.ack()
        await self._give_up(sender)
        for message in held.messages.values():  # else the server offers it again meanwhile
            await message.in_progress()
        await self._confirm(sender, msgspec.structs.replace(position, want=self._wants(key, position.last)))

    async def _give_up(self, sender: str) -> None:
        """Keep no more of a sender's than is allowed: of the epoch that came last, and of that what comes next."""
        most, size = MOST_HELD, MOST_HELD_BYTES
        for key in [key for key in reversed(self._held) if key[0] == sender]:
            held = self._held[key]
            for message in held.give_up(most, size):
                await message.ack()
            most = max(0, most - len(held.messages))
            size -= sum(len(message.data) for message in held.messages.values())
            if not held.messages:
                del self._held[key]
                self._missing.pop(key, None)

    def _wants(self, key: tuple[str, str], last: int) -> bool:
        """True if the next one is missing, and was already a moment ago."""
        held = self._held.get(key)
        if held is None or held.first <= last + 1:
            self._missing.pop(key, None)
            return False
        since = self._missing.setdefault(key, time.monotonic())
        if time.monotonic() - since < MISSING_FOR:
            self._look_again(MISSING_FOR)
            return False
        self._look_again(WANT_AGAIN)
        return True

    def _look_again(self, seconds: float) -> None:
        self._look_at = min(self._look_at, time.monotonic() + seconds)

    async def _confirm(self, sender: str, position: Confirmation) -> None:
        await self._client.publish(self._names.confirmed(sender, self._me), msgspec.json.encode(position))

    async def _confirm_all(self) -> None:
        """Say once more what is here: the word may have been lost with the server's store."""
        for record in read_hosts(self._workspace):
            so_far = await self._on_worker(partial(arrivals.taken_so_far, self._workspace, record.name))
            if so_far:
                epoch, last = list(so_far.items())[-1]
                ids = await self._on_worker(partial(arrivals.last_ids, self._workspace, record.name))
                await self._confirm(record.name, Confirmation(epoch, last, ids.get(epoch, "")))

    async def _on_worker(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
