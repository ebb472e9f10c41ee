"""What is looked at again and again is looked at in the same moment."""

from __future__ import annotations

import asyncio
import time

import pytest

from praxmonitor.alarms.next_look import next_look

pytestmark = pytest.mark.anyio


async def test_it_is_a_multiple_of_the_period_and_never_at_once() -> None:
    loop, period = asyncio.get_running_loop(), 0.2
    for late in (0.0, 0.05, 0.1, 0.15):
        late_for = asyncio.Event()
        loop.call_later(late, late_for.set)
        await asyncio.wait_for(late_for.wait(), 5)
        began = loop.time()
        await next_look(period)
        ended = loop.time()
        assert ended - began >= period / 2 - time.get_clock_info("monotonic").resolution
        assert ended // period > began // period, "a multiple lies in between"
