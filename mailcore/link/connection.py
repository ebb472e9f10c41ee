"""A connection to the server of a link, by a key. One that breaks is over: whoever needs one opens the next."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.keys import Key

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_TIMEOUT = 5.0
PENDING = 32 << 20
"""Bytes that wait to be sent, at most."""
RESETS = 4
"""Times that a connection is tried which the server resets: what it said of the key before is mostly lost with it."""
HOW_TO_INSTALL = "the link's libraries are not installed: pip install 'praxmonitor[link]'"


@asynccontextmanager
async def connected(
    servers: Sequence[str], key: Key, inbox: str, *, certificate: str = "", name: str = ""
) -> AsyncIterator[tuple[Client, asyncio.Future[str]]]:
    """A connection, and what is done once it breaks, with why in words.

    Refused (code `key`) where the server does not take the key, MailcoreError (code `unreachable`) where there is none.
    """
    try:
        from nats.aio.client import Client
    except ImportError as error:
        raise MailcoreError(HOW_TO_INSTALL, "no_library") from error
    broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    last = ""

    async def note(error: Exception) -> None:
        nonlocal last
        last = str(error).removeprefix("nats: ") or type(error).__name__

    async def closed() -> None:
        if not broken.done():
            broken.set_result(last or "the connection was closed")

    for attempt in range(1, RESETS + 1):
        client = Client()
        try:
            await client.connect(
                list(servers),
                nkeys_seed_str=key.seed.decode(),
                inbox_prefix=inbox,
                name=name,
                allow_reconnect=False,
                max_reconnect_attempts=0,
                reconnect_time_wait=0,
                connect_timeout=int(CONNECT_TIMEOUT),
                ping_interval=5,
                max_outstanding_pings=2,
                pending_size=PENDING,
                error_cb=note,
                closed_cb=closed,
                tls=_tls(certificate),
            )
            break
        except Exception as error:  # the library's own, of many kinds
            await _closed(client)
            if isinstance(error, ConnectionResetError) and attempt < RESETS:
                broken = asyncio.get_running_loop().create_future()
                continue
            broken.cancel()
            said = str(error).removeprefix("nats: ")
            why, where = last or said or type(error).__name__, " ".join(servers)
            if "authorization" in f"{last} {said}".lower():
                raise Refused(f"the server at {where} does not take this host's key: it was revoked, or never let in",
                              "key") from error  # fmt: skip
            raise MailcoreError(f"no server at {where}: {why}", "unreachable") from error
    try:
        yield client, broken
    finally:
        await _closed(client)
        broken.cancel()


async def _closed(client: Client) -> None:
    """Close it, also one that never came about, whose socket the library leaves open."""
    transport = client._transport
    await _waited_for(client.close())
    if transport is not None:
        transport.close()  # type: ignore[no-untyped-call]
        await _waited_for(transport.wait_closed())  # type: ignore[no-untyped-call]


async def _waited_for(work: Coroutine[Any, Any, None]) -> None:
    """Wait for what may fail, or be cancelled, by itself: after a failed handshake of TLS it is."""
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=CONNECT_TIMEOUT)
    if task.done() and not task.cancelled():
        task.exception()
    task.cancel()


def _tls(certificate: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    try:
        context = ssl.create_default_context(cafile=certificate)
    except OSError as error:
        raise MailcoreError(f"{certificate}: {error.strerror or error}; it is to prove the server", "tls") from error
    # The one certificate that is trusted is the hub's own, or of whoever signs for it: by which address it is reached
    # (an ssh forward, a namespace) says nothing more.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
