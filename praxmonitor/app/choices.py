"""What the operator chooses on the screen: it holds at once, and is kept for the next time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

import msgspec

from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.preferences.store import save_preferences


class Chooser(Protocol):
    """The app, by what this part asks of it."""

    preferences: Preferences

    @property
    def opened(self) -> OpenWorkspace:
        """The workspace that is shown."""

    def run_worker(self, work: Callable[[], object], *, thread: bool, group: str) -> object:
        """Do this in a thread."""

    def call_from_thread(self, callback: Callable[[], object]) -> object:
        """Do this on the loop."""

    def notify(self, message: str, *, severity: Literal["information", "warning", "error"]) -> None:
        """Say it for some seconds."""


class Choices:
    """Keeps what is chosen, by user and by the workspace that the screen was opened on first."""

    def __init__(self, app: Chooser) -> None:
        self._app, self._opened = app, app.opened
        self.trouble = ""
        """Why what had been chosen is not known; empty if it is."""

    def prefer(self, **chosen: Any) -> None:
        """Let fields of `Preferences` have these values from now on."""
        app = self._app
        app.preferences = msgspec.structs.replace(app.preferences, **chosen)
        if self._opened.live:
            app.run_worker(partial(self._keep, app.preferences), thread=True, group="preferences")

    def _keep(self, preferences: Preferences) -> None:
        try:
            save_preferences(self._opened.workspace.root, preferences)
        except OSError as error:
            text = f"chosen until you leave only: {error}"
            self._app.call_from_thread(partial(self._app.notify, text, severity="warning"))
