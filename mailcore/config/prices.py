"""What config.toml says of prices: `[prices."MODEL"]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import DollarsPerMillion, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a million tokens of a model cost, by its name in the session files; it counts more than the known price.

    Quote a name that has a dot. `mailcore usage` names the models that have no price.
    """

    input: Annotated[DollarsPerMillion, describe("Tokens read anew. Wanted, as output is.", 3)] = 0.0
    output: Annotated[DollarsPerMillion, describe("Tokens written, thoughts among them.", 15)] = 0.0
    cache_read: Annotated[DollarsPerMillion, describe("Tokens read from the cache. 0: as input.", 0.3)] = 0.0
    cache_write: Annotated[DollarsPerMillion, describe("Tokens written into the cache. 0: as input.", 3.75)] = 0.0
    cache_write_1h: Annotated[
        DollarsPerMillion, describe("The same where they stay for an hour. 0: as cache_write.", 6)
    ] = 0.0


WANTED = ("input", "output")
"""A price that does not say both is none."""
