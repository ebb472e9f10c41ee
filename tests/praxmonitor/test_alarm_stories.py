"""The truth table of the alarms: every story raises what it must, when it must, once; the healthy ones nothing."""

from __future__ import annotations

import pytest

from tests.stories.expectation import EXPECTATION
from tests.stories.linked_hosts import LINKED_HOSTS
from tests.stories.made import HEALTHY, STORIES
from tests.stories.moves import MOVES
from tests.stories.play import Story, compare, play
from tests.stories.real_programs import REAL
from tests.stories.recorded import CAST, RECORDED, day
from tests.stories.repeated_errors import REPEATED_ERRORS

pytestmark = pytest.mark.any_python

FAULTY = ("importer", "release")
"""Agents of the demo that fail or ask by design: the operator is wanted whatever the limits are."""
HEALTHY_CAST = tuple(name for name in CAST if name not in FAULTY)
DAY = 86_400.0
ALL = (*STORIES, *MOVES, *EXPECTATION, *REPEATED_ERRORS, *LINKED_HOSTS, *RECORDED, *REAL)
COUNTED: dict[str, tuple[int, int]] = {}
"""Story → misses and false alarms."""


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.name)
def test_story(story: Story) -> None:
    misses, false = compare(story, play(story))
    COUNTED[story.name] = (len(misses), len(false))
    assert (misses, false) == ([], []), story.name


def test_misses_and_false_alarms_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    misses, false = (sum(counted[column] for counted in COUNTED.values()) for column in (0, 1))
    with capsys.disabled():
        print(f"\nalarm stories played: {len(COUNTED)}; misses {misses}, false alarms {false}")
    assert (misses, false) == (0, 0)


def test_the_table_is_as_large_as_promised(capsys: pytest.CaptureFixture[str]) -> None:
    names = [story.name for story in ALL]
    alarms = sum(len(story.expected) for story in ALL)
    assert len(names) == len(set(names))
    assert len(names) >= 40 and len(RECORDED) >= 15 and len(REAL) >= 20 and not any(story.expected for story in HEALTHY)
    with capsys.disabled():
        recorded = len(RECORDED) + len(REAL)
        print(f"\nalarm stories: {len(names)}, {recorded} of them recorded; {alarms} alarms and ends expected")


@pytest.mark.parametrize("stretch", [12.0])
def test_a_day_of_the_healthy_demo_at_real_limits_raises_nothing(
    stretch: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recording of 170 s, so many times slower and again and again: tools of 10 to 30 s, pauses up to 4 min."""
    story = day(1, HEALTHY_CAST, stretch, DAY)
    misses, false = compare(story, play(story))
    with capsys.disabled():
        print(
            f"\na simulated day of {len(HEALTHY_CAST)} agents, {len(story.steps)} readings: {len(false)} false alarms"
        )
    assert (misses, false) == ([], [])
