"""Ask the operator for what an agent's program would do: `python -m mailcore.hooks.permission ADDRESS BRANCH ROOT
SETTINGS PID`.

The hook line of `PermissionRequest` runs it. What config.toml decides is decided at once; else, while somebody watches
the workspace, the request waits for an answer, for as long as `[permissions]` says. What is printed decides; nothing
printed leaves it to the program, which asks its person as if we were not there. Never fails its agent.
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

from mailcore.config import Permissions, read_config
from mailcore.exceptions import MailcoreError
from mailcore.hooks.hooked_agent import hooked_agent
from mailcore.hooks.session_events import newest_events
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.permissions.decide import note_decision
from mailcore.permissions.policy import decided_by_policy
from mailcore.permissions.store import decision_json, read_answer, waiting_request
from mailcore.programs.base import Hooks
from mailcore.programs.hook_lines import parse_hook
from mailcore.programs.registry import programs
from mailcore.system.processes import exit_notice, start_ticks
from mailcore.workspace import presence
from mailcore.workspace.find import Workspace, workspace_at

BY_POLICY = "policy"
"""By whom what config.toml says was decided."""
_ENDS = frozenset({"Stop", "StopFailure", "UserPromptSubmit", "SessionEnd", "Interrupt"})
"""Events of a session after which no call of its own asks any more."""
_CALL_OVER = frozenset({"PostToolUse", "PostToolUseFailure"})


def main(words: Sequence[str]) -> int:
    """Print the decision, if there is one. Always 0."""
    address, branch, root, settings, pid = words
    with suppress(MailcoreError, OSError):
        event = parse_hook(sys.stdin.buffer.read()) or {}
        workspace = workspace_at(Path(root))
        agent = hooked_agent(address, branch, root)
        hooks = next(one.hooks for one in programs() if one.hooks is not None and one.hooks.settings == settings)
        request = _request(agent, hooks, event)
        answer = ask_operator(workspace, agent, request, int(pid))
        if answer is not None:
            sys.stdout.write(json.dumps(decision_json(request, answer)))
    return 0


def ask_operator(
    workspace: Workspace, agent: Agent, request: PermissionRequest, program: int
) -> PermissionAnswer | None:
    """Who decides: config.toml, the operator, or, None, the person at the program's own terminal."""
    policy = read_config(workspace.config_file).permissions
    decided = decided_by_policy(policy, request.tool, request.tool_input)
    if decided is not None:
        why = "" if decided else f"[permissions] deny of {workspace.config_file.name} says so"
        answer = PermissionAnswer(decided, BY_POLICY, why)
        with suppress(MailcoreError):  # a disk that is full must not keep it from being done
            note_decision(workspace, request, answer)
        return answer
    wait = waiting_time(policy, request)
    if not wait or not presence.is_watched(workspace):
        return None
    request = replace(request, until=time.time() + wait)
    with waiting_request(agent, request) as bell, exit_notice(program) as over:
        while (left := request.until - time.time()) > 0:
            if (given := read_answer(agent, request)) is not None:
                return given
            if is_settled(agent, request):
                return None
            ready, _, _ = select.select([bell, over.fileno()], [], [], left)
            if over.fileno() in ready:
                return None
            with suppress(BlockingIOError):
                os.read(bell, 4096)
    return None


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
        name = str(event.get("hook_event_name"))
        if name in _ENDS:
            return True
        if str(event.get("agent_id") or "") != request.subagent:
            continue
        same = event.get("tool_name") == request.tool and event.get("tool_input") == request.tool_input
        if (name in _CALL_OVER and same) or (name == "PermissionRequest" and not same):
            return True
    return False


def _request(agent: Agent, hooks: Hooks, event: Mapping[str, Any]) -> PermissionRequest:
    given, suggested = event.get("tool_input"), event.get("permission_suggestions")
    return PermissionRequest(
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
        remembers=hooks.remembers,
        beside=hooks.asks_beside,
        pid=os.getpid(),
        pid_ticks=start_ticks(os.getpid()),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
