"""Linked git worktrees (`git worktree add`): another checkout of the same project, by git's own record."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mailcore.system.safe_open import read_bytes

MAX_POINTER = 4096
"""Bytes of a file of git's that names a directory; a longer one is none."""


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
            record = _named(mark, top, "gitdir: ")
            common = _named(record / "commondir", record)
            if common.name != ".git" or _named(record / "gitdir", record) != mark.resolve():
                return None
            return common.parent / directory.relative_to(top)
        except (OSError, ValueError):
            return None
    return None


def _named(file: Path, base: Path, before: str = "") -> Path:
    """The path that a file of git's names, resolved; ValueError if it names none."""
    text = os.fsdecode(read_bytes(file)[:MAX_POINTER]).strip()
    if not text.startswith(before) or "\n" in text or "\0" in text:
        raise ValueError(f"{file} names no path")
    return (base / text.removeprefix(before)).resolve()
