"""What groups, hides, settles or keeps alarms masks no new cause: each is told, and stands where it stands."""

from __future__ import annotations

import pytest

from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import AlarmEvents
from praxmonitor.state.snapshot import Snapshot
from tests.stories.masks import MASKS, Mask
from tests.stories.play import compare, play

pytestmark = pytest.mark.any_python


@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: mask.story.name)
def test_no_cause_is_masked(mask: Mask) -> None:
    shown = frozenset[tuple[str, str]]()

    def look(second: float, snapshot: Snapshot, engine: AlarmEngine, events: AlarmEvents) -> None:
        nonlocal shown
        standing = (each for each in engine.episodes.by_key.values() if not each.hidden_by)
        shown = frozenset((str(each.alarm.kind), each.alarm.address) for each in standing)

    misses, false = compare(mask.story, play(mask.story, on_look=look))
    assert (misses, false, shown) == ([], [], mask.standing)
