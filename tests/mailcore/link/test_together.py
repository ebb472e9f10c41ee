"""Tasks that live and end together: none is left, and the first error is told, alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.link.together import Together

pytestmark = pytest.mark.anyio


async def stubborn(ended: list[str]) -> None:
    """Loses its first cancellation, as `asyncio.wait_for` of Python 3.11 does at times."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    try:
        await asyncio.sleep(60)
    finally:
        ended.append("stubborn")


async def fail() -> None:
    raise ZeroDivisionError("the first")


async def test_the_first_error_ends_the_others_and_is_raised_alone() -> None:
    ended: list[str] = []
    with pytest.raises(ZeroDivisionError, match="the first"):
        async with Together() as parts:
            parts.start(stubborn(ended))
            await asyncio.sleep(0)
            parts.start(fail())
    assert ended == ["stubborn"]


async def test_who_is_cancelled_leaves_nothing_behind() -> None:
    ended: list[str] = []

    async def run() -> None:
        async with Together() as parts:
            parts.start(stubborn(ended))

    task = asyncio.create_task(run())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["stubborn"]


async def test_it_ends_with_its_last_task_and_when_a_library_cancels_one() -> None:
    async with Together() as parts:
        parts.start(asyncio.sleep(0.01))

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(MailcoreError, match="was cancelled"):
        async with Together() as parts:
            parts.start(cancelled())
            parts.start(asyncio.sleep(60))
