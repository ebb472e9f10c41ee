"""The verbs as an MCP server on standard input and output: agents that speak MCP need nothing else.

Each tool is the `mailcore` command of that name, called in this process: same identity, same limits, same errors. The
caller is who its key says, or who the server was started as: in an agent's directory, or within its run. A client that
goes takes its waits with it.
"""

from __future__ import annotations

import anyio
from mcp.server.stdio import stdio_server

from mailcore import mcp_call, mcp_mail, mcp_work
from mailcore.identity.keys import Presented
from mailcore.mcp_client import Client, clients

TOOLS = (mcp_mail, mcp_work)
"""What puts the tools into the server."""


def serve(key: Presented | None = None) -> bool:
    """Serve on standard input and output until the client is gone; False if it said nothing."""
    mcp_call.present(key)
    return anyio.run(_serve)


async def _serve() -> bool:
    client = Client()
    clients.append(client)
    lowlevel = mcp_call.server._lowlevel_server
    try:
        async with stdio_server(client, client) as (said, answers):  # type: ignore[arg-type]
            await lowlevel.run(said, answers, lowlevel.create_initialization_options())
    except* (BrokenPipeError, anyio.BrokenResourceError):
        pass  # it does not hear either
    finally:
        client.close()
    return client.heard
