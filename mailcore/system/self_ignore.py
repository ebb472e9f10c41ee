"""Directories of ours within a project: each ignores itself, so that git neither commits nor stashes nor cleans it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mailcore.system import safe_open, writing

IGNORE_FILE = ".gitignore"
IGNORE_ALL = b"# Made by mailcore: state, not source. git leaves it where it is.\n*\n"
IGNORE_TEXTS = {
    ".praxmonitor": IGNORE_ALL.replace(b"*\n", b"/*\n!/config.toml\n!/templates/\n!/themes/\n"),
    # AIPass's own; what else a project keeps there is the project's.
    ".aipass": IGNORE_ALL.replace(
        b"*\n", b"/.gitignore\n/.*.lock\n/dispatch_register.jsonl*\n/notifications.jsonl*\n/dispatch_reports/\n"
    ),
}
"""Directory → its `.gitignore`, where that is not IGNORE_ALL: what teams share of it is not ignored."""


def make_ignored(directory: Path, *, parents: bool = False) -> None:
    """Make a directory of ours if need be, and its `.gitignore`, if there is none: one look where both are there.

    OSError where the directory cannot be made.
    """
    if os.path.lexists(f"{directory}/{IGNORE_FILE}"):
        return
    writing.make_directory(directory, parents=parents)
    with (
        suppress(OSError),
        safe_open.open_directory(directory) as opened,
    ):  # what cannot be written is reported by whoever writes
        ignore_directory(opened, directory.name)


def ignore_directory(opened: int, name: str) -> None:
    """The same of an open directory, whose name is `name`."""
    if not safe_open.exists_in(IGNORE_FILE, opened):
        with suppress(OSError):
            writing.link_new_in(opened, IGNORE_FILE, IGNORE_TEXTS.get(name, IGNORE_ALL))
