"""A subject of interest to which agents subscribe, and what is published in it (docs/topics.md)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

MAX_RETAINED = 1_000
"""Publications that a topic may retain."""
MAX_PER_MINUTE = 10_000
Words = Annotated[str, msgspec.Meta(max_length=2_000)]
ShortText = Annotated[str, msgspec.Meta(max_length=100)]


class Topic(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a topic is. It stays as it was created."""

    name: Annotated[str, msgspec.Meta(max_length=64)]
    """Without the `#` that people write before it."""
    about: Words = ""
    by: ShortText = ""
    """Who created it."""
    host: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """The host of the link on which it was created; empty: this one."""
    made_at: float = 0.0
    """When, seconds since the epoch, by that host's clock."""
    retain: Annotated[int, msgspec.Meta(ge=1, le=MAX_RETAINED)] = 10
    """The last publications, so many, that who subscribes later gets too."""
    per_minute: Annotated[int, msgspec.Meta(ge=1, le=MAX_PER_MINUTE)] = 60
    """Publications that one host may add in a minute."""
    schema: dict[str, Any] | None = None
    """The JSON Schema that the data of each publication has to fit; None: it may have none."""


class Publication(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was published in a topic."""

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    topic: Annotated[str, msgspec.Meta(max_length=64)]
    by: ShortText
    """Who published it, as its own host writes the address."""
    at: float
    """When, by that host's clock."""
    subject: str
    body: str
    host: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """That host; empty: this one."""
    proof: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """What said there who publishes, as of a mail's `sender_proof`."""
    data: Any = msgspec.UNSET
    """A JSON value; UNSET where none goes with it."""


class Subscription(msgspec.Struct, frozen=True):
    """One agent of this workspace that subscribes to a topic."""

    since: float
    last: int = 0
    """The number of the last publication that it was given, or that it does not get."""
