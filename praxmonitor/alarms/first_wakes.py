"""Agents that a timer is to wake and that never had a run: since when the first one is waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts


def unwoken_since(config_file: Path, config: Config, agents: Iterable[AgentFacts]) -> Mapping[str, float]:
    """Address → since when: the settings and the agent are as they are now, and its runs were not cleaned away since.

    So it is the same after a restart. A stat or three for each such agent; may wait for a disk.
    """
    waiting = [facts for facts in agents if facts.run is None and config.agent(facts.address).wake_every]
    written = _written(config_file) if waiting else 0.0
    return {
        facts.address: max(written, _written(facts.agent.passport), _written(facts.agent.runs_dir))
        for facts in waiting
        if written
    }


def _written(path: Path) -> float:
    """When it was written last, in seconds since the epoch; 0.0 of what is not there."""
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
