"""What the operator chooses on the screen: it holds at once, and is kept for the next time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.preferences.store import save_preferences

Kept: TypeAlias = tuple[Preferences, str]
"""What was chosen in a workspace, and why it is not known, in words; empty if it is."""

NOTHING_CHOSEN: Kept = (Preferences(), "")


class Chooser(Protocol):
    """The app, by what this part asks of it."""

    preferences: Preferences
    theme: str

    @property
    def available_themes(self) -> Mapping[str, object]:
        """By name."""

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
    """Keeps what is chosen, by user and by workspace: of several that are open each has its own."""

    def __init__(self, app: Chooser) -> None:
        self._app, self._opened = app, app.opened
        self._kept: dict[Path, Kept] = {}
        """Root of each workspace that is not shown → what was chosen there."""
        self.trouble = ""
        """Why what had been chosen in the workspace that is shown is not known; empty if it is."""

    def know(self, opened: OpenWorkspace, kept: Kept) -> None:
        """This was chosen in another workspace."""
        self._kept[opened.workspace.root] = kept

    def turn_to(self, opened: OpenWorkspace) -> None:
        """This workspace is shown from now on: what was chosen there holds; colours, where any were."""
        app = self._app
        self._kept[self._opened.workspace.root] = app.preferences, self.trouble
        self._opened = opened
        app.preferences, self.trouble = self._kept.pop(opened.workspace.root, NOTHING_CHOSEN)
        if app.preferences.theme in app.available_themes:
            app.theme = app.preferences.theme

    def prefer(self, **chosen: Any) -> None:
        """Let fields of `Preferences` have these values from now on."""
        app = self._app
        app.preferences = msgspec.structs.replace(app.preferences, **chosen)
        if self._opened.live:
            root = self._opened.workspace.root
            app.run_worker(partial(self._keep, root, app.preferences), thread=True, group="preferences")

    def _keep(self, root: Path, preferences: Preferences) -> None:
        try:
            save_preferences(root, preferences)
        except OSError as error:
            text = f"chosen until you leave only: {error}"
            self._app.call_from_thread(partial(self._app.notify, text, severity="warning"))
