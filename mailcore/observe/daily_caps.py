"""The daily caps, as the screen's alarms and the admission of a run judge them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.config import UsageCaps
from mailcore.model.usage import Usage
from mailcore.text import money


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap that something was used of."""

    key: str
    """As config.toml says it: `daily_cost`."""
    share: float
    """How much of it was used; 1.0: all."""
    used: str
    """In words: `$11.00 of $10.00`, `≈$11.00 + ? of $10.00`, `1,200 tokens of 1,000`."""

    @property
    def reached(self) -> bool:
        """Whether nothing more may be used."""
        return self.share >= 1


def fullest(used: Usage, allowed: UsageCaps, *, fleet: bool = False) -> Cap | None:
    """Of the caps of an agent, or of the fleet, the one of which most was used; None if there is none, or nothing was.

    `used`: in one day.
    """
    return max(_caps(used, allowed, fleet), key=lambda cap: cap.share, default=None)


def _caps(used: Usage, allowed: UsageCaps, fleet: bool) -> Iterator[Cap]:
    prefix = "fleet_" if fleet else ""
    cost = allowed.fleet_daily_cost if fleet else allowed.daily_cost
    tokens = allowed.fleet_daily_tokens if fleet else allowed.daily_tokens
    if cost and used.dollars:
        yield Cap(f"{prefix}daily_cost", used.dollars / cost, f"{money.cost(used)} of {money.money(cost)}")
    if tokens and used.tokens:
        yield Cap(f"{prefix}daily_tokens", used.tokens / tokens, f"{used.tokens:,} tokens of {tokens:,}")
