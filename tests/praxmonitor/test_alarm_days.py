"""Two days of thirty agents: of a healthy one nobody is called, of a bad one every cause is told and no effect."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.stories.days import NAMES, bad_day, healthy_day
from tests.stories.tally import Sort, Tally, tally

pytestmark = pytest.mark.any_python

MOST = 12
"""Alarms that a bad day may bring."""
SEEDS = (2, 5, 7)
"""The first alone without `--rounds all`: a day takes 20 s."""


@cache
def counted(seed: int | None = None) -> Tally:
    """The healthy day, or the bad one of a seed."""
    return tally(healthy_day() if seed is None else bad_day(seed))


def test_a_healthy_day_calls_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    found = counted()
    with capsys.disabled():
        print("", *found.lines(), *(one.line for one in found.alarms), sep="\n")
    assert len(NAMES) == 30
    assert [one.line for one in found.alarms] == []
    assert 20 <= len(found.of(Sort.REQUEST)) <= len(found.day.requests), "each request once at most"


def test_a_bad_day_tells_its_causes_and_not_their_effects(
    capsys: pytest.CaptureFixture[str], rounds: Callable[[int, int], int]
) -> None:
    for seed in SEEDS[: rounds(1, len(SEEDS))]:
        found = counted(seed)
        with capsys.disabled():
            print("", *found.lines(), *(one.line for one in found.alarms), sep="\n")
        assert found.causes == set(found.day.causes), "every cause"
        assert [one.line for one in found.of(Sort.EFFECT, Sort.FALSE)] == []
        again = [one.line for one in found.of(Sort.AGAIN) if not one.cause.startswith("chatter")]
        assert again == [] and len(found.of(Sort.AGAIN)) <= 1, "that it chatters is told by its second alarm"
        assert len(found.alarms) <= MOST


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bad_day_is_as_bad_as_it_says(seed: int) -> None:
    day = bad_day(seed)
    waiting = {one.address for one in day.troubles if (one.cause, one.kind) == ("outage", "limit")} - {""}
    bounced = {one.address for one in day.troubles if (one.cause, one.kind) == ("outage", "bounced")}
    assert len(waiting) >= 12 and len(bounced) >= 2
    follow = {(one.cause, one.kind) for one in day.troubles if one.follows}
    assert {("outage", kind) for kind in ("bounced", "stuck", "overdue")} <= follow
    full = ("orphaned", "bounced", "undelivered", "unanswered", "unreadable", "storm", "degraded")
    assert {("disk", kind) for kind in full} <= follow
    names = [cause.split()[0] for cause in day.causes]
    assert [names.count(name) for name in ("outage", "disk", "crash", "silence", "chatter")] == [1, 2, 3, 2, 1]
