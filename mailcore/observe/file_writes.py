"""The files that agents' tools write, and which of them two agents changed. Pure; a part of the fold, and of alarms.

Of one that works in a git worktree a file counts as that of the same name in the project's own checkout: there both
changes will meet.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import is_not

from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.file_write import FileWrite, SharedFile
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.workspace.project_path import project_path

MOST_KEPT = 50
"""Files kept of each agent, the last that it wrote."""
WINDOW = 3600.0
"""Seconds after which a change counts as made known, or as over."""


def with_writes(agent: Agent, old: tuple[FileWrite, ...], activities: Sequence[Activity]) -> tuple[FileWrite, ...]:
    """What it wrote, with what these activities say; the same object if they say nothing of it."""
    named = [(name, one.at) for one in activities for name in one.writes]
    if not named or agent.is_remote:
        return old
    kept = {one.path: one for one in old}
    for name, at in named:
        if path := project_path(agent, name):
            before = kept.pop(path, None)
            known = before if before is not None and at - before.last <= WINDOW else FileWrite(path, at, at)
            kept[path] = FileWrite(path, known.first, max(at, known.last))
    return tuple(kept.values())[-MOST_KEPT:] if kept else old


class SharedFiles:
    """Looks for files that two agents changed: in different trees within an hour, in one while both are at work.

    It remembers what did not change: who wrote the same files is asked anew only when somebody wrote.
    """

    def __init__(self) -> None:
        self._writes: tuple[tuple[FileWrite, ...], ...] = ()
        self._several: tuple[tuple[str, tuple[tuple[FileWrite, int], ...]], ...] = ()
        """By path: what was written, and the place of who did it, of those that several wrote."""

    def look(self, fleet: Fleet, now: float) -> list[SharedFile]:
        """All that are shared at `now`, by path."""
        agents = fleet.local_agents
        writes = tuple(facts.writes for facts in agents)
        if len(writes) != len(self._writes) or any(map(is_not, writes, self._writes)):
            self._writes, self._several = writes, _several(writes)
        return [
            one
            for path, writers in self._several
            for one in _pairs(os.path.relpath(path, fleet.root), [(w, agents[place]) for w, place in writers], now)
        ]


def _several(writes: Iterable[tuple[FileWrite, ...]]) -> tuple[tuple[str, tuple[tuple[FileWrite, int], ...]], ...]:
    by_path: defaultdict[str, list[tuple[FileWrite, int]]] = defaultdict(list)
    for place, written in enumerate(writes):
        for one in written:
            by_path[one.path].append((one, place))
    return tuple(
        (path, tuple(sorted(writers, key=lambda pair: pair[0].first)))
        for path, writers in sorted(by_path.items())
        if len(writers) > 1
    )


def _pairs(path: str, writers: list[tuple[FileWrite, AgentFacts]], now: float) -> Iterator[SharedFile]:
    for at, (second, later) in enumerate(writers):
        for first, earlier in writers[:at]:
            until = min(first.last, second.last) + WINDOW
            apart = _tree(earlier.agent) != _tree(later.agent)
            if now < until and (apart or (_at_work(earlier) and _at_work(later))):
                yield SharedFile(path, earlier.address, later.address, second.first, until, apart)


def _tree(agent: Agent) -> str:
    return str(agent.branch) if agent.mirrors is not None else str(agent.root)


def _at_work(facts: AgentFacts) -> bool:
    """In a run, or in a session of a person's whose turn is not over."""
    return facts.lock is not None or (facts.turn_open and bool(facts.sessions))
