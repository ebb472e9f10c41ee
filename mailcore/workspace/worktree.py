"""What a linked git worktree (`git worktree add`) is to the project: another checkout of it, by git's record."""

from __future__ import annotations

from pathlib import Path

from mailcore.system.git_worktree import working_tree
from mailcore.system.linked_worktrees import in_main_worktree, linked_worktree


def counterpart(directory: Path) -> Path | None:
    """The same directory in the main worktree, of one in a linked worktree; None if it is in none."""
    tree = linked_worktree(directory)
    return in_main_worktree(tree, directory) if tree is not None else None


def is_own_worktree(directory: Path, root: Path) -> bool:
    """True if a directory lies in a linked worktree of the very repository that the workspace at `root` is in."""
    tree = linked_worktree(directory)
    return tree is not None and tree.common == _repository(root)


def _repository(root: Path) -> Path | None:
    try:
        tree = working_tree(root)
    except (OSError, ValueError):
        return None
    if tree is not None and tree.linked and linked_worktree(root) is None:
        return None
    return tree.common.resolve() if tree is not None else None
