"""The list of themes: what is under the cursor is seen at once, what is picked is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from textual.screen import Screen
from textual.theme import BUILTIN_THEMES

from praxmonitor.dialogs.choose import ChooseScreen, text_option


class Painted(Protocol):
    """The app, by its colours."""

    theme: str

    @property
    def available_themes(self) -> Mapping[str, object]:
        """By name."""

    async def push_screen_wait(self, screen: Screen[int]) -> int:
        """Open a dialog and wait for its answer."""

    def choose_theme(self, name: str) -> None:
        """These colours from now on, and when the screen is opened again."""


async def ask_for_theme(app: Painted) -> None:
    """Let the operator pick one; Esc brings back the colours that were there before. Within a worker."""
    before = app.theme
    names = sorted(app.available_themes, key=lambda name: (name in BUILTIN_THEMES, name))
    names.remove(before)
    names.insert(0, before)

    def show(place: int) -> None:
        app.theme = names[place]

    asked = ChooseScreen(
        "Which colours?", [text_option(name) for name in names], "j k see · Enter keep · Esc as it was"
    )
    asked.moved = show
    picked = await app.push_screen_wait(asked)
    app.theme = before
    if picked >= 0:
        app.choose_theme(names[picked])
