"""What git says of the files of a working tree, without heeding anything that its `.git` says to run.

To compare files git would start what the repository's settings name: a filter for each file that a `.gitattributes`
gives one, a driver for its diff, a monitor of the file system. No list of settings to switch off is ever whole. So git
is given a directory of its own instead, that is empty but for a copy of the index, and takes from the repository its
objects alone: of its settings, attributes and hooks nothing is read, and nothing is written there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from mailcore.system.git_command import run_git
from mailcore.system.git_worktree import MAX_REFLOG, WorkingTree, head_commit
from mailcore.system.safe_open import descriptor, read_bytes

MAX_INDEX = 256 * 1024 * 1024
"""Bytes of an index."""
Ask: TypeAlias = Callable[..., tuple[bytes, bool]]
"""As `run_git`, of one working tree."""


@contextmanager
def compared(tree: WorkingTree) -> Iterator[Ask]:
    """What asks git about this working tree until this ends. OSError where its index cannot be copied."""
    with tempfile.TemporaryDirectory(prefix="mailcore-git-") as made:
        place = Path(made)
        _furnish(place, tree)
        variables = {
            "GIT_DIR": made, "GIT_WORK_TREE": str(tree.top), "GIT_OBJECT_DIRECTORY": str(tree.common / "objects"),
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1",
        }  # fmt: skip

        def ask(*words: str, most: int) -> tuple[bytes, bool]:
            return run_git(*words, cwd=tree.top, variables=variables, most=most)

        yield ask


def _furnish(place: Path, tree: WorkingTree) -> None:
    """All that git needs to find there."""
    for name in ("objects", "refs", "info"):
        (place / name).mkdir()
    (place / "HEAD").write_text("ref: refs/heads/none\n")
    # A commit's name of 64 digits: the repository's objects are named so too, which git is told by its settings alone.
    sha256 = len(head_commit(tree)) == 64
    version = "1\n[extensions]\n\tobjectformat = sha256" if sha256 else "0"
    (place / "config").write_text(f"[core]\n\tbare = false\n\trepositoryformatversion = {version}\n")
    with suppress(OSError):
        (place / "info/exclude").write_bytes(read_bytes(tree.common / "info/exclude", most=MAX_REFLOG))
    with suppress(FileNotFoundError):
        opened, found = descriptor(tree.directory / "index")
        os.close(opened)
        (place / "index").write_bytes(read_bytes(tree.directory / "index", most=MAX_INDEX))
        # By its time git knows what was written while it was: such files are compared whatever else is said of them.
        os.utime(place / "index", ns=(found.st_atime_ns, found.st_mtime_ns))
