"""What is read of the agent in view alone: again and again while it runs, seldom while it rests."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from msgspec import structs

from mailcore.config import Observe
from mailcore.model.fleet import Fleet
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.views.reading import PERIOD, REST_PERIODS
from tests.praxmonitor.fake_feed import CONFIG, FakeFeed, app_on, lighthouse, until, workspace

pytestmark = pytest.mark.anyio


def only(address: str, *, running: bool) -> Fleet:
    (one,) = (each for each in lighthouse().agents if each.address == address)
    return structs.replace(lighthouse(), agents=(one if running else structs.replace(one, lock=None, run=None),))


@pytest.mark.parametrize("running", [True, False])
async def test_who_rests_is_read_seldom(running: bool) -> None:
    fleet = only("@writer", running=running)
    often = replace(CONFIG, observe=Observe(sample=PERIOD))
    app = app_on(FakeFeed(fleet), workspace(fleet), config=often)
    async with app.run_test(size=(160, 36)) as pilot:
        screen = app.screen
        assert isinstance(screen, FleetScreen)
        await until(pilot, lambda: screen.reading.details, "it is read")
        await pilot.pause(PERIOD)  # and not a second time because more is known of it
        first, began = screen.reading.details, time.monotonic()
        await until(pilot, lambda: screen.reading.details is not first, "it is read again")
        assert running or time.monotonic() - began > (REST_PERIODS - 2) * PERIOD
