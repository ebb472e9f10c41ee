"""In which order groups of errors are listed: what nobody has taken up first, and no row jumps under the eye. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def listed(
    groups: Collection[ErrorGroup], before: ErrorPlaces, now: float, kept: str = ""
) -> tuple[tuple[ErrorGroup, ...], ErrorPlaces]:
    """These by rank, and where each stands then; within a rank as they stood `before`, and what was not there above
    that, the one seen last first.

    `kept`: the fingerprint of the one that stays in its place when it is muted or resolved.
    """
    ranks = {group.fingerprint: rank(group, now) for group in groups}
    if ranks.get(kept) == 2 and kept in before:
        ranks[kept] = before[kept][0]

    def place(group: ErrorGroup) -> tuple[int, int, float]:
        its = ranks[group.fingerprint]
        old_rank, old_place = before.get(group.fingerprint, (-1, -1))
        return its, old_place if old_rank == its else -1, -group.last_at

    found = tuple(sorted(groups, key=place))
    return found, {group.fingerprint: (ranks[group.fingerprint], at) for at, group in enumerate(found)}
