"""When what is looked at again and again is looked at next: all of it in the same moment, so that it wakes once."""

from __future__ import annotations

import asyncio


async def next_look(period: float) -> None:
    """Sleep to the next multiple of the period on the loop's clock, if that is not too near; else to the one after."""
    left = period - asyncio.get_running_loop().time() % period
    await asyncio.sleep(left if left > period / 2 else left + period)
