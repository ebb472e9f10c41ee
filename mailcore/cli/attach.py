"""`attach`: become the agent's program, in its last session."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.dispatch.attach import Attachment, attachment
from mailcore.exceptions import UsageError
from mailcore.hosts.directory import addressed_agent


def arguments(verb: str, parser: Parser) -> None:
    """`attach @a`."""
    del verb
    parser.add_argument("target", metavar="@a", help="whose session")
    sender_option(parser)


def attach(call: Call) -> VerbResult:
    """Replace this process by the program; with `--json` only say what would be run."""
    if not call.arguments.json and not all(end is not None and end.isatty() for end in (sys.stdin, sys.stdout)):
        raise UsageError("attach needs a terminal; --json says what it would run there")
    elsewhere = addressed_agent(call.workspace, call.arguments.target)
    if elsewhere.is_remote:
        from mailcore.dispatch.remote_attach import remote_attachment

        call.require(prove=False)
        found = remote_attachment(call.workspace, call.config, elsewhere)
    else:
        agent = call.visible(call.arguments.target)
        found = attachment(call.workspace, call.config, call.viewer.address, agent.address)
    if call.arguments.json:
        where = {"directory": str(found.directory), "account": found.account.name, "variables": dict(found.variables)}
        return {"agent": found.address, "argv": list(found.argv), **where}, ""
    return _become(found)


def _become(found: Attachment) -> NoReturn:
    os.chdir(found.directory)
    os.execve(found.argv[0], found.argv, found.environment)
