"""Put a hold on an agent, or on all of them: mail is delivered to it, and nothing starts it until it is released."""

from __future__ import annotations

import json
from pathlib import Path

from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.exceptions import Refused
from mailcore.system import self_ignore
from mailcore.system.writing import replace
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.holds import HOLD

WHOLE_WORKSPACE = ""
"""In place of an address: the whole workspace."""


def place_hold(workspace: Workspace, by: str, target: str, why: str) -> None:
    """Nothing starts at `target` (an address, or WHOLE_WORKSPACE) until it is released; what runs goes on.

    Refused where the agent's directory is gone: nothing of it is made again.
    """
    directory = hold_directory(workspace, target)
    self_ignore.make_ignored(directory)
    replace(directory / HOLD, json.dumps({"by": by, "why": why}).encode())
    for agent in [workspace.agent(target)] if target else workspace.agents:
        with gate(workspace, agent):
            pass  # who looked for a hold before has begun by now: from here on nothing starts
    audit.record(workspace, by, "hold", agent=target or "all", why=why)


def hold_directory(workspace: Workspace, target: str) -> Path:
    """The directory in which a hold of `target` lies. Refused where the agent's own directory is gone."""
    if not target:
        return workspace.state_dir
    agent = workspace.agent(target)
    if not agent.branch.is_dir():
        raise Refused(f"{agent.address}'s directory {agent.branch} is gone: nothing can start there", "no_branch")
    return agent.mail_dir
