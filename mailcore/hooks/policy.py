"""Decide what an agent's program asks for, if config.toml does: `python -m mailcore.hooks.policy ADDRESS BRANCH ROOT
SETTINGS`.

The hook line of `PermissionRequest` runs it before it notes the event, so that what is decided by itself never looks
like a question. What is printed decides; nothing printed leaves it to others. Never fails its agent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.hooks.hooked_agent import hooked_agent
from mailcore.hooks.permission import hooks_at, request_of
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.permissions.decide import note_decision
from mailcore.permissions.policy import decided_by_policy
from mailcore.permissions.store import decision_json
from mailcore.programs.hook_lines import parse_hook
from mailcore.workspace.find import Workspace, workspace_at
from mailcore.workspace.trust import trusted_config

BY_POLICY = "policy"
"""By whom what config.toml says was decided."""


def main(words: Sequence[str]) -> int:
    """Print the decision, if there is one. Always 0."""
    address, branch, root, settings = words
    with suppress(MailcoreError, OSError):
        event = parse_hook(sys.stdin.buffer.read())
        agent = hooked_agent(address, branch, root)
        if event is not None:
            request = request_of(agent, hooks_at(settings), event)
            if (answer := decided(workspace_at(Path(root)), agent, request)) is not None:
                sys.stdout.write(json.dumps(decision_json(request, answer)))
    return 0


def decided(workspace: Workspace, agent: Agent, request: PermissionRequest) -> PermissionAnswer | None:
    """What config.toml decides, noted in the audit; None: nothing."""
    policy = trusted_config(workspace)[0].permissions
    allows = decided_by_policy(policy, request.tool, request.tool_input, agent.branch, request.directory)
    if allows is None:
        return None
    why = "" if allows else f"[permissions] deny of {workspace.config_file.name} says so"
    answer = PermissionAnswer(allows, BY_POLICY, why)
    with suppress(MailcoreError):  # a disk that is full must not keep it from being done
        note_decision(workspace, request, answer)
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
