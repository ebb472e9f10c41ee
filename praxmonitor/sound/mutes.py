"""Who is muted, and until when. It outlives a restart: one small file of the user's for each workspace."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore.system import user_directories, writing

FOREVER = math.inf


@dataclass(frozen=True, slots=True)
class Mutes:
    """What the operator does not want to hear. Times are seconds since the epoch."""

    until: float = 0.0
    """All sound is off until then; FOREVER: until it is switched on again."""
    agents: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Address → until when its sounds are off."""
    kinds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Kind of sound, of `kinds.KINDS` → until when it is off."""

    def all(self, now: float) -> bool:
        """Whether everything is muted."""
        return now < self.until

    def agent(self, address: str, now: float) -> bool:
        """Whether this agent is muted by itself."""
        return now < self.agents.get(address, 0.0)

    def kind(self, kind: str, now: float) -> bool:
        """Whether sounds of this kind are muted, whoever they are about."""
        return now < self.kinds.get(kind, 0.0)

    def with_kind(self, kind: str, until: float) -> Mutes:
        """The same, with this kind muted until then; 0.0: heard again."""
        return replace(self, kinds=_changed(self.kinds, kind, until))

    def with_agent(self, address: str, until: float) -> Mutes:
        """The same, with this agent muted until then; 0.0: heard again."""
        return replace(self, agents=_changed(self.agents, address, until))


def _changed(muted: Mapping[str, float], name: str, until: float) -> Mapping[str, float]:
    ends = {known: end for known, end in muted.items() if known != name}
    if until:
        ends[name] = until
    return MappingProxyType(ends)


def mutes_path(root: Path) -> Path:
    """Where the mutes of the workspace at `root` are stored, in the user's state directory."""
    return user_directories.state_of(root) / "mutes.json"


def load_mutes(path: Path) -> Mutes:
    """The mutes as they were saved; none if there is no such file, or it is not one of ours."""
    try:
        record = json.loads(path.read_bytes())
        agents, kinds = _times(record["agents"]), _times(record.get("kinds", {}))
        return Mutes(_time(record["until"]), agents, kinds)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Mutes()


def save_mutes(path: Path, mutes: Mutes, now: float) -> None:
    """Write those that still hold, at one stroke. OSError if it cannot."""
    record = {
        "until": _as_json(mutes.until) if mutes.all(now) else 0.0,
        "agents": _holding(mutes.agents, now),
        "kinds": _holding(mutes.kinds, now),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    writing.replace(path, json.dumps(record).encode())


def _holding(muted: Mapping[str, float], now: float) -> dict[str, float | str]:
    return {name: _as_json(until) for name, until in muted.items() if now < until}


def _times(record: Any) -> Mapping[str, float]:
    return MappingProxyType({str(name): _time(until) for name, until in record.items()})


def _as_json(until: float) -> float | str:
    return until if math.isfinite(until) else "forever"


def _time(value: object) -> float:
    if value == "forever":
        return FOREVER
    until = float(value) if isinstance(value, int | float) else 0.0
    return 0.0 if math.isnan(until) else until
