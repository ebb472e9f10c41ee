"""What a dialog drew does not stay in memory once it is closed."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import pytest
from rich.segment import Segment
from textual.pilot import Pilot
from textual.strip import Strip

from praxmonitor.app.late_imports import load_and_freeze
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, workspace

pytestmark = pytest.mark.anyio
OPENINGS = 12


def kept() -> Counter[type]:
    gc.collect()
    return Counter(kind for one in gc.get_objects() if (kind := type(one)) in (Strip, Segment))


async def open_and_close(pilot: Pilot[None], key: str, times: int) -> None:
    for _ in range(times):
        await pilot.press(key)
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()


@pytest.mark.parametrize("key", ["question_mark", "exclamation_mark", "L", "m"])
async def test_opening_a_screen_again_and_again_keeps_nothing(key: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 40)) as pilot:
        await open_and_close(pilot, key, 3)
        before = kept()
        await open_and_close(pilot, key, OPENINGS)
        more = kept() - before
        assert sum(more.values()) < 30 * OPENINGS, f"a whole screen has a hundred lines and more: {more}"


def test_what_importing_left_over_is_not_kept_for_ever() -> None:
    class Left:
        """Refers to itself, as what an import leaves behind."""

        def __init__(self) -> None:
            self.itself = self

    before = gc.get_threshold()
    gc.disable()
    left = weakref.ref(Left())
    try:
        load_and_freeze()
        assert left() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        gc.enable()
