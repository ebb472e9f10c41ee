"""`mcp`: the server, and the keys by which its clients say who they are."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from mailcore.cli import output
from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import proof_option, sender_option
from mailcore.exceptions import MailcoreError, NoWorkspace, UsageError
from mailcore.text import line
from mailcore.text.units import date_and_time

if TYPE_CHECKING:
    from mailcore.identity.client_keys import ClientKey


def arguments(verb: str, parser: Parser) -> None:
    """Nothing: serve. `mcp key new @a [--may VERBS] | list | revoke ID`."""
    del verb
    parser.add_argument("what", nargs="?", choices=("key",), help="keys of clients; without it the server runs")
    parser.add_argument("act", nargs="?", choices=("new", "list", "revoke"), help="shown once; listed without")
    parser.add_argument("which", nargs="?", default="", metavar="@a|ID", help="whose the new one is; which to revoke")
    parser.add_argument(
        "--may",
        action="append",
        default=[],
        metavar="VERB,…",
        help="the verbs that it is good for; else all of an agent's, save approve and deny",
    )
    sender_option(parser)
    proof_option(parser)


def mcp(call: Call) -> VerbResult:
    """Serve until standard input closes. Outside a workspace each call is answered with that; at a terminal it ends."""
    if call.arguments.what == "key":
        return _key(call)
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
        from mailcore.mcp.server import serve
    except ModuleNotFoundError as error:
        fix = "install this project with its extra [mcp]: pip install '.[mcp]' in its checkout"
        raise MailcoreError(f"{error.name} is missing: {fix}", "missing") from error
    from mailcore.identity.client_keys import FILE_VARIABLE, VARIABLE, PresentedKey

    key = PresentedKey.of(os.environ)
    for name in (VARIABLE, FILE_VARIABLE):  # it is this client's, and nobody's that is started for it
        os.environ.pop(name, None)
    served = serve(key)
    if nowhere is not None and not served:
        raise nowhere
    if threading.active_count() > 1:  # what was cancelled and still goes on: Python would stay for it
        output.flush_stdout()
        os._exit(0)
    return None, ""


def _key(call: Call) -> VerbResult:
    """Issue, list or revoke: the operator alone."""
    from mailcore.identity import client_keys
    from mailcore.mcp.tools import SERVED

    a = call.arguments
    if a.act in (None, "list"):
        call.require(prove=False)
        found = client_keys.known_keys(call.workspace)
        return [_row(key) for key in found], "\n".join(map(_line, found)) or "no keys"
    if not a.which:
        raise UsageError("mcp key new @agent, or mcp key revoke ID")
    call.require()
    if a.act == "revoke":
        revoked = client_keys.revoke_key(call.workspace, a.which)
        return _row(revoked), f"key {revoked.id} of {revoked.agent} opens nothing any more"
    may = [verb for words in a.may for verb in words.replace(",", " ").split()]
    key, text = client_keys.issue_key(call.workspace, call.workspace.agent(a.which), may, SERVED)
    output.print_note(
        f"mailcore mcp: key {key.id} of {key.agent}, shown only now: put it into a file that only you can read, and "
        f"set {client_keys.FILE_VARIABLE} to that file in the client's config. Whoever reads the file is {key.agent}."
    )
    return {**_row(key), "key": text}, text


def _row(key: ClientKey) -> dict[str, object]:
    return {"id": key.id, "agent": key.agent, "may": list(key.may), "at": key.at}


def _line(key: ClientKey) -> str:
    from mailcore.model.message import parse_time

    may = " ".join(key.may) or "all of an agent's, save approve and deny"
    return f"{line(key.id, 20)}  {line(key.agent, 20):<16}  {date_and_time(parse_time(key.at), never='-')}  {line(may)}"
