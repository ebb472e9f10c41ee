"""The terminal that the screen is on: its bell, what it is sent beside the picture, whom it is lent to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App

from praxmonitor.text.ascii import as_ascii


class Terminal:
    """The terminal of one app."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.lent = False
        """An agent's own program has it."""
        self.ascii = False
        """It has no UTF-8: it is sent ASCII."""

    def bell(self) -> None:
        """Ring its bell, also while an agent's program has it."""
        if not self.lent:
            self._app.bell()
        elif sys.__stdout__ is not None:  # Textual's writer is stopped: it would take thirty, and then block
            print("\a", end="", file=sys.__stdout__, flush=True)

    def write(self, sequence: str) -> None:
        """Send it a sequence that draws nothing: a title, a notification."""
        if sequence and not self.lent and self._app._driver is not None:
            self._app._driver.write(as_ascii(sequence) if self.ascii else sequence)

    def later(self, act: Callable[[], None]) -> None:
        """Do this in the app's loop, soon. From any thread."""
        self._app.call_later(act)

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Another program has it meanwhile. SuspendNotSupported where it cannot be lent."""
        with self._app.suspend(), self._app.batch_update():
            self.lent = True
            try:
                yield
            finally:
                self.lent = False

    def leave(self) -> None:
        """Leave the screen."""
        self._app.exit()

    def suspend(self) -> None:
        """Back to the shell for a while."""
        self._app.action_suspend_process()

    def copy(self, text: str) -> None:
        """Let it keep this text in its clipboard."""
        self._app.copy_to_clipboard(text)
