"""Warn an agent before it changes what another has leased: `python -m mailcore.hooks.lease ADDRESS BRANCH ROOT`.

The hook line runs it before a tool that writes files, while anything is leased. The event comes on standard input. The
call is refused once, with who leased what and until when, for the agent to read; the same session may go on then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.programs.hook_lines import parse_hook
from mailcore.programs.tool_wording import tool_writes
from mailcore.text.frames import quoted
from mailcore.text.units import soon
from mailcore.workspace.find import workspace_at
from mailcore.workspace.leases import remove_if_over, warn_once
from mailcore.workspace.project_path import project_path


def main(words: Sequence[str]) -> int:
    """Print the refusal, if there is one. Always 0: a hook never fails its agent."""
    address, _, root = words
    with suppress(MailcoreError, OSError):
        if warning := lease_warning(address, Path(root), sys.stdin.buffer.read()):
            answer = {
                "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": warning,
            }  # fmt: skip
            sys.stdout.write(json.dumps({"hookSpecificOutput": answer}))
    return 0


def lease_warning(address: str, root: Path, line: bytes) -> str:
    """What to say before this event's call; empty: nothing. MailcoreError, OSError of the disk."""
    event = parse_hook(line)
    if event is None:
        return ""
    workspace = workspace_at(root)
    agent = workspace.agent(address)
    writes = tool_writes(str(event.get("tool_name")), event.get("tool_input"), str(event.get("cwd") or ""))
    paths = [path for name in writes if (path := project_path(agent, name))]
    names = [os.path.relpath(path, workspace.root) for path in paths]
    lease = warn_once(workspace, agent.address, str(event.get("session_id")), names) if names else None
    if lease is None:
        remove_if_over(workspace)
        return ""
    why = f", who says: {quoted(lease.why)}" if lease.why else ""
    return (
        f"Leased: {', '.join(map(quoted, names[:3]))} is changed by {lease.by} until {soon(lease.until)}{why}. Work on "
        f"something else, or agree with {lease.by} first (mailcore send). If it must be, do the same again: you are "
        "warned once."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
