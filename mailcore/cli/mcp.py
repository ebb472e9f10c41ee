"""`mcp`."""

from __future__ import annotations

from mailcore.cli.call import Call, Parser, Result
from mailcore.errors import MailcoreError


def arguments(verb: str, parser: Parser) -> None:
    """None: identity is the server's own, by the working directory or the run."""
    del verb, parser


def mcp(call: Call) -> Result:
    """Serve until standard input closes."""
    call.workspace  # noqa: B018 (refuse at once, in words, where there is none)
    try:
        from mailcore.mcp import server
    except ModuleNotFoundError as error:
        fix = "install this project with its extra [mcp]: pip install '.[mcp]' in its checkout"
        raise MailcoreError(f"{error.name} is missing: {fix}", "missing") from error
    server.run("stdio")
    return None, ""
