"""Linked git worktrees (`git worktree add`): another checkout of the same project, by git's own record."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from mailcore.system.git_pointer import named_path


class LinkedWorktree(NamedTuple):
    """A linked worktree, as both it and its repository say."""

    top: Path
    """The directory that is checked out there."""
    repository: Path
    """What all worktrees of the repository share: its `.git`."""


def linked_worktree(directory: Path) -> LinkedWorktree | None:
    """The linked worktree that a directory is in; None if it is in none.

    The `.git` file of the worktree names its record in the repository, and the record names that very file: neither a
    submodule nor a file that somebody wrote is taken for one.
    """
    for top in (directory, *directory.parents):
        mark = top / ".git"
        try:
            kind = os.lstat(mark).st_mode
        except OSError:
            continue
        if not stat.S_ISREG(kind):
            return None
        try:
            record = named_path(mark, top, "gitdir: ")
            repository = named_path(record / "commondir", record)
            if named_path(record / "gitdir", record) != mark.resolve():
                return None
            return LinkedWorktree(top, repository)
        except (OSError, ValueError):
            return None
    return None


def counterpart(directory: Path) -> Path | None:
    """The same directory in the main worktree, of one in a linked worktree; None if it is in none."""
    linked = linked_worktree(directory)
    if linked is None or linked.repository.name != ".git":
        return None
    return linked.repository.parent / directory.relative_to(linked.top)


def is_own_worktree(directory: Path, root: Path) -> bool:
    """True if a directory lies in a linked worktree of the very repository that the workspace at `root` is in."""
    linked = linked_worktree(directory)
    return linked is not None and linked.repository == _repository(root)


def _repository(root: Path) -> Path | None:
    for top in (root, *root.parents):
        mark = top / ".git"
        if mark.is_dir():
            return mark.resolve()
        if mark.exists():
            linked = linked_worktree(top)
            return linked.repository if linked is not None else None
    return None
