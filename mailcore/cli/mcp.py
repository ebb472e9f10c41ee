"""`mcp`."""

from __future__ import annotations

import os
import sys
import threading

from mailcore.cli import output
from mailcore.cli.call import Call, Parser, Result
from mailcore.errors import MailcoreError, NoWorkspace, UsageError


def arguments(verb: str, parser: Parser) -> None:
    """None: identity is the server's own, by the working directory or the run."""
    del verb, parser


def mcp(call: Call) -> Result:
    """Serve until standard input closes. Outside a workspace each call is answered with that; at a terminal it ends."""
    if sys.stdin is None or sys.stdout is None:
        raise UsageError("MCP is spoken on standard input and output, and one of them is closed")
    nowhere: MailcoreError | None = None
    try:
        call.workspace  # noqa: B018
    except (NoWorkspace, FileNotFoundError) as error:  # the directory itself may be gone
        nowhere = error if isinstance(error, NoWorkspace) else NoWorkspace(f"the working directory is gone: {error}")
        if sys.stdin.isatty():
            raise nowhere from error
    try:
        from mailcore.mcp import serve
    except ModuleNotFoundError as error:
        fix = "install this project with its extra [mcp]: pip install '.[mcp]' in its checkout"
        raise MailcoreError(f"{error.name} is missing: {fix}", "missing") from error
    heard = serve()
    if nowhere is not None and not heard:
        raise nowhere
    if threading.active_count() > 1:  # a wait that nobody hears of any more: Python would stay for it
        output.finish()
        os._exit(0)
    return None, ""
