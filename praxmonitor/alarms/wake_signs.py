"""Agents that a timer is to wake: when it showed life that no run tells of, and since when the first wake is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts


def wake_signs(config_file: Path, config: Config, agents: Iterable[AgentFacts]) -> Mapping[str, float]:
    """Address → when a wake came that found no mail, in seconds since the epoch.

    Of an agent that had no run yet at least since when the settings and the agent are as they are, and its runs were
    not cleaned away: so it is the same after a restart. Who is not in the result has no such sign. A stat or four for
    each agent with a timer; may wait for a disk.
    """
    found = {}
    for facts in agents:
        if config.agent(facts.address).wake_every:
            agent = facts.agent
            at = _written(agent.wake_mark)
            if facts.run is None and (settings := _written(config_file)):
                at = max(at, settings, _written(agent.passport), _written(agent.runs_dir))
            if at:
                found[facts.address] = at
    return found


def _written(path: Path) -> float:
    """When it was written last, in seconds since the epoch; 0.0 of what is not there."""
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
