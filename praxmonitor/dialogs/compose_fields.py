"""The fields of the form: one line each, that knows what a paste of several lines means, and can be completed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

Completion = Callable[[str], str]
"""What is typed → the same as far as it can be completed; itself where it cannot."""


class Field(Input):
    """One line. Of a paste of several it takes none: the form knows where they belong."""

    @dataclass
    class Pasted(Message):
        """Several lines were pasted here."""

        field: Field
        lines: list[str]

    completion: Completion = staticmethod(lambda text: text)
    """What Tab makes of what is typed."""

    async def complete(self) -> bool:
        """Complete what is typed up to the cursor, which stands at the end; False where there is nothing to add."""
        typed = asyncio.Event()
        # What was typed before Tab still waits in the queue of this field, and what comes after it is not for it.
        self.call_later(typed.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(typed.wait(), 1)
        if self.cursor_position < len(self.value) or (longer := self.completion(self.value)) == self.value:
            return False
        self.value = longer
        self.cursor_position = len(longer)
        return True

    def _on_paste(self, event: events.Paste) -> None:
        lines = event.text.strip("\r\n").splitlines()
        if len(lines) > 1:
            event.prevent_default()
            event.stop()
            self.post_message(self.Pasted(self, lines))


class Ghost(Suggester):
    """Shows behind the cursor what Tab would add."""

    def __init__(self, completion: Completion, *, in_thread: bool = False) -> None:
        """`in_thread`: to complete looks at the disk."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._completion, self._in_thread = completion, in_thread
        self._last = ("", "")

    async def get_suggestion(self, value: str) -> str | None:
        """What is typed, completed."""
        longer = await asyncio.to_thread(self._completion, value) if self._in_thread else self._completion(value)
        self._last = value, longer
        return longer.rstrip() if longer.startswith(value) and longer.rstrip() != value else None

    def known(self, text: str) -> str:
        """What was found for this text; itself where nothing was, or not yet."""
        return self._last[1] if self._last[0] == text else text
