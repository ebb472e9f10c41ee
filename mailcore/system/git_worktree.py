"""A git working tree by its files; git itself is not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailcore.system.git_pointer import MAX_POINTER, named_path
from mailcore.system.safe_open import descriptor, read_bytes

MAX_REFLOG = 1024 * 1024
"""Bytes of the record of HEAD that are read, its end."""
NO_COMMIT = re.compile("0+")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = "ref: "


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """Where the parts of a repository lie, as its files say."""

    top: Path
    """The directory that is checked out."""
    directory: Path
    """What belongs to this working tree alone: HEAD, index, the record of HEAD."""
    common: Path
    """What all of its working trees share: objects and branches."""

    @property
    def linked(self) -> bool:
        """Whether it is a further one of a repository (`git worktree add`)."""
        return self.directory != self.common


def trees_around(directory: Path) -> Iterator[Path]:
    """The working trees that a directory is in, innermost first. A `.git` without a HEAD is no repository to git."""
    here = Path(os.path.realpath(directory))
    return (one for one in (here, *here.parents) if _is_repository(one / ".git"))


def _is_repository(path: Path) -> bool:
    return path.is_file() or os.path.lexists(path / "HEAD")


def working_tree(place: Path) -> WorkingTree | None:
    """The innermost working tree that `place` is in; None if it is in none. OSError, ValueError of one that is
    spoilt."""
    top = next(trees_around(place), None)
    if top is None:
        return None
    mark = top / ".git"
    directory = mark if mark.is_dir() else named_path(mark, top, "gitdir: ")
    common = named_path(directory / "commondir", directory) if (directory / "commondir").exists() else directory
    return WorkingTree(top, directory, common)


def branch_name(tree: WorkingTree) -> str:
    """The branch that is checked out; empty where HEAD names a commit. Untrusted text. OSError if it cannot be read."""
    text = _head(tree)
    return text.removeprefix(_REF).strip().removeprefix("refs/heads/") if text.startswith(_REF) else ""


def _head(tree: WorkingTree) -> str:
    return read_bytes(tree.directory / "HEAD", most=MAX_POINTER).decode("utf-8", "replace").strip()


def head_commit(tree: WorkingTree) -> str:
    """The commit that is checked out; empty where there is none yet, or it is kept in a way that is not known here."""
    text = _head(tree)
    if not text.startswith(_REF):
        return text if _HASH.fullmatch(text) else ""
    name = text.removeprefix(_REF).strip()
    if name.startswith("refs/") and ".." not in name:
        with suppress(OSError, ValueError):
            found = read_bytes(tree.common / name, most=MAX_POINTER).decode("ascii", "replace").strip()
            return found if _HASH.fullmatch(found) else ""
    with suppress(OSError):
        for line in read_bytes(tree.common / "packed-refs").decode("utf-8", "replace").splitlines():
            if line.endswith(f" {name}") and _HASH.fullmatch(found := line.split(" ", 1)[0]):
                return found
    return ""


def head_at(tree: WorkingTree, when: float) -> str | None:
    """The commit that HEAD was at then, by the record that git keeps of it (`reflog`); empty: there was no commit yet.

    None where it does not reach back so far, or is not kept. `when`: seconds since the epoch. Git's record tells whole
    seconds, and what was committed in that very second counts as before: a person commits and dispatches in one, and
    no program that starts then has committed by its end.
    """
    try:
        moves = _moves(tree)
    except OSError:
        return None
    before = [new for at, _, new in moves if at <= when]
    if before:
        return before[-1]
    return "" if moves and NO_COMMIT.fullmatch(moves[0][1]) else None


def _moves(tree: WorkingTree) -> list[tuple[float, str, str]]:
    """(when, from, to) of each entry of the record, the oldest first."""
    opened, found = descriptor(tree.directory / "logs" / "HEAD")
    with os.fdopen(opened, "rb") as file:
        file.seek(max(0, found.st_size - MAX_REFLOG))
        text = file.read(MAX_REFLOG).decode("utf-8", "replace")
    moves = []
    for line in text.splitlines():
        head = line.split("\t", 1)[0].split(" ")
        if len(head) > 4 and head[-2].isdigit() and all(_HASH.fullmatch(one) for one in head[:2]):
            moves.append((float(head[-2][:15]), head[0], head[1]))
    return moves
