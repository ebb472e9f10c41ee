"""Whose a session is: the one rule of belonging, which the live reading, `usage`, the daily caps and `doctor` share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mailcore.model.agent import Agent


class Owners:
    """A session is of the agent in whose branch it was begun, at its top or anywhere below; of nested ones the inner.

    Symlinks are followed on both sides: a program reports its directory as it was given, or as it really is.
    """

    def __init__(self, agents: Iterable[Agent]) -> None:
        """`agents`: all of the workspace, for one may lie within another. The operator has no sessions."""
        real = [(agent, os.path.realpath(agent.branch)) for agent in agents]
        self._branches = {branch: agent.address for agent, branch in real if not agent.is_operator}
        self.branches = list(dict.fromkeys(place for agent, branch in real for place in (agent.branch, Path(branch))))
        """Each agent's directory, the operator's too, as the registry has it and as it really is: a program says either
        where a session was begun."""
        self._known: dict[str, str] = {}

    def address(self, cwd: str) -> str:
        """The address of the agent of a session that was begun in `cwd`; empty if it is nobody's."""
        if cwd not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[cwd] = self._find(cwd)
        return self._known[cwd]

    def _find(self, cwd: str) -> str:
        if not cwd:
            return ""
        try:
            real = Path(os.path.realpath(cwd))
        except ValueError:  # a NUL, or half of a surrogate pair
            return ""
        return next((self._branches[str(one)] for one in (real, *real.parents) if str(one) in self._branches), "")
