"""What an agent's work used: tokens, and their money as far as it is known."""

from __future__ import annotations

from typing import Any

import msgspec

LEAST = 1e-9
"""US dollars: a smaller estimate is what adding and taking back again leaves of none."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens by their price, and their money in US dollars. Sums with `+`.

    Money is known (`cost`), estimated, or unknown (`unpriced`): each is kept apart, so that what is unknown never
    counts as 0. `mailcore.text.money` says how it is shown.
    """

    input: int = 0
    """Tokens read anew."""
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost: float = 0.0
    """As the program itself reports it; 0.0 where it does not."""
    estimated: float | None = None
    """Beside `cost`: reckoned from tokens and their prices. None: of no tokens; 0.0: of tokens that are free."""
    unpriced: tuple[tuple[str, int], ...] = ()
    """Tokens whose money is unknown, by model, in the order of the models' names."""
    cache_write_1h: int = 0
    """Of `cache_write` those that the service keeps for an hour, which cost more."""

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        mine, theirs = self.estimated, other.estimated
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cost + other.cost,
            mine if theirs is None else theirs if mine is None else mine + theirs,
            _sum_unpriced(self.unpriced, other.unpriced),
            self.cache_write_1h + other.cache_write_1h,
        )

    def as_json(self) -> dict[str, Any]:
        """For `--json`: an unknown cost is null, never 0; one that is known in part has `unpriced_tokens` beside it."""
        return {
            "input": self.input,
            "output": self.output,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write,
            "tokens": self.tokens,
            "cost": None if self.dollars is None else round(self.dollars, 6),
            "cost_is_estimated": self.is_estimated,
            "unpriced_tokens": self.unpriced_tokens,
            "unpriced_models": list(self.unpriced_models),
        }

    @property
    def tokens(self) -> int:
        """All of them, whatever they cost."""
        return self.input + self.output + self.cache_read + self.cache_write

    @property
    def dollars(self) -> float | None:
        """What is known and estimated of the money; None where nothing is. 0.0: nothing was used, or it is free."""
        if self.cost > 0 or self.estimated is not None:
            return max(0.0, self.cost + (self.estimated or 0.0))
        return None if self.tokens else 0.0

    @property
    def is_estimated(self) -> bool:
        """True if some of its dollars are an estimate."""
        return self.estimated is not None and self.estimated > LEAST

    @property
    def unpriced_tokens(self) -> int:
        """How many tokens there are whose money is unknown."""
        return sum(tokens for _, tokens in self.unpriced)

    @property
    def unpriced_models(self) -> tuple[str, ...]:
        """The models whose tokens have no price, by name; empty is one that was not named."""
        return tuple(model for model, _ in self.unpriced)


class Spent(msgspec.Struct, frozen=True, gc=False):
    """One API message's use, counted once; or what a session's own counter of money went up by."""

    at: float
    agent: str
    """Its address."""
    usage: Usage
    session: str = ""
    model: str = ""
    """Empty where only money is reported."""
    context: int = 0
    """Tokens that fill the context after it; 0 unknown. A subagent's context is its own: 0."""
    window: int = 0
    """Tokens that the context may hold; 0 unknown."""
    prompt: int = 0
    """Tokens that the request read, a subagent's too: many cost more each. 0: as many as `usage` says."""
    provider: str = ""
    """Whose service answered, `openai`; empty: as the model's name says."""
    begun: float = 0.0
    """Of money alone: it is that of the session's messages since then; 0.0: of all that were not reported before."""


class Spending(msgspec.Struct, frozen=True, gc=False):
    """What is known of one agent's use."""

    day: str = ""
    """The local date that `today` is of, `2026-11-22`."""
    today: Usage = Usage()
    run_id: str = ""
    """The run that `task` is of."""
    task: Usage = Usage()
    model: str = ""
    """Of the agent's own newest message, as are these:"""
    context: int = 0
    window: int = 0
    at: float = 0.0
    unfinished: bool = False
    """What was used earlier today is still being counted: `today` is too small, and so may be `task`."""


def _sum_unpriced(one: tuple[tuple[str, int], ...], other: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    if not one or not other:
        return one or other
    sums = dict(one)
    for model, tokens in other:
        sums[model] = sums.get(model, 0) + tokens
    return tuple(sorted((model, tokens) for model, tokens in sums.items() if tokens))
