"""In which order groups of errors are listed: what nobody has taken up first, and no row jumps under the eye. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from mailcore.model.error_group import ErrorGroup
from praxmonitor.text.error_looks import SETTLED, WANTED

ErrorPlaces: TypeAlias = Mapping[str, tuple[int, int]]
"""Fingerprint → (the rank in which it was listed, its place in the list)."""
NO_PLACES: ErrorPlaces = MappingProxyType({})


def rank(group: ErrorGroup, now: float) -> int:
    """0: it is new or back again; 1: somebody looks at it; 2: it is muted or resolved."""
    state = group.state_at(now)
    return 0 if state in WANTED else 2 if state in SETTLED else 1


def listed(groups: Iterable[ErrorGroup], before: ErrorPlaces, now: float) -> tuple[ErrorGroup, ...]:
    """These by rank; within it as they stood `before`, and what was not there above that, the one seen last first."""

    def place(group: ErrorGroup) -> tuple[int, int, float]:
        its = rank(group, now)
        old_rank, old_place = before.get(group.fingerprint, (-1, -1))
        return its, old_place if old_rank == its else -1, -group.last_at

    return tuple(sorted(groups, key=place))


def places(groups: Iterable[ErrorGroup], now: float) -> ErrorPlaces:
    """Where each of these stands."""
    return {group.fingerprint: (rank(group, now), place) for place, group in enumerate(groups)}
