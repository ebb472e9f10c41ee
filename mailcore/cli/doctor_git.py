"""What git knows of a workspace's state, for `doctor`: asked of git itself, which may be missing."""

from __future__ import annotations

from mailcore.system.git_repository import git_entries
from mailcore.workspace.find import Workspace

SHARED = (".praxmonitor/config.toml", ".praxmonitor/templates/", ".praxmonitor/themes/")


def tracked(workspace: Workspace) -> list[str]:
    """The directories of ours, relative to the root, of which git tracks more than what teams share."""
    places = _places(workspace)
    names = [place.rstrip("/") + "/" for place in places]
    files = [
        path for path in git_entries(workspace.root, "ls-files", "-z", "--", *places) if not path.startswith(SHARED)
    ]
    return [name.rstrip("/") for name in names if any(path.startswith(name) for path in files)]


def unignored(workspace: Workspace) -> list[str]:
    """Those that hold something, and that git would take away; none outside of git."""
    if not git_entries(workspace.root, "rev-parse", "--git-dir"):
        return []
    files = {f"{place}/audit.jsonl": place for place in _places(workspace) if place != ".aipass"}
    unignored_paths = {
        path for path in files if not git_entries(workspace.root, "check-ignore", "--no-index", "--", path)
    }
    return [files[path] for path in files if path in unignored_paths]


def _places(workspace: Workspace) -> list[str]:
    directories = (workspace.state_dir, workspace.aipass_dir, *(agent.mail_dir for agent in workspace.agents))
    return [str(place.relative_to(workspace.root)) for place in directories if place.is_dir()]
