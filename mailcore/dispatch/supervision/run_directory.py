"""Where a run's directory lies, which may be moved within the workspace, or taken away and brought back, in mid-run."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mailcore.model.agent import Agent
from mailcore.system import safe_open
from mailcore.workspace.worktree import is_own_worktree


class RunDirectory:
    """The agent and the directory of one run, held by a descriptor: a directory that was renamed is found by it."""

    def __init__(self, agent: Agent, run_dir: Path) -> None:
        self.agent, self.run_dir = agent, run_dir
        self._opened = -1
        self._open()

    def is_there(self) -> bool:
        """Look for the directory, there or where it was moved to within the workspace; False while it is gone."""
        if self.run_dir.is_dir():
            if not self._is_open():
                self._open()  # brought back: another directory than the one that went
            return True
        return self._follow()

    def _open(self) -> None:
        if self._opened >= 0:
            os.close(self._opened)
            self._opened = -1
        with suppress(OSError):
            self._opened = os.open(self.run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _is_open(self) -> bool:
        try:
            return os.path.samestat(self.run_dir.stat(), os.fstat(self._opened))
        except OSError:
            return False

    def _follow(self) -> bool:
        """Take the path that the directory has now; False if it has none, or none of this agent's kind in here."""
        try:
            path = Path(safe_open.path_of(self._opened))
            same = os.path.samestat(path.stat(), os.fstat(self._opened))
        except OSError:
            return False
        branch = path.parents[2] if len(path.parts) > 3 else path
        moved = replace(self.agent, branch=branch)
        root = self.agent.root.resolve()
        ours = branch.is_relative_to(root) or (moved.worktree and is_own_worktree(branch, root))
        if not same or path.parent != moved.runs_dir or not ours:
            return False
        self.agent, self.run_dir = moved, path
        return True
