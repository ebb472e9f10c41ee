"""What an agent's branch has that it had not when its run began. Every name and line is untrusted text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    """What happened to a file."""

    CHANGED = "changed"
    NEW = "new"
    DELETED = "deleted"
    UNTRACKED = "untracked"
    """New, and git does not know it."""
    SEEN = "seen"
    """Written since the run began; nothing else is known, for there is no git."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file that changed."""

    path: str
    """Relative to `ChangeSet.top`."""
    kind: ChangeKind
    added: int | None = None
    """Lines; None where they are not counted: what is binary, untracked, or not in git."""
    removed: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The files that changed, and against what."""

    since: str
    """Against what they are compared, in words."""
    top: str = ""
    """Absolute directory that the paths begin at: git's working tree, else the agent's branch."""
    branch: str = ""
    """What git calls the branch that is checked out; empty without git, and where HEAD is detached."""
    linked: bool = False
    """The working tree is a linked one (`git worktree`)."""
    base: str = ""
    """The commit, or tree, that they are compared with; empty without git."""
    files: tuple[ChangedFile, ...] = ()
    more: int = 0
    """Files that are left out beyond those."""
    trouble: str = ""
    """Why nothing can be said, in words; empty if it can."""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What changed in one file."""

    path: str
    lines: tuple[str, ...]
    """As `diff -u` draws them: a blank, `+`, `-` or `@` first."""
    more: int = 0
    """Lines that are left out beyond those; -1 if there are, and nobody counted them."""
    first_line: int = 0
    """Of the file as it is now, from 1: where the first change is; 0 unknown."""
    note: str = ""
    """What is to be said instead of lines, or beside them: binary, deleted, cannot be read."""
