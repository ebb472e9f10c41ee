"""Ask the operator for what an agent's program would do: `python -m mailcore.hooks.permission ADDRESS BRANCH ROOT
SETTINGS PID`.

The hook line of `PermissionRequest` runs it where config.toml has not decided (`mailcore.hooks.policy`). While somebody
watches the workspace, the request waits for an answer, for as long as `[permissions]` says. What is printed decides;
nothing printed leaves it to the program, which asks its person as if we were not there. Never fails its agent.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mailcore.config import Permissions
from mailcore.exceptions import MailcoreError
from mailcore.hooks.hooked_agent import hooked_agent
from mailcore.hooks.line import PERMISSION_REQUEST
from mailcore.hooks.session_events import newest_events
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest, remembered
from mailcore.permissions.store import decision_json, waiting_request
from mailcore.programs.base import Hooks
from mailcore.programs.hook_lines import ends_calls, event_activity, parse_hook
from mailcore.programs.registry import programs
from mailcore.system.processes import exit_notice
from mailcore.workspace import presence
from mailcore.workspace.find import Workspace, workspace_at
from mailcore.workspace.trust import trusted_config

_CALL_OVER = (Kind.TOOL_DONE, Kind.TOOL_FAILED)


def main(words: Sequence[str]) -> int:
    """Print the decision, if there is one. Always 0."""
    address, branch, root, settings, pid = words
    with suppress(MailcoreError, OSError):
        event = parse_hook(sys.stdin.buffer.read())
        if event is None:
            return 0  # too large, and cut
        agent = hooked_agent(address, branch, root)
        request = request_of(agent, hooks_at(settings), event)
        answer = ask_operator(workspace_at(Path(root)), agent, request, int(pid))
        if answer is not None:
            sys.stdout.write(json.dumps(decision_json(request, answer)))
    return 0


def ask_operator(
    workspace: Workspace, agent: Agent, request: PermissionRequest, program: int
) -> PermissionAnswer | None:
    """What the operator decides; None: the person at the program's own terminal does."""
    wait = waiting_time(trusted_config(workspace)[0].permissions, request)
    if not wait or not presence.is_watched(workspace):
        return None
    request = replace(request, until=time.time() + wait)
    with waiting_request(agent, request) as waiting:
        with exit_notice(program) as over:
            while waiting.stands and not is_settled(agent, request) and (left := request.until - time.time()) > 0:
                ready, _, _ = select.select([waiting.bell, over.fileno()], [], [], left)
                if over.fileno() in ready:
                    break
                with suppress(BlockingIOError):
                    os.read(waiting.bell, 4096)
        return waiting.withdraw()


def waiting_time(policy: Permissions, request: PermissionRequest) -> float:
    """Seconds for which a request waits for an answer of ours."""
    return policy.wait if request.beside else policy.first


def is_settled(agent: Agent, request: PermissionRequest) -> bool:
    """True once its session reports that the call went on, or that it asks for another: its person has answered."""
    for event in newest_events(agent):
        if float(event.get("ts") or 0.0) <= request.at:
            return False
        if event.get("session_id") != request.session:
            continue
        known = event_activity(event, request.agent, 0.0)
        if known is None:
            continue
        if ends_calls(known, request.subagent):
            return True
        if known.subagent != request.subagent:
            continue
        same = event.get("tool_name") == request.tool and event.get("tool_input") == request.tool_input
        if (known.kind in _CALL_OVER and same) or (event.get("hook_event_name") == PERMISSION_REQUEST and not same):
            return True
    return False


def hooks_at(settings: str) -> Hooks:
    """The hooks of the program that finds them in such a file."""
    return next(one.hooks for one in programs() if one.hooks is not None and one.hooks.settings == settings)


def request_of(agent: Agent, hooks: Hooks, event: Mapping[str, Any]) -> PermissionRequest:
    """The request that an event tells of, by this process."""
    given, suggested = event.get("tool_input"), event.get("permission_suggestions")
    request = PermissionRequest(
        id=os.urandom(4).hex(),
        agent=agent.address,
        session=str(event.get("session_id") or ""),
        tool=str(event.get("tool_name") or ""),
        tool_input=given if isinstance(given, dict) else {},
        at=time.time(),
        until=0.0,
        subagent=str(event.get("agent_id") or ""),
        directory=str(event.get("cwd") or ""),
        suggestions=tuple(one for one in suggested if isinstance(one, dict)) if isinstance(suggested, list) else (),
        beside=hooks.asks_beside,
    )
    return replace(request, remembers=hooks.remembers and bool(remembered(request)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
