"""The socket on which commands and screens of this host ask the process of the link for what others know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.ask_socket import MAX_SOCKET_LINE, SOCKET
from mailcore.hosts.membership import make_link_directory
from mailcore.link import mirror
from mailcore.system.socket_path import short_path
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from mailcore.link.carrier import Carrier

LONGEST_QUESTION = 25.0
"""Seconds that another host may take."""
AskHost: TypeAlias = Callable[[str, str, dict[str, Any]], Awaitable[bytes]]
"""(host, what, question) → its answer. Raises MailcoreError."""


async def serve_asks(carrier: Carrier) -> None:
    """The part of the link that answers here as long as that goes on."""

    async def ask_host(host: str, name: str, question: dict[str, Any]) -> bytes:
        return await carrier.ask(host, name, question, LONGEST_QUESTION)

    async with serving_asks(carrier.workspace, ask_host):
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def serving_asks(workspace: Workspace, ask_host: AskHost) -> AsyncIterator[None]:
    """Answer on the socket while this lasts; `ask_host` carries a question to another host."""
    path = make_link_directory(workspace) / SOCKET

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            head, body = await _answer(workspace, ask_host, reader)
            writer.write(json.dumps(head).encode() + b"\n" + body)
            await writer.drain()
        writer.close()

    with short_path(path) as name:
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, name, limit=MAX_SOCKET_LINE)
        path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def _answer(
    workspace: Workspace, ask_host: AskHost, reader: asyncio.StreamReader
) -> tuple[dict[str, Any], bytes]:
    try:
        request = json.loads(await reader.readline())
        host = str(request["host"])
        if "fill" in request:
            body = b""
            agent, what = str(request["agent"]), str(request["fill"])
            await mirror.fill(workspace, ask_host, host, agent, what, request["act"])
        else:
            body = await ask_host(host, str(request["ask"]), dict(request["question"]))
    except MailcoreError as error:
        return {"error": str(error), "code": error.code, "refused": isinstance(error, Refused)}, b""
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        return {"error": f"{type(error).__name__}: {error}", "code": "failed"}, b""
    return {"bytes": len(body)}, body
