"""What git holds of a workspace. Git is asked without anything that a repository's own settings could start.

Who sends a project along with its `.git` has written the settings in it, and whoever made a commit the directories: one
of them may look like a repository of its own. So git is told which repository is meant, and looks for none itself.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

GIT_PATIENCE = 5.0
"""Seconds that git has to answer."""

_TAMED = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat")
"""Of what `ls-files`, `check-ignore` and `cat-file` heed: fsmonitor is a command, which they would run."""


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


class _NoAnswer(Exception):
    """Git is not there, or does not say."""


def git_state(path: Path) -> GitState:
    """How git holds the file at `path`, and what a link there leads to: the gravest of both."""
    contents: list[bytes] = []
    for place in dict.fromkeys((path.absolute(), Path(os.path.realpath(path)))):
        try:
            for repository in _around(place.parent):
                contents += _contents(repository, place)
        except _NoAnswer:
            return GitState(Tracked.UNKNOWN)
    return GitState(Tracked.YES if contents else Tracked.NO, tuple(contents))


def _contents(repository: Path, path: Path) -> Iterator[bytes]:
    """Each content that this repository has for the file; _NoAnswer if it does not say."""
    place = Path(os.path.realpath(path.parent)) / path.name
    entries = _ask(repository, "ls-files", "-s", "-z", "--", f":(literal){place.relative_to(repository)}")
    for entry in filter(None, entries.split(b"\0")):
        if len(fields := entry.split()) < 3:
            raise _NoAnswer
        yield _ask(repository, "cat-file", "blob", fields[1].decode("ascii", "replace"))


def git_entries(root: Path, *words: str) -> list[str]:
    """What git says of the repository that `root` is in, an entry a line or NUL; empty where it says nothing."""
    for repository in _around(root):
        try:
            text = _ask(repository, *words, cwd=root).decode("utf-8", "surrogateescape")
        except _NoAnswer:
            return []
        return [one for one in text.replace("\0", "\n").split("\n") if one]
    return []


def _around(directory: Path) -> Iterator[Path]:
    """The working trees that a directory is in, innermost first. A `.git` without a HEAD is no repository to git."""
    here = Path(os.path.realpath(directory))
    return (one for one in (here, *here.parents) if _is_repository(one / ".git"))


def _is_repository(path: Path) -> bool:
    return path.is_file() or os.path.lexists(path / "HEAD")


def _ask(repository: Path, *words: str, cwd: Path | None = None) -> bytes:
    """What git prints; nothing where there is no repository after all. _NoAnswer where it fails."""
    place = f"--git-dir={repository / '.git'}", f"--work-tree={repository}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # What a repository lacks it would fetch, by a command that it names itself.
    environment |= {"LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *_TAMED, *place, *words],
            cwd=cwd or repository,
            env=environment,
            capture_output=True,
            timeout=GIT_PATIENCE,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _NoAnswer from error
    if done.returncode and b"not a git repository" not in done.stderr:
        raise _NoAnswer
    return done.stdout
