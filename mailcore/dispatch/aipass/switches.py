"""AIPass's own switches, which hold for what we start too (contract section 4). Reads only."""

from __future__ import annotations

import json

from mailcore.mail.aipass_feed import is_home
from mailcore.model.agent import Agent
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

BLOCKED = "@devpulse"
"""Whom AIPass starts in no lane: the seat of a person in its home."""


def why_never_started(workspace: Workspace, agent: Agent) -> str:
    """Why an agent gets its mail and is never started, in words; empty where it may be."""
    if agent.address == BLOCKED and is_home(workspace.root):
        return f"{agent.address} is on AIPass's blocklist: it gets mail, and is not started"
    try:
        passport = json.loads(read_bytes(agent.passport))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, RecursionError):
        # AIPass takes it for a manager's; elsewhere a passport that a hand spoilt stops nobody.
        return f"{agent.passport} cannot be read: it may be a manager's" if is_home(workspace.root) else ""
    identity = passport.get("identity") if isinstance(passport, dict) else None
    if isinstance(identity, dict) and identity.get("citizen_class") == "manager":
        return f"{agent.address} is a manager by its passport: it gets mail, and is not started"
    return ""


def why_paused(workspace: Workspace) -> str:
    """Why nothing starts by itself, in words; empty where it does."""
    path = workspace.aipass_dir / "autonomous_pause"
    return f"{path} is there: nothing starts by itself" if path.exists() else ""
