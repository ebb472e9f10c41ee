"""The linked worktrees of a repository (`git worktree add`), by git's own record of them; git itself is not run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mailcore.system.git_pointer import named_path
from mailcore.system.git_worktree import WorkingTree, working_tree

MAX_WORKTREES = 200
"""Of one repository that are looked at."""


def linked_worktree(place: Path) -> WorkingTree | None:
    """The linked worktree that a directory lies in; None if it lies in none.

    The `.git` file of the worktree names its record in the repository, and the record names that very file: neither a
    submodule nor a file that somebody wrote is taken for one.
    """
    try:
        tree = working_tree(place)
        return tree if tree is not None and tree.linked and _is_proved(tree) else None
    except (OSError, ValueError):
        return None


def in_main_worktree(tree: WorkingTree, place: Path) -> Path | None:
    """The same directory in the main worktree, of one in this linked worktree; None where the repository has none.

    However it is named: by what a link leads to, as git's record is.
    """
    real = Path(os.path.realpath(place))
    return tree.common.parent / real.relative_to(tree.top) if tree.common.name == ".git" else None


def records(places: Iterable[Path]) -> list[Path]:
    """The directories, there or not, in which the repositories of these places keep the records of their worktrees."""
    found: dict[Path, None] = {}
    for place in places:
        try:
            tree = working_tree(place)
        except (OSError, ValueError):
            continue
        if tree is not None and tree.common.name == ".git":
            found[tree.common / "worktrees"] = None
    return list(found)


def worktree_tops(record: Path) -> Iterator[Path]:
    """The tops of the linked worktrees that stand in such a directory of records; whoever made the records says so, and
    nobody has proved it (`linked_worktree`)."""
    try:
        names = sorted(record.iterdir())[:MAX_WORKTREES]
    except OSError:
        return
    for name in names:
        try:
            yield named_path(name / "gitdir", name).parent
        except (OSError, ValueError):
            continue


def _is_proved(tree: WorkingTree) -> bool:
    if tree.directory.parent != tree.common / "worktrees":
        return False
    return named_path(tree.directory / "gitdir", tree.directory) == (tree.top / ".git").resolve()
