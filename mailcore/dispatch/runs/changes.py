"""What an agent's branch has that it had not when its run began: the files, and the lines of one. For a thread.

Git is asked where there is git; nothing that the repository names is run for that (`system.git_worktree`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mailcore.dispatch.runs.progress import MEMORIES, changed_files
from mailcore.exceptions import Refused
from mailcore.formats.timestamps import utc_time
from mailcore.model.agent import Agent
from mailcore.model.changes import ChangedFile, ChangeKind, ChangeSet, FileDiff
from mailcore.model.run import Run
from mailcore.system import git_worktree, safe_open
from mailcore.system.git_command import NoAnswer
from mailcore.system.git_compare import Ask, compared
from mailcore.system.git_worktree import WorkingTree
from mailcore.text.units import clock_time

MOST_FILES = 500
MOST_LIST = 4 * 1024 * 1024
"""Bytes of git's list of files."""
MOST_DIFF = 1024 * 1024
"""Bytes of one file's diff, and of a new file that is shown as one."""
MOST_LINES = 3000
EXCLUDED = (":(exclude,glob)**/.ai_mail.local/**", ":(exclude,glob)**/logs/**")
"""An agent's mail and logs are no work of its."""
EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""What git calls a tree without a file, by the length of its names; it knows them without having them."""
HOW = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=dirty", "--submodule=short")
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)")


def read_changes(agent: Agent, run: Run | None) -> ChangeSet:
    """The files of an agent's branch that changed since its run began, its memories last; without a run, since the last
    commit."""
    try:
        tree = git_worktree.working_tree(agent.branch)
        return _by_git(tree, agent, run) if tree is not None else _by_time(agent, run)
    except NoAnswer as error:
        return ChangeSet("", str(agent.branch), trouble=str(error))
    except (OSError, ValueError) as error:
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        return ChangeSet("", str(agent.branch), trouble=f"git's own files cannot be read: {why}")


def read_diff(agent: Agent, changes: ChangeSet, file: ChangedFile) -> FileDiff:
    """The lines of one of these files that changed, at most MOST_LINES. What cannot be read says so in its note."""
    path = Path(changes.top, file.path)
    try:
        # A directory on the way may have been replaced by a link since the files were listed.
        safe_open.inside(agent.branch, path.parent)
        if file.kind in (ChangeKind.UNTRACKED, ChangeKind.SEEN):
            return _whole(path, file)
        tree = git_worktree.working_tree(agent.branch)
        if tree is None:
            return FileDiff(file.path, (), note="git is gone from here")
        with compared(tree) as ask:
            words = ("diff", *HOW, changes.base, "--", f":(top,literal){file.path}")
            data, whole = ask(*words, most=MOST_DIFF)
    except (NoAnswer, Refused) as error:
        return FileDiff(file.path, (), note=str(error))
    except (OSError, ValueError) as error:
        return FileDiff(file.path, (), note=getattr(error, "strerror", None) or str(error))
    return _parsed(file, data.decode("utf-8", "replace"), whole)


def whole_diff(agent: Agent, run: Run) -> tuple[list[str], list[str]] | None:
    """What changed in an agent's branch since a run began: git's lines of all of it, and the names of the files that
    git does not know. None where there is no git, or it does not say."""
    with suppress(NoAnswer, OSError, ValueError):
        if (tree := git_worktree.working_tree(agent.branch)) is not None:
            with compared(tree) as ask:
                base, _ = _base(ask, tree, run)
                where = ("--", *_spec(tree, agent))
                data, whole = ask("diff", *HOW, _object(base, tree), *where, most=MOST_LIST)
                new, _ = ask("ls-files", "--others", "--exclude-standard", "-z", *where, most=MOST_LIST)
            lines = data.decode("utf-8", "replace").splitlines()
            return [*lines, *(() if whole else ("(and more)",))], _names(new)
    return None


def _by_git(tree: WorkingTree, agent: Agent, run: Run | None) -> ChangeSet:
    where = ("--", *_spec(tree, agent))
    with compared(tree) as ask:
        base, since = _base(ask, tree, run)
        # --no-renames: a record each, of one name.
        data, whole = ask("diff", *HOW, "--raw", "--numstat", "-z", _object(base, tree), *where, most=MOST_LIST)
        new, all_new = ask("ls-files", "--others", "--exclude-standard", "-z", *where, most=MOST_LIST)
    files = [*_changed(_names(data)), *(ChangedFile(name, ChangeKind.UNTRACKED) for name in _names(new))]
    files.sort(key=lambda file: (f"/{MEMORIES}/" in f"/{file.path}", file.path))
    more = max(0, len(files) - MOST_FILES) + (0 if whole and all_new else 1)
    return ChangeSet(
        since, str(tree.top), git_worktree.branch_name(tree), tree.linked, _object(base, tree),
        tuple(files[:MOST_FILES]), more,
    )  # fmt: skip


def _spec(tree: WorkingTree, agent: Agent) -> tuple[str, ...]:
    """The agent's branch, in git's words."""
    place = os.path.relpath(os.path.realpath(agent.branch), tree.top)
    return (f":(top,literal){place}" if place != "." else ":(top)", *EXCLUDED)


def _object(base: str, tree: WorkingTree) -> str:
    return base or EMPTY_TREES[len(git_worktree.head_commit(tree)) or 40]


def _base(ask: Ask, tree: WorkingTree, run: Run | None) -> tuple[str, str]:
    """The commit that is compared with, empty for none, and what is said of it."""
    head = git_worktree.head_commit(tree)
    if run is None or not head:
        return head, f"against the last commit, {head[:8]}" if head else "against nothing: no commit yet"
    began = f"since the run began at {clock_time(run.started_at)}"
    then = git_worktree.head_at(tree, run.started_at)
    if then is not None:
        return then, f"{began}, from {then[:8]}" if then else f"{began}, when there was no commit yet"
    dated = ask("rev-list", "-1", f"--before={utc_time(int(run.started_at))}", head, most=1000)[0].decode().strip()
    return dated, f"{began}, from {f'{dated[:8]}, the last commit' if dated else 'no commit'} dated before it"


def _by_time(agent: Agent, run: Run | None) -> ChangeSet:
    if run is None:
        return ChangeSet(
            "", str(agent.branch), trouble="no git here, and no run since whose beginning files could be told"
        )
    names = sorted(name for name in changed_files(agent.branch, run.started_at) if not name.startswith("("))
    return ChangeSet(
        f"no git here: the files written since the run began at {clock_time(run.started_at)}",
        str(agent.branch),
        files=tuple(ChangedFile(name, ChangeKind.SEEN) for name in names),
    )


def _names(data: bytes) -> list[str]:
    return [one.decode("utf-8", "surrogateescape") for one in data.split(b"\0") if one]


def _changed(fields: list[str]) -> Iterator[ChangedFile]:
    """What `git diff --raw --numstat -z` says: `:100644 100644 1a2b 3c4d M`, a name; then `3\\t1\\tname`."""
    kinds: dict[str, ChangeKind] = {}
    counts: dict[str, tuple[int | None, int | None]] = {}
    words = iter(fields)
    for field in words:
        if field.startswith(":") and (name := next(words, "")):
            letter = field[-1]
            kinds[name] = {"A": ChangeKind.NEW, "D": ChangeKind.DELETED}.get(letter, ChangeKind.CHANGED)
        elif field.count("\t") >= 2:
            added, removed, name = field.split("\t", 2)
            counts[name] = (int(added) if added.isdigit() else None, int(removed) if removed.isdigit() else None)
    for name, kind in kinds.items():
        yield ChangedFile(name, kind, *counts.get(name, (None, None)))


def _parsed(file: ChangedFile, text: str, whole: bool) -> FileDiff:
    """The hunks; git's head above them only names the file."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    at = next((n for n, line in enumerate(lines) if line.startswith("@@")), None)
    if at is None:
        binary = any(line.startswith("Binary files") for line in lines)
        mode = ", ".join(line for line in lines if line.startswith(("old mode", "new mode")))
        note = "binary, or git is told to take it for such" if binary else mode or "nothing differs any more"
        return FileDiff(file.path, (), note=note)
    hunks = lines[at:]
    more = max(0, len(hunks) - MOST_LINES)
    note = "deleted" if file.kind is ChangeKind.DELETED else ""
    return FileDiff(file.path, tuple(hunks[:MOST_LINES]), more if whole else -1, _first_line(hunks), note)


def _first_line(hunks: list[str]) -> int:
    """The line of the file as it is now where the first change is."""
    found = _HUNK.match(hunks[0])
    if found is None:
        return 0
    kept = next((n for n, line in enumerate(hunks[1:]) if not line.startswith(" ")), 0)
    return max(1, int(found[1]) + kept)


def _whole(path: Path, file: ChangedFile) -> FileDiff:
    """A file that git does not know, all of it new."""
    opened, found = safe_open.descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(opened, "rb") as read:
        data = read.read(MOST_DIFF)
    if b"\0" in data:
        return FileDiff(file.path, (), note=f"binary, {found.st_size:,} bytes")
    lines = data.decode("utf-8", "replace").splitlines()
    sign = "+" if file.kind is ChangeKind.UNTRACKED else " "
    shown = tuple(f"{sign}{line}" for line in islice(lines, MOST_LINES))
    note = "" if file.kind is ChangeKind.UNTRACKED else "without git only what it is now is known"
    more = -1 if found.st_size > MOST_DIFF else len(lines) - len(shown)
    return FileDiff(file.path, shown, more, 1 if lines else 0, note or ("" if lines else "empty"))
