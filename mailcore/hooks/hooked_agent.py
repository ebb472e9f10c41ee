"""The agent that a hook line names, without a look at the registry: the line is run at each step of the agent's."""

from __future__ import annotations

from pathlib import Path

from mailcore.model.agent import Agent


def hooked_agent(address: str, branch: str, root: str) -> Agent:
    """The agent whose hooks `mailcore hooks install` put there; a branch outside of the root is a proven worktree."""
    place = Path(branch)
    outside = not place.is_relative_to(root)
    return Agent(address, address[1:].upper(), place, root=Path(root), worktree=outside)
