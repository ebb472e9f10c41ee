"""What git holds of a workspace. Git is asked without anything that a repository's own settings could start.

Who sends a project along with its `.git` has written the settings in it, and whoever made a commit the directories: one
of them may look like a repository of its own. So git is told which repository is meant, and looks for none itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mailcore.system.git_command import NoAnswer, run_git
from mailcore.system.git_worktree import trees_around


class Tracked(Enum):
    """How git holds a file."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GitState:
    """What git holds of a file."""

    how: Tracked
    contents: tuple[bytes, ...] = ()
    """What it would put there, as it keeps it; several while a merge is not done."""


def git_state(path: Path) -> GitState:
    """How git holds the file at `path`, and what a link there leads to: the gravest of both."""
    contents: list[bytes] = []
    for place in dict.fromkeys((path.absolute(), Path(os.path.realpath(path)))):
        try:
            for repository in trees_around(place.parent):
                contents += _contents(repository, place)
        except NoAnswer:
            return GitState(Tracked.UNKNOWN)
    return GitState(Tracked.YES if contents else Tracked.NO, tuple(contents))


def _contents(repository: Path, path: Path) -> Iterator[bytes]:
    """Each content that this repository has for the file; NoAnswer if it does not say."""
    place = Path(os.path.realpath(path.parent)) / path.name
    entries = _ask(repository, "ls-files", "-s", "-z", "--", f":(literal){place.relative_to(repository)}")
    for entry in filter(None, entries.split(b"\0")):
        if len(fields := entry.split()) < 3:
            raise NoAnswer
        yield _ask(repository, "cat-file", "blob", fields[1].decode("ascii", "replace"))


def git_entries(root: Path, *words: str) -> list[str]:
    """What git says of the repository that `root` is in, an entry a line or NUL; empty where it says nothing."""
    for repository in trees_around(root):
        try:
            text = _ask(repository, *words, cwd=root).decode("utf-8", "surrogateescape")
        except NoAnswer:
            return []
        return [one for one in text.replace("\0", "\n").split("\n") if one]
    return []


def _ask(repository: Path, *words: str, cwd: Path | None = None) -> bytes:
    """What git prints; nothing where there is no repository after all. NoAnswer where it fails."""
    place = f"--git-dir={repository / '.git'}", f"--work-tree={repository}"
    try:
        return run_git(*place, *words, cwd=cwd or repository)[0]
    except NoAnswer as error:
        if "not a git repository" in str(error):
            return b""
        raise
