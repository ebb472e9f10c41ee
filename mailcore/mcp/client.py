"""Whoever speaks MCP on standard input: what it asks is answered, and when it has gone nothing waits for it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio

DRAIN = 10.0
"""Seconds in which what was asked before standard input closed is answered; waits end at once."""


class Client:
    """Whoever speaks on standard input: its lines, our answers, and whether it has gone."""

    def __init__(self) -> None:
        self._input, self._output = _wire()
        self._asked: set[object] = set()
        self._answered = anyio.Event()
        self.gone = anyio.Event()
        self.heard = False

    async def __aiter__(self) -> AsyncIterator[str]:
        """The lines; at their end it is `gone`, and what it had asked is answered before this is over."""
        async for line in self._input:
            self.heard = True
            self._note(line)
            yield line
        self.gone.set()
        with anyio.move_on_after(DRAIN):
            while self._asked:
                await self._answered.wait()

    async def write(self, line: str) -> None:
        """Say a line; once it is said, what it answers is no longer asked."""
        await self._output.write(line)
        await self._output.flush()
        self._note(line)

    async def flush(self) -> None:
        """Nothing: each line went at once."""

    def close(self) -> None:
        """Let standard output be what it was."""
        os.dup2(self._output.wrapped.fileno(), 1)

    def _note(self, line: str) -> None:
        with suppress(ValueError, AttributeError, TypeError):
            message = json.loads(line)
            if message.get("method") == "notifications/cancelled":
                self._asked.discard(message["params"]["requestId"])
            elif "method" not in message:
                self._asked.discard(message.get("id"))
            elif "id" in message:
                self._asked.add(message["id"])
        self._answered.set()
        self._answered = anyio.Event()


def _wire() -> tuple[anyio.AsyncFile[str], anyio.AsyncFile[str]]:
    """Standard input and output for the client alone: what else reads finds nothing, what else prints is an error's."""
    lines = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return anyio.wrap_file(lines), anyio.wrap_file(answers)


clients: list[Client] = []
"""Whoever is served by this process, the last of them now."""
