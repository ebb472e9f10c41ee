"""Whose a session is: the one rule of belonging, which the live reading, `usage`, the daily caps and `doctor` share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mailcore.model.agent import SESSION_SIGN, Agent
from mailcore.system.linked_worktrees import in_main_worktree, linked_worktree, records, worktree_tops
from mailcore.system.real_paths import real_paths

SHORT_ID = 8
"""Characters of a session's id by which it is told from others, as Claude Code's own lists do."""


class Owners:
    """A session is of the agent in whose branch it was begun, at its top or anywhere below; of nested ones the inner.

    What lies in a linked worktree belongs where the same directory of the main worktree does, unless an agent's branch
    lies in that worktree itself. Symlinks are followed on both sides: a program reports its directory as it was given,
    or as it really is.
    """

    def __init__(self, agents: Iterable[Agent]) -> None:
        """`agents`: all of the workspace, for one may lie within another. The operator has no sessions."""
        known = list(agents)
        real = real_paths(agent.branch for agent in known)
        self._branches = {branch: one.address for one, branch in zip(known, real, strict=True) if not one.is_operator}
        roots = dict.fromkeys(agent.root for agent in known if agent.root != Path())
        self._roots = {os.path.realpath(root) for root in roots}
        own = [agent.branch for agent in known]
        moved = [Path(branch) for place, branch in zip(own, real, strict=True) if branch != str(place)]
        own_trees = [branch for branch in self._branches if os.path.lexists(f"{branch}/.git")]
        self.records = records(map(Path, (*self._roots, *own_trees)))
        """Where git keeps which worktrees there are; they may not be there."""
        self.worktrees = [top for record in self.records for top in worktree_tops(record)]
        """The tops of the linked worktrees."""
        self.places = list(dict.fromkeys([*own, *moved, *roots, *map(Path, sorted(self._roots)), *self.worktrees]))
        """The directories in or below which the project's sessions are begun: each agent's, the operator's too, as the
        registry has it and as it really is, for a program says either; the workspace's; its linked worktrees."""
        self._known: dict[str, str] = {}

    def address(self, cwd: str) -> str:
        """The address of the agent of a session that was begun in `cwd`; empty if it is nobody's."""
        return self._asked(cwd).rstrip(SESSION_SIGN)

    def inside(self, cwd: str) -> bool:
        """Whether that directory lies in the project, an agent's or not."""
        return bool(self._asked(cwd))

    def _asked(self, cwd: str) -> str:
        if cwd not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[cwd] = self._find(cwd)
        return self._known[cwd]

    def _find(self, cwd: str) -> str:
        """An agent's address; SESSION_SIGN of what lies elsewhere in the project; empty of what lies outside."""
        if not cwd:
            return ""
        try:
            real = Path(os.path.realpath(cwd))
        except ValueError:  # a NUL, or half of a surrogate pair
            return ""
        places = list(self._chain(real))
        if (owner := next((self._branches[one] for one in places if one in self._branches), "")) or not self._roots:
            return owner
        return SESSION_SIGN if any(one in self._roots for one in places) else ""

    def _chain(self, real: Path) -> Iterator[str]:
        """The directories that it lies in, the nearest first: of one in a worktree first those in there, then their
        counterparts in the main worktree, then what the worktree itself lies in."""
        tree = linked_worktree(real) if self._roots else None
        if tree is None:
            yield from map(str, (real, *real.parents))
            return
        inner = real.relative_to(tree.top)
        yield from (str(tree.top / one) for one in (inner, *inner.parents))
        if (main := in_main_worktree(tree, real)) is not None:
            yield from map(str, (main, *main.parents))
        yield from map(str, tree.top.parents)


def session_address(program: str, session: str) -> str:
    """What a session is called that is no agent's: `~claude-7e95e617`. Ids that begin with the time, as Codex's, are
    told apart by their ends."""
    short = session[-SHORT_ID:] if session[14:15] == "7" else session[:SHORT_ID]
    return f"{SESSION_SIGN}{program}-{short}"
