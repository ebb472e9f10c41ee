"""The price lists of `genai-prices`, offline: what it has in itself. Runs as a process of its own (`price_list`).

Its command: `python -m mailcore.programs.price_library`; it reads `[model, provider]` as lines of JSON, and answers
each with a line, the rates.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import msgspec

from mailcore.programs.rates import Rate, Rates

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

RESELLER = "aws"
"""Whose names of models are its own: Claude Code through Bedrock writes those."""


def listed_rates(model: str, provider: str) -> Rates:
    """All rates of a model; empty where no list has it. `provider`: whose service, empty: as the model's name says."""
    from genai_prices.data_snapshot import get_snapshot

    for service in (provider,) if provider else (None, RESELLER):
        with suppress(LookupError):
            found = get_snapshot().find_provider_model(model, None, service, None)[1]
            return tuple(rate for at in _changes(found) for rate in _steps(found.get_prices(at), at))
    return ()


def _changes(model: ModelInfo) -> list[datetime]:
    """From when on each of its prices holds; of prices by the hour of the day the one at noon stands for all."""
    from genai_prices.types import StartDateConstraint

    prices: Any = model.prices if isinstance(model.prices, list) else []
    dates = {one.constraint.start_date for one in prices if isinstance(one.constraint, StartDateConstraint)}
    return [datetime.min.replace(tzinfo=UTC), *(datetime.combine(date, time(12), UTC) for date in sorted(dates))]


def _steps(price: ModelPrice, at: datetime) -> Iterator[Rate]:
    """What it costs from then on, and what where a request is long."""
    from genai_prices.types import TieredPrices

    tiered = [one for one in vars(price).values() if isinstance(one, TieredPrices)]
    since = at.replace(hour=0).timestamp() if at.year > 1 else 0.0
    for above in sorted({0, *(tier.start for one in tiered for tier in one.tiers)}):

        def of(*names: str, above: int = above) -> float | None:
            found = (getattr(price, f"{name}_mtok", None) for name in names)
            return next((_at(one, above) for one in found if one is not None), None)

        read, written = of("input"), of("output")
        if read is not None and written is not None:
            kept = of("cache_write_5m", "cache_write", "input") or 0.0
            hour = of("cache_write_1h", "cache_write", "input") or 0.0
            yield Rate(read, written, of("cache_read", "input") or 0.0, kept, hour, since, above)


def _at(price: Decimal | TieredPrices, above: int) -> float:
    from genai_prices.types import TieredPrices

    if isinstance(price, TieredPrices):
        return float(next((tier.price for tier in reversed(price.tiers) if tier.start <= above), price.base))
    return float(price)


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin.buffer:
        model, provider = msgspec.json.decode(line, type=tuple[str, str])
        sys.stdout.buffer.write(msgspec.json.encode(listed_rates(model, provider)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
