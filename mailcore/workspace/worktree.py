"""Linked git worktrees (`git worktree add`): another checkout of the same project, by git's own record."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mailcore.system.git_pointer import named_path


def counterpart(directory: Path) -> Path | None:
    """The same directory in the main worktree, of one in a linked worktree; None if it is in none.

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
            common = named_path(record / "commondir", record)
            if common.name != ".git" or named_path(record / "gitdir", record) != mark.resolve():
                return None
            return common.parent / directory.relative_to(top)
        except (OSError, ValueError):
            return None
    return None
