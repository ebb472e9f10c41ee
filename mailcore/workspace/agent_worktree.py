"""An agent's own git worktree: made with it, and removed with it where no work would be lost."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mailcore.exceptions import Refused, UsageError
from mailcore.formats.timestamps import unique_time
from mailcore.model.agent import Agent
from mailcore.system import self_ignore
from mailcore.system.git_command import NoAnswer, act_with_git, run_git
from mailcore.system.git_worktree import branch_name, working_tree
from mailcore.system.linked_worktrees import linked_worktree
from mailcore.system.writing import append, make_directory
from mailcore.text import counted, line
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import FORMER, normal_address

FORMER_DIRECTORY = "former"
"""In `.praxmonitor`: the mail, memories and logs of agents whose worktrees were removed."""
_KEPT = (".ai_mail.local", ".trinity", "logs")
"""What is an agent's in its directory, and git's not."""


class MadeWorktree(NamedTuple):
    """A worktree that was made for an agent."""

    directory: Path
    """The agent's: the same place in it as the workspace's root in the project's repository."""
    top: Path
    """Its top."""
    branch: str
    """The branch that is checked out there."""
    is_new: bool
    """It was made with it."""


def add_worktree(workspace: Workspace, name: str, place: str = "", branch: str = "") -> MadeWorktree:
    """Make a worktree for an agent: a new branch, or the one that is named, at `place`, else beside the project.

    Refused, and nothing made, where git does not make it. Locked, so that nobody removes an agent's mail with it.
    """
    address = normal_address(name)
    main = _main_top(workspace)
    top = Path(os.path.normpath(workspace.root / (place or main.parent / f"{main.name}-{address[1:]}")))
    known = branch if branch and _has_branch(workspace, branch) else ""
    new = branch or address[1:]
    if top.exists():
        raise Refused(f"{top} is there already; an agent that is to work there: mailcore agent adopt {top}", "exists")
    if not known and _has_branch(workspace, new):
        raise Refused(
            f"git has a branch {new} already: --branch {new} takes it, --branch OTHER makes another", "exists"
        )
    words = [known] if known else ["HEAD"]
    made = ["-b", new] if not known else []
    _act(workspace, "worktree", "add", "--quiet", *made, "--", str(top), *words)
    directory = Path(os.path.normpath(Path(os.path.realpath(top)) / os.path.relpath(workspace.root, main)))
    found = MadeWorktree(directory, top, known or new, not known)
    try:
        make_directory(directory, parents=True)
        lock_worktree(workspace, top, address)
    except (Refused, OSError):
        discard_worktree(workspace, found)
        raise
    return found


def lock_worktree(workspace: Workspace, top: Path, address: str, *, lenient: bool = False) -> None:
    """Have git neither remove nor prune a worktree, as the mail of an agent lies there.

    `lenient`: it may be locked already.
    """
    reason = f"the mail of {address} lies here"
    _act(workspace, "worktree", "lock", "--reason", reason, "--", str(top), lenient=lenient)


def discard_worktree(workspace: Workspace, made: MadeWorktree) -> None:
    """Undo what `add_worktree` just did, where no agent came of it; a branch that was there before stays."""
    _act(workspace, "worktree", "remove", "--force", "--force", "--", str(made.top), lenient=True)
    if made.is_new:
        _act(workspace, "branch", "--quiet", "-d", "--", made.branch, lenient=True)


def unmerged_work(workspace: Workspace, agent: Agent, ours: Collection[str] = ()) -> list[str]:
    """What would be lost with an agent's worktree, in words: none, if nothing.

    `ours`: files, as seen from the agent's directory, that go with the agent where git does not know them.
    """
    try:
        words = ("status", "--porcelain", "-z", "--untracked-files=all")
        files = run_git(*words, cwd=agent.branch)[0].decode("utf-8", "replace").split("\0")
        gone = {f"?? {_prefix(agent)}{one}" for one in ours}
        changed = [one for one in files if one and not _is_kept(one[3:]) and one not in gone]
        ahead = run_git("rev-list", "--count", "HEAD", f"^{_head(workspace)}", "--", cwd=agent.branch)[0]
    except NoAnswer as error:
        return [f"git does not say what it holds: {line(str(error), 300)}"]
    found = []
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        found.append(f"not committed: {', '.join(line(one[3:], 80) for one in changed[:3])}{more}")
    if commits := int(ahead):
        found.append(f"{counted(commits, 'commit')} of {_branch_of(agent)} not merged into the project's checkout")
    return found


def remove_worktree(workspace: Workspace, agent: Agent, ours: Collection[str] = ()) -> Path:
    """Remove the worktree of an agent that is to go; where its mail, memories and logs lie from now on.

    Refused (code `unmerged`), and nothing done, with work in it that is not committed, or not merged.
    """
    linked = linked_worktree(agent.branch)
    if linked is None:
        raise Refused(f"{agent.branch} is no worktree", "no_worktree")
    if lost := unmerged_work(workspace, agent, ours):
        raise Refused(f"{linked.top} stays: {'; '.join(lost)}", "unmerged")
    kept = workspace.state_dir / FORMER_DIRECTORY / f"{agent.address[1:]}-{unique_time(datetime.now())}"
    names = [name for name in _KEPT if _is_ours(agent.branch / name)]
    names += _untracked(agent, ours)
    try:
        _move(agent.branch, kept, names)
        _act(workspace, "worktree", "unlock", "--", str(linked.top), lenient=True)
        _act(workspace, "worktree", "remove", "--", str(linked.top))
    except (Refused, OSError):
        _move(kept, agent.branch, [name for name in names if not os.path.lexists(agent.branch / name)])
        lock_worktree(workspace, linked.top, agent.address, lenient=True)
        raise
    return kept


def note_former(workspace: Workspace, agent: Agent, kept: Path) -> None:
    """Note where the mail, memories and logs of an agent that is out of the registry lie, so that they can be shown."""
    row = {"name": agent.name, "row": {"email": agent.address, "path": os.path.relpath(kept, workspace.root)}}
    append(workspace.state_dir / FORMER, json.dumps(row).encode())


def _is_ours(place: Path) -> bool:
    """True of what git leaves alone: a project may have a `logs` of its own."""
    return (place / self_ignore.IGNORE_FILE).is_file() and not place.is_symlink()


def _untracked(agent: Agent, names: Collection[str]) -> list[str]:
    words = ("ls-files", "--others", "-z", "--", *names)
    found = run_git(*words, cwd=agent.branch)[0].decode("utf-8", "surrogateescape").split("\0") if names else []
    return [one for one in found if one in names]


def _prefix(agent: Agent) -> str:
    """Before the name of a file of the agent's directory, as seen from the top of its worktree."""
    linked = linked_worktree(agent.branch)
    below = os.path.relpath(agent.branch, linked.top) if linked is not None else "."
    return "" if below == "." else f"{below}/"


def _is_kept(name: str) -> bool:
    return any(part in _KEPT[:2] for part in name.split("/")[:-1])


def _move(here: Path, there: Path, names: list[str]) -> None:
    """Move these, across file systems too. OSError where one cannot be, which then is where it was."""
    import shutil

    make_directory(there, parents=True)
    for name in names:
        make_directory((there / name).parent, parents=True)
        shutil.move(here / name, there / name)


def _main_top(workspace: Workspace) -> Path:
    try:
        tree = working_tree(workspace.root)
    except (OSError, ValueError) as error:
        raise Refused(f"git's own files cannot be read: {error}", "git") from error
    if tree is None:
        raise UsageError(f"{workspace.root} is in no git repository: a worktree needs one (git init, and one commit)")
    return tree.top


def _head(workspace: Workspace) -> str:
    """The commit that the project itself has checked out."""
    return run_git("rev-parse", "--verify", "HEAD", cwd=workspace.root)[0].decode().strip()


def _branch_of(agent: Agent) -> str:
    tree = working_tree(agent.branch)
    return line((branch_name(tree) if tree is not None else "") or "its commits", 80)


def _has_branch(workspace: Workspace, name: str) -> bool:
    try:
        run_git("check-ref-format", "--branch", name, cwd=workspace.root)
    except NoAnswer:
        raise UsageError(f"{name!r} is no name for a branch of git's") from None
    try:
        run_git("show-ref", "--verify", "--quiet", f"refs/heads/{name}", cwd=workspace.root)
    except NoAnswer:
        return False
    return True


def _act(workspace: Workspace, *words: str, lenient: bool = False) -> None:
    try:
        act_with_git(*words, cwd=workspace.root)
    except NoAnswer as error:
        if not lenient:
            raise Refused(f"git {' '.join(words[:2])}: {line(str(error), 500)}", "git") from error
