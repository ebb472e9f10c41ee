"""The hub of a link: it makes the streams, lets hosts in, and tells all who belongs to the link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.membership import Membership
from mailcore.link.accounts import ACCOUNTS, HostAccount, changing, read_accounts
from mailcore.link.connection import connected
from mailcore.link.directory_watch import watch_directories
from mailcore.link.joining import JoinAnswer, JoinRequest, admitted
from mailcore.link.neighbours import Listed
from mailcore.link.server import ServerPlace, is_applied, mark_applied, server_accounts, write_accounts
from mailcore.link.streams import ensure_streams, remove_host
from mailcore.link.subjects import Subjects, last_word
from mailcore.link.together import Together

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_AGAIN = 0.3
"""Seconds before the next connection."""
EXPIRY_LOOK = 60.0
"""Seconds between two looks for tokens that expired."""


class Hub:
    """What only the host does that has the server."""

    def __init__(self, place: ServerPlace, membership: Membership, on_trouble: Callable[[str], None]) -> None:
        self._place, self._membership, self._on_trouble = place, membership, on_trouble
        self._names = Subjects(membership.project)
        self._changed = asyncio.Event()

    async def run(self) -> NoReturn:
        """Do it until cancelled."""
        async with Together() as group:
            group.start(watch_directories(lambda: [self._place.directory], self._note))
            group.start(self._connect_for_ever())
        raise AssertionError("the connections end by being cancelled")

    def _note(self, paths: frozenset[str] | None) -> None:
        if paths is None or str(self._place.directory / ACCOUNTS) in paths:
            self._changed.set()

    async def _connect_for_ever(self) -> None:
        from nats.errors import Error

        while True:
            try:
                await self._connection()
            except (MailcoreError, Error, OSError) as error:
                self._on_trouble(f"the hub's own connection: {error}")
            await asyncio.sleep(_AGAIN)

    async def _connection(self) -> None:
        m = self._membership
        async with connected(
            self._membership.server, self._place.admin_key(), "_INBOX.-hub", certificate=m.certificate, name="hub"
        ) as (client, broken):
            await self._apply(client)
            await client.subscribe(self._names.joins, cb=self._join)
            while not broken.done():
                waiting = asyncio.create_task(self._changed.wait())
                both: set[asyncio.Future[Any]] = {waiting, broken}
                try:
                    await asyncio.wait(both, timeout=EXPIRY_LOOK, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
                if not broken.done():
                    await self._apply(client)
            raise MailcoreError(broken.result(), "broken")

    async def _apply(self, client: Client) -> None:
        """Let the server follow the accounts as they are now."""
        self._changed.clear()
        found = read_accounts(self._place.directory)
        text = server_accounts(self._place, self._membership.project, found)
        write_accounts(self._place, text)
        if not is_applied(self._place, text):
            await self._reload()
        context = client.jetstream()
        for one in found.hosts:
            if one.revoked:
                await remove_host(context, self._names, one.host)
        await ensure_streams(context, self._names, [one.host for one in found.hosts if not one.revoked])
        listed = [Listed(one.host, one.key, one.operator_key, one.revoked) for one in found.hosts]
        await client.publish(self._names.hosts, msgspec.json.encode(listed))
        await client.flush()
        mark_applied(self._place, text)

    async def _reload(self) -> None:
        """Have the server read its accounts anew: whom they leave out it throws out."""
        async with connected(
            self._membership.server,
            self._place.system_key(),
            "_INBOX.-system",
            certificate=self._membership.certificate,
        ) as (client, _):
            server = client._server_info["server_id"]
            answer = await client.request(f"$SYS.REQ.SERVER.{server}.RELOAD", b"", timeout=10.0)
        said = msgspec.json.decode(answer.data)
        if isinstance(said, dict) and said.get("error"):
            raise MailcoreError(f"the server does not follow its accounts: {said['error']}", "reload")

    async def _join(self, message: Msg) -> None:
        """A host that has a token asks to be let in."""
        try:
            request = msgspec.json.decode(message.data, type=JoinRequest)
            await asyncio.to_thread(admitted, self._place, last_word(message.subject), request)
            self._changed.set()
            answer = JoinAnswer(hub=self._membership.host)
        except Refused as error:
            answer = JoinAnswer(refused=str(error), code=error.code)
        except (MailcoreError, OSError, ValueError, RecursionError) as error:
            answer = JoinAnswer(refused=f"the hub could not let it in: {error}", code="failed")
        await message.respond(msgspec.json.encode(answer))


def own_account(place: ServerPlace, host: str, key: str, operator_key: str) -> None:
    """Let the hub's own host be among the accounts."""
    with changing(place.directory) as held:
        held[0] = held[0].with_host(HostAccount(host, key, operator_key))
