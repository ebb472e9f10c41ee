"""How money is shown: what is known, `≈` what is estimated, `$?` what is unknown. It is written here alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailcore.text import line
from mailcore.text.units import UNKNOWN_TIME, tokens

if TYPE_CHECKING:  # its values are asked, and msgspec, which they are made of, takes 10 ms
    from mailcore.model.usage import Usage

UNKNOWN = "$?"
FREE = "free"
MOST_MODELS = 3
"""Models without a price that are named in one line; the rest is counted."""
LONGEST_MODEL = 40

_MOST_MONEY = 1e12


def money(dollars: float, *, digits: int = 0) -> str:
    """US dollars that are known: `$1,234.50`, below ten cents `$0.0123`; `digits` after the point for a column.

    0.0 is unknown: so much says a program that does not reckon.
    """
    if not 0 < dollars < _MOST_MONEY:
        return UNKNOWN_TIME
    digits = digits or (2 if dollars >= 0.1 else 4)
    least = 10**-digits
    return f"${dollars:,.{digits}f}" if dollars >= least else f"<${least:.{digits}f}"


def cost(used: Usage, *, digits: int = 0) -> str:
    """`$1.23` known, `≈$1.23` all or a part of it estimated, `≈$1.23 + ?` a part unknown, `$?` all of it.

    `free` where every price is 0; empty where nothing was used.
    """
    dollars, unknown = used.dollars, used.unpriced_tokens > 0
    if not dollars:
        return UNKNOWN if dollars is None or unknown else FREE if used.tokens else ""
    text = f"{'≈' if used.is_estimated else ''}{money(dollars, digits=digits)}"
    return f"{text} + ?" if unknown else text


def unpriced_models(used: Usage) -> str:
    """`gpt-9 (12 k tokens), a model without a name (300 tokens)`: those whose price is not known; empty: none."""
    most = sorted(used.unpriced, key=lambda one: -one[1])
    parts = [f"{line(model, LONGEST_MODEL) or 'a model without a name'} ({tokens(n)} tokens)" for model, n in most]
    more = [f"and {len(parts) - MOST_MODELS} more"] if len(parts) > MOST_MODELS else []
    return ", ".join([*parts[:MOST_MODELS], *more])


def unpriced_note(used: Usage) -> Iterator[str]:
    """What is to be done about them, if there are any."""
    if models := unpriced_models(used):
        yield f'no price is known of {models}: what they cost is in no sum; [prices."MODEL"] in config.toml says it'
