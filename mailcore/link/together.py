"""Tasks that live and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from mailcore.exceptions import MailcoreError

_CANCEL_AGAIN = 0.2


class Together:
    """A context whose end waits for its tasks: the first that fails ends the others, and its error is raised, alone.

    As `asyncio.TaskGroup`, save that a task is cancelled until it ends: `asyncio.wait_for` of Python 3.11 loses a
    cancellation that comes when it is done, and the task group then waits for ever.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over = asyncio.Event()
        self._error: BaseException | None = None
        self._ending = False

    async def __aenter__(self) -> Together:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._tasks:
                await self._over.wait()
        finally:
            self._ending = True
            await end_tasks(self._tasks)
        if self._error is not None and kind is None:
            raise self._error

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run beside the others."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error: BaseException | None
        if not task.cancelled():
            error = task.exception()
        else:  # a library that closes cancels who waits for it
            error = None if self._ending else MailcoreError("a part of the link was cancelled", "cancelled")
        if error is not None and self._error is None:
            self._error = error
        if error is not None or not self._tasks:
            self._over.set()


async def end_tasks(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel these until they have ended, also if whoever waits for that is cancelled meanwhile."""
    cancelled: asyncio.CancelledError | None = None
    while left := {task for task in tasks if not task.done()}:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=_CANCEL_AGAIN)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
