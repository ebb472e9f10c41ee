"""What a token costs: as [prices] in config.toml says, else as the price lists that `genai-prices` has in itself.

The library takes 0.2 s of CPU and 30 MB of memory to load. So it is asked once for each model: its answer is kept in
the user's cache directory, for as long as the library stays the same. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mailcore.config import Price
from mailcore.model.usage import Spent, Usage
from mailcore.programs.transcript_reader import Recent
from mailcore.system.safe_open import read_bytes
from mailcore.system.user_directories import cache_home
from mailcore.system.writing import make_directory, replace

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

MAX_MODELS = 500
"""Models whose prices are remembered: their names come from session files, which may hold any."""
MAX_NAME = 200
"""Characters of a model's name; one that is longer is none. No list names one of other than printable ASCII."""
RESELLER = "aws"
"""Whose names of models are its own: Claude Code through Bedrock writes those."""
MILLION = 1_000_000
LIBRARY = "genai_prices"


class Rate(msgspec.Struct, frozen=True, gc=False):
    """US dollars for a million tokens of one model."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    cache_write_1h: float
    since: float = 0.0
    """From when on it holds, in seconds since the epoch."""
    above: int = 0
    """It is that of a request that reads more tokens than this; 0: of any."""

    def dollars(self, used: Usage) -> float:
        """What those tokens cost."""
        return (
            used.input * self.input
            + used.output * self.output
            + used.cache_read * self.cache_read
            + (used.cache_write - used.cache_write_1h) * self.cache_write
            + used.cache_write_1h * self.cache_write_1h
        ) / MILLION


Rates = tuple[Rate, ...]
"""All of one model's: by `since`, then by `above`; empty where its price is not known."""


class Prices:
    """The prices of all models. What is asked again and again is asked of a table."""

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        """`own`: as of `own`."""
        self.own(own or {})

    def own(self, prices: Mapping[str, Price]) -> None:
        """Let [prices] of config.toml be these: they count more than any list."""
        self._own: dict[str, Rates] = {model: (_own_rate(price),) for model, price in prices.items()}
        self._table: Recent[tuple[str, str], Rates] = Recent(MAX_MODELS)

    def dollars(self, spent: Spent) -> float | None:
        """What the tokens cost that one message used; None where its model has no known price."""
        key = spent.model, spent.provider
        if not spent.model or max(map(len, key)) > MAX_NAME:
            return None
        rates = self._table.get(key)
        if rates is None:
            rates = self._own.get(spent.model.lower()) or _library_rates(*key)
            self._table.put(key, rates)
        used = spent.usage
        prompt = spent.prompt or used.input + used.cache_read + used.cache_write
        for rate in reversed(rates):
            if rate.since <= spent.at and (prompt > rate.above or not rate.above):
                return rate.dollars(used)
        return None


def _own_rate(price: Price) -> Rate:
    write = price.cache_write or price.input
    return Rate(price.input, price.output, price.cache_read or price.input, write, price.cache_write_1h or write)


class _Kept(msgspec.Struct):
    """What the library answered, as it is kept."""

    library: str
    """By what its price lists are known again."""
    rates: dict[str, Rates] = {}
    """By model and provider, those without a price among them."""


def _library_rates(model: str, provider: str) -> Rates:
    """As the library answers, or answered before."""
    if not (model + provider).isascii() or not (model + provider).isprintable():
        return ()
    path, library = cache_home() / "prices.json", _library_mark()
    if not library:
        return ()
    kept = _Kept(library)
    with suppress(OSError, msgspec.MsgspecError):
        found = msgspec.json.decode(read_bytes(path), type=_Kept)
        kept = found if found.library == library else kept
    key = f"{model} {provider}"
    if key not in kept.rates:
        kept.rates = dict(list(kept.rates.items())[1 - MAX_MODELS :])
        kept.rates[key] = _asked(model, provider)
        with suppress(OSError):  # without it the library is asked again
            make_directory(path.parent, parents=True)
            replace(path, msgspec.json.encode(kept), durable=False)
    return kept.rates[key]


def _library_mark() -> str:
    """Size and time of its price lists; empty where there is no library. It is not imported for that."""
    from importlib.util import find_spec

    spec = find_spec(LIBRARY)
    if spec is None or spec.origin is None:
        return ""
    stat = Path(spec.origin).with_name("data.py").stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _asked(model: str, provider: str) -> Rates:
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
