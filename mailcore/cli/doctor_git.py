"""What git knows of a workspace's state, for `doctor`: asked of git itself, which may be missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mailcore.system.git_repository import git_entries
from mailcore.workspace.find import Workspace

SHARED = (".praxmonitor/config.toml", ".praxmonitor/templates/", ".praxmonitor/themes/")


def tracked(workspace: Workspace) -> list[str]:
    """The directories of ours, relative to the root, of which git tracks more than what teams share."""
    found = []
    for base, places in _places(workspace):
        files = [path for path in git_entries(base, "ls-files", "-z", "--", *places) if not path.startswith(SHARED)]
        found += [_told(workspace, base, one) for one in places if any(path.startswith(f"{one}/") for path in files)]
    return found


def unignored(workspace: Workspace) -> list[str]:
    """Those that hold something, and that git would take away; none outside of git."""
    found = []
    for base, places in _places(workspace):
        if not git_entries(base, "rev-parse", "--git-dir"):
            continue
        files = {f"{place}/audit.jsonl": place for place in places if place != ".aipass"}
        lost = [path for path in files if not git_entries(base, "check-ignore", "--no-index", "--", path)]
        found += [_told(workspace, base, files[path]) for path in lost]
    return found


def _places(workspace: Workspace) -> Iterator[tuple[Path, list[str]]]:
    """Each working tree with what is ours in it, relative to it: the workspace's, and those of agents beside it."""
    root = workspace.root
    inside = [agent.mail_dir for agent in workspace.agents if agent.branch.is_relative_to(root)]
    directories = (workspace.state_dir, workspace.aipass_dir, *inside)
    yield root, [str(place.relative_to(root)) for place in directories if place.is_dir()]
    for agent in workspace.agents:
        if agent.mail_dir not in inside and agent.mail_dir.is_dir():
            yield agent.branch, [agent.mail_dir.name]


def _told(workspace: Workspace, base: Path, place: str) -> str:
    return os.path.relpath(base / place, workspace.root)
