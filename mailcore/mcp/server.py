"""The verbs as an MCP server on standard input and output: agents that speak MCP need nothing else.

Each tool is the `mailcore` command of that name, called in this process: same identity, same limits, same errors. The
caller is who its key says, or who the server was started as: in an agent's directory, or within its run. A client that
goes takes its waits with it.
"""

from __future__ import annotations

import anyio
from mcp.server.stdio import stdio_server

from mailcore.identity.client_keys import PresentedKey
from mailcore.mcp import call, mail, work
from mailcore.mcp.client import Client, clients

TOOLS = (mail, work)
"""What puts the tools into the server."""


def serve(key: PresentedKey | None = None) -> bool:
    """Serve on standard input and output until the client is gone; False if it said nothing."""
    call.present(key)
    return anyio.run(_serve)


async def _serve() -> bool:
    client = Client()
    clients.append(client)
    lowlevel = call.server._lowlevel_server
    try:
        async with stdio_server(client, client) as (said, answers):  # type: ignore[arg-type]
            await lowlevel.run(said, answers, lowlevel.create_initialization_options())
    except* (BrokenPipeError, anyio.BrokenResourceError):
        pass  # it does not hear either
    finally:
        client.close()
    return client.heard
