"""Whether git tracks a file. Git is asked without anything that a repository's own settings could start."""

from __future__ import annotations

import os
import subprocess
from enum import Enum
from pathlib import Path

ASKED = 5.0
"""Seconds that git has to answer."""


class Tracked(Enum):
    """How git holds a file."""

    NO = "no"
    AS_IT_IS = "as it is"
    CHANGED = "changed"
    """What lies there is not what git holds."""
    UNKNOWN = "unknown"


def tracks(path: Path) -> Tracked:
    """How git holds the file at `path`, or what a link there leads to: the gravest of both."""
    found = {_tracks(path.absolute()), _tracks(Path(os.path.realpath(path)))}
    order = (Tracked.UNKNOWN, Tracked.AS_IT_IS, Tracked.CHANGED)
    return next((one for one in order if one in found), Tracked.NO)


def _tracks(path: Path) -> Tracked:
    directory = Path(os.path.realpath(path.parent))
    if not any((one / ".git").exists() for one in (directory, *directory.parents)):
        return Tracked.NO
    # fsmonitor is a command that the repository's config may name, and ls-files would run it.
    words = ["git", "-c", "core.fsmonitor=false", "-C", str(directory), "ls-files", "-s", "-z", "--", path.name]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(words, env=environment, capture_output=True, timeout=ASKED, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return Tracked.UNKNOWN
    told = done.stdout
    if done.returncode and b"not a git repository" not in done.stderr:
        return Tracked.UNKNOWN
    if not told:
        return Tracked.NO
    names = {entry.split()[1].decode() for entry in told.split(b"\0") if len(entry.split()) > 1}
    return Tracked.AS_IT_IS if names & _object_names(path) else Tracked.CHANGED


def _object_names(path: Path) -> set[str]:
    """What git calls the content of the file, be its repository of the older or the newer kind."""
    from hashlib import new

    try:
        data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    except OSError:
        return set()
    blob = b"blob %d\0%s" % (len(data), data)
    return {new("sha1", blob, usedforsecurity=False).hexdigest(), new("sha256", blob).hexdigest()}
