"""Tasks that live and end together: none is left, and the first error is told, alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.link.together import Together

pytestmark = pytest.mark.anyio


async def stubborn(ended: list[str], began: asyncio.Event) -> None:
    """Loses its first cancellation, as `asyncio.wait_for` of Python 3.11 does at times."""
    began.set()
    with suppress(asyncio.CancelledError):
        await for_ever()
    try:
        await for_ever()
    finally:
        ended.append("stubborn")


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ZeroDivisionError("the first")


async def test_the_first_error_ends_the_others_and_is_raised_alone() -> None:
    ended: list[str] = []
    began = asyncio.Event()
    with pytest.raises(ZeroDivisionError, match="the first"):
        async with Together() as parts:
            parts.start(stubborn(ended, began))
            await began.wait()
            parts.start(fail())
    assert ended == ["stubborn"]


async def test_who_is_cancelled_leaves_nothing_behind() -> None:
    ended: list[str] = []
    began = asyncio.Event()

    async def run() -> None:
        async with Together() as parts:
            parts.start(stubborn(ended, began))

    task = asyncio.create_task(run())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["stubborn"]


async def test_it_ends_with_its_last_task_and_when_a_library_cancels_one() -> None:
    done: list[str] = []
    async with Together() as parts:
        parts.start(asyncio.to_thread(done.append, "the last"))
    assert done == ["the last"]

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(MailcoreError, match="was cancelled"):
        async with Together() as parts:
            parts.start(cancelled())
            parts.start(for_ever())
