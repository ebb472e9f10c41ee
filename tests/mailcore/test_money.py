"""How money is shown, and that what is unknown never becomes 0."""

from __future__ import annotations

from math import inf, isclose, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.model.usage import Usage
from mailcore.text.money import cost, money, unpriced_models, unpriced_note


@pytest.mark.parametrize(
    ("dollars", "words"),
    [
        (1234.5, "$1,234.50"), (3.4, "$3.40"), (0.25, "$0.25"), (0.0123, "$0.0123"), (0.04, "$0.0400"),
        (0.00001, "<$0.0001"), (0, "unknown"), (-1, "unknown"), (nan, "unknown"), (inf, "unknown"), (1e20, "unknown"),
    ],
)  # fmt: skip
def test_money(dollars: float, words: str) -> None:
    assert money(dollars) == words


def test_money_in_a_column() -> None:
    assert [money(dollars, digits=4) for dollars in (1234.5, 0.25, 0)] == ["$1,234.5000", "$0.2500", "unknown"]
    assert money(0.001, digits=2) == "<$0.01"


@given(one=st.floats(0, 1e9, exclude_min=True), other=st.floats(0, 1e9, exclude_min=True), wild=st.floats())
def test_money_is_never_less_for_what_costs_more(one: float, other: float, wild: float) -> None:
    assert len(money(wild)) <= 20
    one, other = sorted((one, other))
    values = [float(money(dollars).lstrip("<$").replace(",", "")) for dollars in (one, other)]
    assert values[0] <= values[1]


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (Usage(), ""), (Usage(5), "$?"), (Usage(5, cost=1.23), "$1.23"), (Usage(5, estimated=1.23), "≈$1.23"),
        (Usage(5, cost=1.0, estimated=0.23), "≈$1.23"), (Usage(5, cost=1.23, estimated=1e-17), "$1.23"),
        (Usage(5, estimated=1.23, unpriced=(("m", 2),)), "≈$1.23 + ?"), (Usage(5, unpriced=(("m", 5),)), "$?"),
        (Usage(5, cost=1.23, unpriced=(("m", 2),)), "$1.23 + ?"), (Usage(5, estimated=0.0), "free"),
        (Usage(5, estimated=0.0, unpriced=(("m", 2),)), "$?"), (Usage(cost=0.04), "$0.0400"),
    ],
)  # fmt: skip
def test_known_estimated_and_unknown(used: Usage, words: str) -> None:
    assert cost(used) == words


def test_models_without_a_price_are_named_the_most_used_first() -> None:
    used = Usage(unpriced=(("", 300), ("a\x1b[1m", 12_000), ("b", 5), ("c", 7), ("d", 6)))
    assert unpriced_models(used) == (
        "a�[1m (12 k tokens), a model without a name (300 tokens), c (7 tokens), and 2 more"
    )
    assert list(unpriced_note(Usage(5, cost=1.0))) == []
    assert '[prices."MODEL"]' in "".join(unpriced_note(used))


AMOUNTS = st.integers(0, 1 << 40)
USAGES = st.builds(
    Usage,
    input=AMOUNTS,
    output=AMOUNTS,
    cost=st.sampled_from([0.0, 0.25, 3.5]),
    estimated=st.sampled_from([None, 0.0, 0.5, 2.25]),
    unpriced=st.dictionaries(st.sampled_from("abc"), st.integers(1, 99)).map(lambda one: tuple(sorted(one.items()))),
    cache_write_1h=AMOUNTS,
)


@given(USAGES, USAGES, USAGES)
def test_sums_are_the_same_in_any_order_and_grouping(one: Usage, two: Usage, three: Usage) -> None:
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one
    assert one + Usage() == one


@given(st.lists(USAGES, max_size=5))
def test_what_is_unknown_is_never_0(parts: list[Usage]) -> None:
    total = sum(parts, Usage())
    told = total.as_json()
    if told["cost"] == 0:
        assert not total.cost and (total.estimated == 0 or not total.tokens), "it is free, or nothing was used"
    if all(part.cost == 0 and part.estimated is None for part in parts):
        assert told["cost"] is None or not total.tokens
        assert cost(total) == ("$?" if total.tokens or total.unpriced else "")
    assert told["unpriced_tokens"] == sum(part.unpriced_tokens for part in parts)
    if total.unpriced:
        assert told["unpriced_models"] and "?" in cost(total)
    assert isclose(total.dollars or 0.0, sum(part.dollars or 0.0 for part in parts))
