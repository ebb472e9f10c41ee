"""What a token costs: as [prices] in config.toml says, else as the price lists that `genai-prices` has in itself.

The library takes 0.2 s of CPU and 30 MB of memory to load. So it is asked once for each model, in a process of its own
(`price_list`): its answer is kept in the user's cache directory, for as long as the library stays the same. Nothing is
ever fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from mailcore.config import Price
from mailcore.model.usage import Spent
from mailcore.programs.price_list import LibraryFailed, PriceList
from mailcore.programs.rates import Rate, Rates
from mailcore.programs.transcript_reader import Recent
from mailcore.system.safe_open import read_bytes
from mailcore.system.user_directories import cache_home
from mailcore.system.writing import make_directory, replace

MAX_MODELS = 500
"""Models whose prices are remembered: their names come from session files, which may hold any."""
MAX_NAME = 200
"""Characters of a model's name; one that is longer is none. No list names one of other than printable ASCII."""
LIBRARY = "genai_prices"


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


_LIST = PriceList()
"""This process's own."""


class _Kept(msgspec.Struct):
    """What the library answered, as it is kept."""

    edition: str
    """By what the library's price lists are known again."""
    rates: dict[str, Rates] = {}
    """By model and provider, those without a price among them."""


def _library_rates(model: str, provider: str) -> Rates:
    """As the library answers, or answered before."""
    if not (model + provider).isascii() or not (model + provider).isprintable():
        return ()
    path, edition = cache_home() / "prices.json", _edition()
    if not edition:
        return ()
    kept = _Kept(edition)
    with suppress(OSError, msgspec.MsgspecError):
        found = msgspec.json.decode(read_bytes(path), type=_Kept)
        kept = found if found.edition == edition else kept
    key = f"{model} {provider}"
    if key not in kept.rates:
        kept.rates = dict(list(kept.rates.items())[1 - MAX_MODELS :])
        try:
            kept.rates[key] = _LIST.rates(model, provider)
        except LibraryFailed:
            return ()
        with suppress(OSError):  # without it the library is asked again
            make_directory(path.parent, parents=True)
            replace(path, msgspec.json.encode(kept), durable=False)
    return kept.rates[key]


def _edition() -> str:
    """Size and time of its price lists; empty where there is no library. It is not imported for that."""
    from importlib.util import find_spec

    spec = find_spec(LIBRARY)
    if spec is None or spec.origin is None:
        return ""
    stat = Path(spec.origin).with_name("data.py").stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"
