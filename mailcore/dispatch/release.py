"""Release an agent that was held, or all of them: the starts that waited for it begin."""

from __future__ import annotations

import json

from mailcore.config import Config
from mailcore.dispatch.lifecycle.after_run import start_all_waiting
from mailcore.exceptions import Refused
from mailcore.system.safe_open import read_bytes
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.holds import HOLD


def was_held_by(workspace: Workspace, target: str, address: str) -> bool:
    """True if that very agent put the hold on `target`, so that it may take it off."""
    directory = workspace.agent(target).mail_dir if target else workspace.state_dir
    try:
        return bool(json.loads(read_bytes(directory / HOLD)).get("by") == address)
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def release_hold(workspace: Workspace, config: Config, by: str, target: str) -> list[str]:
    """Let it start again; the ids of the runs that waited for it. Refused if it was not held."""
    directory = workspace.agent(target).mail_dir if target else workspace.state_dir
    try:
        (directory / HOLD).unlink()
    except FileNotFoundError:
        raise Refused(f"{target or 'the workspace'} is not held", "not_held") from None
    audit.record(workspace, by, "release", agent=target or "all")
    return start_all_waiting(workspace, config)
