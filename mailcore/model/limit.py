"""A usage limit of an account, as a program reported it. Weather, not a failure: it passes by itself."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Certainty(StrEnum):
    """How sure what is known of a limit is."""

    REPORTED = "reported"
    """A field of the program's own data says it."""
    READ = "read"
    """It was read from the words that the program shows a person."""
    UNKNOWN = "unknown"
    """That there is a limit is known, and nothing of when it ends."""


FARTHEST_RESET = 40 * 86_400.0
"""Seconds: no limit lasts longer, so what is said to is misread."""
MAX_LIMIT_WORDS = 400
"""Characters of what a program says of a limit that are kept."""
SERVICE = "service"
"""The scope of an overload: of the service, whosever account it is."""


class Limit(msgspec.Struct, frozen=True, gc=False):
    """One limit of one account at the moment at which it was seen."""

    program: str
    """Name of the program that reported it, `claude`."""
    scope: str = ""
    """What it is of, in few words: `5 h`, `week`, `week of opus`, the name of a model, SERVICE; empty: not said."""
    reached: bool = True
    """Nothing more may be used until the reset; False: only how much is used was reported."""
    used: float | None = None
    """The share of it that is used, 0.0 to 1.0 and more; None: unknown."""
    resets_at: float = 0.0
    """When it is lifted, in seconds since the epoch; 0.0: unknown."""
    seen_at: float = 0.0
    """When the program reported it, in seconds since the epoch."""
    certainty: Certainty = Certainty.UNKNOWN
    """How sure `resets_at` is."""
    words: str = ""
    """The program's own words for it, or its status; untrusted text."""
    window: float = 0.0
    """Seconds from one reset to the next; 0.0: unknown."""
    model: str = ""
    """A part of the names of the models that it is of, `opus`; empty: of every model."""


class WaitingRun(msgspec.Struct, frozen=True, gc=False):
    """A run that waits for an account's reset."""

    run_id: str
    root: str
    """The workspace that it is of."""
    agent: str
    """Its agent's address."""
    rank: tuple[int, float]
    """Priority and age: the lowest goes on first."""
    until: float
    """When it may go on, in seconds since the epoch."""
    pid: int
    """Of its supervisor, and when that started:"""
    start_ticks: int


class AccountLimits(msgspec.Struct, frozen=True):
    """What is known of the limits of one account, and who waits for them."""

    key: str
    program: str
    account: str
    """Its name for people."""
    limits: tuple[Limit, ...] = ()
    """By scope one, the newest last."""
    waiting: tuple[WaitingRun, ...] = ()
    starts: tuple[float, ...] = ()
    """When runs went on in the last minute, the newest last."""
