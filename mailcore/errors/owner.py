"""Who is asked to look at an error: the agent in whose files it happened, and why. Pure, save for one question.

The innermost frame that lies in somebody's branch decides. A frame in a library, or in an environment that is installed
within a branch, is nobody's. Where no frame tells, what config names does, and else the agent that reported it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from mailcore.errors.application_frames import is_application
from mailcore.model.agent import Agent
from mailcore.model.error_group import ErrorEvent, StackFrame
from mailcore.text.frames import quoted

SHOWN_PATH = 100
"""Characters of a path within a sentence."""


class Ownership(NamedTuple):
    """Who is asked, and why."""

    owner: str
    why: str
    files: tuple[str, ...] = ()
    """The files of the traceback that lie in that one's branch, below the workspace's root, the innermost first."""


class Branches:
    """Whose is which file: the branches of a workspace, those of linked worktrees among them."""

    def __init__(
        self,
        root: Path,
        agents: Iterable[Agent],
        exists: Callable[[str], bool] = os.path.exists,
        mirrored: Callable[[Path], Path | None] = lambda _: None,
    ) -> None:
        """`mirrored`: the same place in the main worktree, of one in a linked worktree."""
        self.root = os.path.normpath(root)
        self._exists, self._mirrored = exists, mirrored
        self._branches = sorted(
            ((os.path.normpath(agent.branch), agent.address) for agent in agents),
            key=lambda row: len(row[0]),
            reverse=True,
        )

    def holder(self, path: str) -> str:
        """The address of the agent in whose branch an absolute path lies, the innermost; empty for nobody's."""
        return next((address for branch, address in self._branches if _within(path, branch)), "")

    def place(self, frame: StackFrame, agent: str) -> str:
        """The absolute path of a frame's file in the main worktree; empty of a library's, or one that lies elsewhere.

        `agent` reported it: a relative path counts from its branch, else from the workspace's root.
        """
        name = frame.file.removeprefix("file://").strip()
        if not name or "\0" in name:
            return ""
        if name.startswith("/"):
            return self._own(os.path.normpath(name))
        if not is_application(StackFrame(name)):
            return ""
        own = next((branch for branch, address in self._branches if address == agent), self.root)
        places = [os.path.normpath(f"{base}/{name}") for base in (own, self.root)]
        found = next((place for place in places if self._exists(place)), "")
        if not found:  # it is gone by now, or was never here; a bare name tells nothing then
            found = (places[1] if self.holder(places[1]) else places[0]) if "/" in name else ""
        return self._own(found)

    def _own(self, path: str) -> str:
        """The path, if it lies in the workspace; in a linked worktree, unless that is an agent's, its counterpart in
        the main one."""
        worktree = next((branch for branch, _ in self._branches if _within(path, branch)), self.root)
        if not _within(worktree, self.root):
            return path if is_application(StackFrame(path[len(worktree) :])) else ""
        mirrored = self._mirrored(Path(path).parent)
        if mirrored is not None:
            path = os.path.normpath(f"{mirrored}/{os.path.basename(path)}")  # noqa: PTH119 (a text, no path of ours)
        # Where the workspace itself lies says nothing of that.
        return path if _within(path, self.root) and is_application(StackFrame(path[len(self.root) :])) else ""


def error_owner(event: ErrorEvent, branches: Branches, owners: Mapping[str, str]) -> Ownership:
    """Who is asked about an event. `owners`: as `[errors] owners` says."""
    placed = [(frame, branches.place(frame, event.agent)) for frame in reversed(event.frames)]
    inner = [(frame, path, branches.holder(path)) for frame, path in placed if path]
    # What config says of a path is meant: it goes before the branch.
    for frame, path, _ in inner:
        below = os.path.relpath(path, branches.root)
        for name, owner in owners.items():
            if ("/" in name or "*" in name) and fnmatchcase(below, name):
                return Ownership(owner, f"config names it for {quoted(name)}: {_shown(below, frame)}", (below,))
    for frame, path, holder in inner:
        if holder:
            files = tuple(dict.fromkeys(os.path.relpath(p, branches.root) for _, p, h in inner if h == holder))
            which = (
                "the innermost frame in a branch is in its files"
                if len({h for *_, h in inner if h}) > 1
                else ("the traceback is in its files")
            )
            return Ownership(holder, f"{which}: {_shown(os.path.relpath(path, branches.root), frame)}", files)
    for name, owner in owners.items():
        if name == event.kind:
            return Ownership(owner, f"config names it for errors of {quoted(name)}")
        if any(module == name or module.startswith(f"{name}.") for module in _modules(event.frames)):
            return Ownership(owner, f"config names it for the module {quoted(name)}")
    return Ownership(event.agent, "it reported it, and no frame is in anybody's files")


def _modules(frames: Sequence[StackFrame]) -> Iterator[str]:
    """What a frame's file and function may be called as a module, dotted, from each directory on."""
    for frame in reversed(frames):
        parts = [part for part in re.split(r"[/\\]", re.sub(r"\.\w{1,4}$", "", frame.file)) if part]
        yield from (".".join(parts[start:]) for start in range(len(parts)))
        if "." in frame.function:
            yield frame.function.replace("::", ".")


def _shown(path: str, frame: StackFrame) -> str:
    return quoted(f"{path}:{frame.line}" if frame.line else path, SHOWN_PATH)


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
