"""A feed that is begun again whenever its reading breaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.text import line
from mailcore.text.units import duration
from praxmonitor.feed.base import Feed

PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds before a feed that broke is begun again: twice as many each time that it breaks again, up to the longest."""


RESET_PAUSE_AFTER = 60.0
"""Seconds; a feed that lived for longer is begun again after the first pause."""


async def restarted_fleets(
    feed: Feed,
    on_break: Callable[[str], None],
    *,
    fatal: type[Exception] | tuple[()] = (),
    pause: float = PAUSE,
    longest: float = LONGEST_PAUSE,
) -> AsyncGenerator[Fleet, None]:
    """The fleets of a feed that is begun again whenever its reading raises: a watcher outlives what it watches.

    `on_break` is told why the watching stopped, and an empty text when it goes on. A MailcoreError before the first
    fleet is raised: there is nothing to watch. So is what is `fatal`, at any time.
    """
    known, broken, next_pause = False, False, pause
    while True:
        began = time.monotonic()
        try:
            async with aclosing(feed.fleets()) as fleets:
                async for fleet in fleets:
                    if broken:
                        on_break("")
                    known, broken = True, False
                    yield fleet
            return
        except Exception as error:
            if isinstance(error, fatal) or (isinstance(error, MailcoreError) and not known):
                raise
            if time.monotonic() - began > RESET_PAUSE_AFTER:
                next_pause = pause
            why = line(f"{type(error).__name__}: {error}", 300)
            on_break(f"watching stopped: {why}; it begins again in {duration(next_pause)}")
            broken = True
        await asyncio.sleep(next_pause)
        next_pause = min(2 * next_pause, longest)
