"""How an agent's work gets into the project: committed, merged, or put into a pull request; never over a conflict.

What would come of it is looked at first, and shown. Git acts as it would for a person at a shell: with the project's
own hooks and settings, which may refuse. What is refused has changed nothing that was there before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.model.agent import Agent
from mailcore.system.git_command import NoAnswer, act_with, act_with_git, run_git
from mailcore.system.git_worktree import WorkingTree, branch_name, trees_around, working_tree
from mailcore.text import counted, line, plain
from mailcore.workspace.find import Workspace

MOST_NAMES = 10
"""Files that are named in one sentence."""
MERGE_HEADS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
"""What stands in a working tree's own directory while something of that kind is not finished."""


@dataclass(frozen=True, slots=True)
class WorkStanding:
    """How an agent's work stands towards the project's own checkout."""

    branch: str
    """The branch that the agent works on; empty where it is on none."""
    into: str
    """The branch that the project has checked out; the same as `branch` where the agent works in that very checkout."""
    uncommitted: tuple[str, ...]
    """Files of the agent's that are not committed."""
    ahead: int
    """Commits of the agent's that the project's checkout lacks."""
    behind: int
    """Commits of the project's that the agent's branch lacks."""
    conflicts: tuple[str, ...]
    """Files in which both conflict."""
    unfinished: str = ""
    """A merge or rebase that is not finished, the agent's or the project's, in words."""
    commit: str = ""
    """What the agent has checked out: the commit that all of this is about."""

    @property
    def apart(self) -> bool:
        """The agent works on a branch of its own."""
        return self.branch != self.into

    def lines(self) -> list[str]:
        """Each check, in words."""
        ready = not self.uncommitted
        found = [f"{'✓' if ready else '✗'} {_files(self.uncommitted, 'not committed') or 'all is committed'}"]
        if self.unfinished:
            found.append(f"✗ {self.unfinished}")
        if self.apart:
            name, into = line(self.branch, 80) or "a commit without a branch", line(self.into, 80)
            found.append(f"✓ {counted(self.ahead, 'commit')} of {name} to come into {into}, {self.behind} behind it")
            clash = _files(self.conflicts, "in conflict")
            found.append(f"✗ {clash}" if clash else f"✓ no conflict with {into}")
        return found


def in_git(agent: Agent) -> bool:
    """Whether its directory is in a git repository; one that is spoilt is one."""
    return next(trees_around(agent.branch), None) is not None


def work_standing(workspace: Workspace, agent: Agent, ours_alone: Collection[str] = ()) -> WorkStanding:
    """How the agent's work stands. Refused where there is no git, or it does not say.

    `ours_alone`: files of the agent's directory that are no work, as its settings of its program.
    """
    own, main = _tree(agent.branch), _tree(workspace.root)
    if own.common != main.common:
        raise Refused(f"{agent.branch} is in another repository than {workspace.root}", "git")
    ours, theirs = branch_name(own), branch_name(main)
    try:
        there = _ask(main, "rev-parse", "--verify", "HEAD").strip()
        here = _ask(own, "rev-parse", "--verify", "HEAD").strip()
        words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *_work(ours_alone))
        changed = run_git(*words, cwd=agent.branch)[0].decode("utf-8", "surrogateescape")
        counts = _ask(own, "rev-list", "--left-right", "--count", f"{there}...{here}", "--").split()
        clash = _conflicts(main, there, here) if here != there else ()
    except NoAnswer as error:
        raise Refused(f"git does not say how {agent.address}'s work stands: {line(str(error), 300)}", "git") from error
    files = tuple(one[3:] for one in changed.split("\0") if one)
    unfinished = _unfinished(own) or _unfinished(main)
    return WorkStanding(ours, theirs, files, int(counts[1]), int(counts[0]), clash, unfinished, here)


def commit_work(agent: Agent, message: str, ours_alone: Collection[str] = ()) -> str:
    """Commit all work that is in the agent's directory, and nothing else that was staged; what git says.

    Refused in the middle of a merge or rebase: a conflict that is added counts as solved, its marks and all.
    """
    if unfinished := _unfinished(_tree(agent.branch)):
        raise Refused(unfinished, "git")
    _act("add", "--all", "--", *_work(ours_alone), cwd=agent.branch)
    return _act("commit", "-m", message, "--", *_work(ours_alone), cwd=agent.branch)


def _work(ours_alone: Collection[str]) -> tuple[str, ...]:
    return (".", *(f":(exclude,literal){name}" for name in ours_alone))


def merge_work(workspace: Workspace, found: WorkStanding, message: str) -> str:
    """Merge the agent's commit that was looked at into what the project has checked out. Refused over a conflict."""
    _require_landable(found)
    try:
        return act_with_git("merge", "--no-edit", "-m", message, "--", found.commit, cwd=workspace.root)
    except NoAnswer as error:
        if any((_tree(workspace.root).directory / name).exists() for name in MERGE_HEADS):
            _act("merge", "--abort", cwd=workspace.root)
        raise Refused(f"git merge: {_said(error)}", "git") from error


def open_pull_request(agent: Agent, found: WorkStanding, title: str, body: str) -> str:
    """Push the agent's branch, open a pull request of it, or find the one there is; its address and its checks, as `gh`
    says them."""
    _require_landable(found)
    if shutil.which("gh") is None:
        raise Refused("a pull request is opened with gh, which is not there", "git")
    _act("push", "--quiet", "--set-upstream", "origin", f"refs/heads/{found.branch}", cwd=agent.branch)
    made = _pull_request(agent, found.branch)
    if not made:
        words = (f"--head={found.branch}", f"--base={found.into}", f"--title={title}", f"--body={body}")
        try:
            made = _gh(agent, "pr", "create", *words)
        except NoAnswer as error:
            raise Refused(f"gh pr create: {_said(error)}", "git") from error
    try:
        checks = _gh(agent, "pr", "checks", _address(made) or found.branch)
    except NoAnswer as error:  # so it ends, too, where one failed or is not over
        checks = str(error)
    return plain(f"{made}\n{checks}")


def _pull_request(agent: Agent, branch: str) -> str:
    """The address of the open pull request of this branch of this repository; empty if there is none.

    `gh pr view NAME` would also find one that is over, and the one whose number the branch is called by.
    """
    which = "map(select(.isCrossRepository | not)) | .[0].url // empty"
    words = (f"--head={branch}", "--state=open", "--json=url,isCrossRepository", f"--jq={which}")
    try:
        return _address(_gh(agent, "pr", "list", *words))
    except NoAnswer as error:
        raise Refused(f"gh pr list: {_said(error)}", "git") from error


def _address(said: str) -> str:
    """The address among what `gh` says, which may warn of something too."""
    return next((one for one in said.splitlines() if one.startswith(("https://", "http://"))), "")


def _unfinished(tree: WorkingTree) -> str:
    left = any((tree.directory / name).exists() for name in MERGE_HEADS)
    return f"a merge or rebase is not finished in {tree.top}" if left else ""


def hindrance(found: WorkStanding, *, committed: bool = False) -> tuple[str, str]:
    """Why the branch cannot be merged, and the error's code; empty where it can. `committed`: were all committed."""
    if not found.branch:
        return "the agent's working tree is on no branch: git switch -c NAME there", "git"
    if not found.into:
        return "the project's own checkout is on no branch: git switch NAME there", "git"
    if not found.apart:
        return f"the agent works on {line(found.into, 80)} itself: there is nothing to merge", "git"
    if found.unfinished:
        return found.unfinished, "git"
    if found.uncommitted and not committed:
        return f"{_files(found.uncommitted, 'not committed')}: --commit commits all of it first", "unmerged"
    if found.conflicts:
        return (
            f"{_files(found.conflicts, 'in conflict')} with {line(found.into, 80)}: merge it into the agent's branch "
            "there, or have the agent do it (reopen)",
            "conflict",
        )
    return "", ""


def _require_landable(found: WorkStanding) -> None:
    why, code = hindrance(found)
    if why:
        raise Refused(why, code)


def _conflicts(main: WorkingTree, into: str, branch: str) -> tuple[str, ...]:
    """The files in which a merge would conflict, tried without touching any."""
    words = ("-c", "core.quotePath=false", "merge-tree", "--write-tree", "--name-only", "--no-messages", into, branch)
    try:
        act_with_git(*words, cwd=main.top)
    except NoAnswer as error:
        tree, *names = str(error).splitlines() or [""]
        if not names or len(tree) != len(into):
            raise
        return tuple(dict.fromkeys(names))
    return ()


def _tree(place: Path) -> WorkingTree:
    try:
        tree = working_tree(place)
    except (OSError, ValueError) as error:
        raise Refused(f"git's own files cannot be read: {error}", "git") from error
    if tree is None:
        raise Refused(f"{place} is in no git repository", "git")
    return tree


def _ask(tree: WorkingTree, *words: str) -> str:
    return run_git(*words, cwd=tree.top)[0].decode("utf-8", "surrogateescape")


def _act(*words: str, cwd: Path) -> str:
    try:
        return act_with_git(*words, cwd=cwd)
    except NoAnswer as error:
        raise Refused(f"git {words[0]}: {_said(error)}", "git") from error


def _gh(agent: Agent, *words: str) -> str:
    return act_with("gh", *words, cwd=agent.branch).strip()


def _said(error: NoAnswer) -> str:
    return plain(str(error)).strip()[-1000:]


def _files(names: tuple[str, ...], how: str) -> str:
    """`3 files not committed: a b c`; empty for none."""
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    shown = " ".join(line(os.fsdecode(os.fsencode(one)), 120) for one in names[:MOST_NAMES])
    return f"{counted(len(names), 'file')} {how}: {shown}{more}"
