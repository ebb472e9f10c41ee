"""Whose directory has vanished: deleted, moved without the registry's knowing, on a disk that is not mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts

SETTLE = 10.0
"""Seconds for which a directory must be missing: moving it and changing the registry are two steps."""
NOTHING, BARE, WHOLE = 0, 1, 2
"""What there is of an agent: nothing; a directory without passport and mailbox, as of a disk that is not mounted;
one with them."""
NOBODY: Mapping[str, float] = MappingProxyType({})


def there(agent: Agent) -> int:
    """NOTHING, BARE or WHOLE. May wait for a disk."""
    try:
        if agent.passport.exists() or agent.mail_dir.exists():
            return WHOLE
        return BARE if agent.branch.is_dir() else NOTHING
    except OSError:  # of a disk that went away: an input/output error, a stale handle
        return NOTHING


class Vanished:
    """Remembers what was there: an agent whose directory was never made has not lost it."""

    def __init__(self, there: Callable[[Agent], int] = there, settle: float = SETTLE) -> None:
        self._there, self._settle = there, settle
        self._best: dict[Path, int] = {}
        """By branch, the most that was ever there of it."""
        self._since: dict[Path, float] = {}

    def look(
        self, agents: Iterable[AgentFacts], now: float, known: Mapping[str, float] = NOBODY
    ) -> Mapping[str, float]:
        """Address → since when its directory is missing (seconds since the epoch), once that is sure. Up to three stats
        an agent. `known`: the same, as it was told before.

        It was there if it was seen, if it was known to be missing, or if the agent was ever at work.
        """
        gone = {}
        for facts in agents:
            address, branch = facts.address, facts.agent.branch
            found, best = self._there(facts.agent), self._best.get(branch, NOTHING)
            if address in known or facts.run is not None or facts.last_active:
                best = max(best, BARE)
            self._best[branch] = max(found, best)
            if found >= best:
                self._since.pop(branch, None)
                continue
            since = self._since.setdefault(branch, known.get(address, now))
            if not 0 <= now - since < self._settle:
                gone[address] = since
        return MappingProxyType(gone) if gone else NOBODY
