"""`permission`: what agents' programs ask for before they do it, and the operator's answers."""

from __future__ import annotations

import time
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.exceptions import UsageError
from mailcore.model.agent import OPERATOR
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.text import line
from mailcore.text.units import age, duration


def arguments(verb: str, parser: Parser) -> None:
    """`permission [list] | allow ID [--always] | deny ID WHY`."""
    del verb
    parser.add_argument("what", nargs="?", choices=("list", "allow", "deny"), default="list", help="what to do")
    parser.add_argument("id", nargs="?", default="", help="the request, or a beginning of it that no other has")
    parser.add_argument("why", nargs="?", default="", help="why it is denied: the agent reads it")
    parser.add_argument("--always", action="store_true", help="with allow: what is like it too, until the session ends")
    sender_option(parser)


def permission(call: Call) -> VerbResult:
    """List what waits, or decide it."""
    if call.arguments.what == "list":
        return _list(call)
    return _decide(call)


def _list(call: Call) -> VerbResult:
    from mailcore.model.permission import subject_of
    from mailcore.permissions.store import read_requests

    found = [one for agent in call.workspace.agents for one in read_requests(agent)]
    now = time.time()
    rows = [_row(one) for one in found]
    lines = [
        f"{one.id}  {one.agent:<16} {line(one.tool, 20):<12} {line(subject_of(one.tool_input), 100)}  "
        f"{age(now - one.at)}, waits {duration(max(0.0, one.until - now))} more"
        for one in found
    ]
    return rows, "\n".join(lines) or "no program waits for a permission here"


def _row(request: PermissionRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "agent": request.agent,
        "session": request.session,
        "subagent": request.subagent,
        "tool": request.tool,
        "tool_input": request.tool_input,
        "directory": request.directory,
        "at": request.at,
        "until": request.until,
        "always": request.remembers,
    }


def _decide(call: Call) -> VerbResult:
    from mailcore.permissions.decide import decide_permission
    from mailcore.permissions.store import find_permission

    allow, always, why = call.arguments.what == "allow", call.arguments.always, call.arguments.why
    if not call.arguments.id:
        raise UsageError(f"which? `mailcore permission {call.arguments.what} ID`; `mailcore permission` lists them")
    if not allow and (always or not why):
        raise UsageError("to deny needs a reason that the agent reads: `mailcore permission deny ID WHY`")
    if allow and why:
        raise UsageError("what is allowed needs no reason")
    caller = call.require(OPERATOR)
    agent, request = find_permission(call.workspace, call.arguments.id)
    answer = PermissionAnswer(allow, caller.address, why, always)
    decide_permission(call.workspace, agent, request, answer)
    word = ("allowed" + (", and what is like it until the session ends" if always else "")) if allow else "denied"
    return {"id": request.id, "agent": request.agent, "allowed": allow, "always": always}, f"{request.id}: {word}"
