"""The last commit that changed each of some files, as git says, where there is git. Untrusted text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.system.git_command import NoAnswer
from mailcore.system.git_compare import compared
from mailcore.system.git_worktree import head_commit, working_tree

MAX_FILES, MAX_ANSWER = 5, 2000


def last_changes(root: Path, files: Sequence[str]) -> list[str]:
    """A line for each file, which are relative to `root`; none where git does not say."""
    found: list[str] = []
    for file in files[:MAX_FILES]:
        with suppress(OSError, ValueError, NoAnswer):
            tree = working_tree((root / file).parent)
            commit = head_commit(tree) if tree is not None else ""
            if tree is None or not commit:
                continue
            name = str((root / file).relative_to(tree.top))
            with compared(tree) as ask:
                form = "--format=%h %as %an: %s"
                said, _ = ask("log", "-1", form, "--end-of-options", commit, "--", name, most=MAX_ANSWER)
            text = said.decode("utf-8", "replace").strip()
            found.append(f"{file}: {text or 'not committed'}")
    return found
