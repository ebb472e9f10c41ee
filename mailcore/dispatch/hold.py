"""Hold and release: a held agent gets its mail and is not started, by nobody; what would start waits."""

from __future__ import annotations

import json

from mailcore import audit
from mailcore.config import Config
from mailcore.dispatch.gate import gate
from mailcore.dispatch.succession import start_what_waits
from mailcore.errors import Refused
from mailcore.holds import HOLD
from mailcore.system import ignored
from mailcore.system.files import read_bytes
from mailcore.system.writing import replace
from mailcore.workspace import Workspace

EVERYONE = ""
"""In place of an address: the whole workspace."""


def hold(workspace: Workspace, by: str, target: str, why: str) -> None:
    """Nothing starts at `target` (an address, or EVERYONE) until it is released; what runs goes on.

    Refused where the agent's directory is gone: nothing of it is made again.
    """
    directory = workspace.state_dir
    if target:
        agent = workspace.agent(target)
        if not agent.branch.is_dir():
            raise Refused(f"{agent.address}'s directory {agent.branch} is gone: nothing can start there", "no_branch")
        directory = agent.mail_dir
    ignored.make(directory)
    replace(directory / HOLD, json.dumps({"by": by, "why": why}).encode())
    for agent in [workspace.agent(target)] if target else workspace.agents:
        with gate(workspace, agent):
            pass  # who looked for a hold before has begun by now: from here on nothing starts
    audit.record(workspace, by, "hold", agent=target or "all", why=why)


def held_by(workspace: Workspace, target: str, address: str) -> bool:
    """True if that very agent put the hold on `target`, so that it may take it off."""
    directory = workspace.agent(target).mail_dir if target else workspace.state_dir
    try:
        return bool(json.loads(read_bytes(directory / HOLD)).get("by") == address)
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def release(workspace: Workspace, config: Config, by: str, target: str) -> list[str]:
    """Let it start again; the ids of the runs that waited for it. Refused if it was not held."""
    directory = workspace.agent(target).mail_dir if target else workspace.state_dir
    try:
        (directory / HOLD).unlink()
    except FileNotFoundError:
        raise Refused(f"{target or 'the workspace'} is not held", "not_held") from None
    audit.record(workspace, by, "release", agent=target or "all")
    return start_what_waits(workspace, config)
