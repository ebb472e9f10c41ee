"""The rates of one model: what its tokens cost, since when, and in requests of which length."""

from __future__ import annotations

import msgspec

from mailcore.model.usage import Usage

MILLION = 1_000_000


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
