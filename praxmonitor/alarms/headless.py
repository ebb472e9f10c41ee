"""Watches a workspace without a screen: for the guard, and for whoever follows the alarms as lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from mailcore.model.fleet import Fleet
from praxmonitor.alarms.episode import AlarmEvents
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.feed.base import Feed
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.sound import Cue
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot

TICK = 0.5
"""Seconds between two looks at what time alone changes."""


async def watch(
    feed: Feed, notifier: Notifier, play: Callable[[list[Cue]], None], trouble: Callable[[str], None]
) -> AsyncGenerator[tuple[AlarmEvents, Snapshot], None]:
    """The events that the operator is to be notified of, each time with their snapshot, until closed.

    `play` gets what is to sound here, `trouble` why the watching stopped, and that it goes on.
    """
    newest: Fleet | None = None
    changed = asyncio.Event()

    def report_break(why: str) -> None:
        notifier.stopped = why
        trouble(why or "watching goes on")

    async def follow() -> None:
        nonlocal newest
        async with aclosing(restarted_fleets(feed, report_break)) as fleets:
            async for newest in fleets:  # noqa: B007 - the loop below takes the newest
                changed.set()

    notifier.on_due = changed.set
    notifier.begin_recovery()
    tasks = [asyncio.create_task(follow()), asyncio.create_task(notifier.watch())]
    loop, snapshot = asyncio.get_running_loop(), EMPTY
    due_at = loop.time() + TICK
    try:
        while True:
            try:
                async with asyncio.timeout_at(due_at):
                    await changed.wait()
            except TimeoutError:
                pass
            for task in tasks:
                if task.done():
                    _end(task)
            changed.clear()
            if loop.time() >= due_at:
                due_at = loop.time() + TICK
                notifier.tick()
            if newest is None:
                continue
            before, snapshot = (
                snapshot,
                next_snapshot(snapshot, newest, notifier.now(), notifier.config.alarms, notifier.machine_status),
            )
            if snapshot is before and not notifier.needs_evaluation:
                continue
            events, cues = notifier.evaluate(snapshot)
            play(cues)
            if events:
                yield events, snapshot
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end(task: asyncio.Task[None]) -> None:
    """Raise what ended a task: a workspace that cannot be read ends the watching, with its reason."""
    try:
        task.result()
    except BaseExceptionGroup as group:  # of the notifier's own tasks; one is enough to end it
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group
