"""How the screen looks, as its operator wants it: colours, signs, motion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from textual.filter import LineFilter
from textual.screen import Screen
from textual.types import AnimationLevel
from textual.widget import Widget

from praxmonitor.actions.app_parts import Preferring
from praxmonitor.app.ascii_filter import AsciiFilter
from praxmonitor.app.terminal import Terminal
from praxmonitor.preferences.preferences import Preferences


@runtime_checkable
class Blinks(Protocol):
    """A widget with a cursor: one is known by that, since to load Textual's editor takes 6 ms."""

    cursor_blink: bool


class Painted(Protocol):
    """The app, by what is painted of it."""

    theme: str
    animation_level: AnimationLevel
    preferences: Preferences
    terminal: Terminal

    @property
    def available_themes(self) -> Mapping[str, object]:
        """By name."""

    @property
    def choices(self) -> Preferring:
        """What keeps what the operator chooses."""

    async def push_screen_wait(self, screen: Screen[int]) -> int:
        """Open a dialog and wait for its answer."""


class Appearance:
    """That of one app."""

    def __init__(self, app: Painted) -> None:
        self._app = app
        self._filter = AsciiFilter(enabled=False)
        self.still = app.animation_level == "none" or not app.preferences.motion
        """Nothing blinks or glides. Set before the screen is run, as `ascii` is."""

    @property
    def ascii(self) -> bool:
        """Every sign is drawn in ASCII."""
        return self._filter.enabled

    @ascii.setter
    def ascii(self, wanted: bool) -> None:
        self._filter.enabled = self._app.terminal.ascii = wanted

    def filters(self, textuals: Iterable[LineFilter]) -> list[LineFilter]:
        """What each line that is painted passes: Textual's own; then, where it is wanted, ASCII."""
        return [*textuals, *([self._filter] if self.ascii else [])]

    def begin(self) -> None:
        """The screen is run from now on."""
        if self.still:
            self._app.animation_level = "none"

    def focused(self, widget: Widget) -> None:
        """A cursor blinks only where motion is wanted."""
        if isinstance(widget, Blinks):
            widget.cursor_blink = not self.still

    def move(self, wanted: bool) -> None:
        """Let things blink and glide, or not; now, and when the screen is opened again."""
        self.still = not wanted
        self._app.animation_level = "full" if wanted else "none"
        self._app.choices.prefer(motion=wanted)

    def choose_theme(self, name: str) -> None:
        """These colours from now on, and when the screen is opened again."""
        self._app.theme = name
        self._app.choices.prefer(theme=name)

    async def pick_theme(self) -> None:
        """List the themes, each is seen while it is under the cursor. Within a worker."""
        from praxmonitor.app.theme_picker import ask_for_theme

        app = self._app
        before = app.theme

        def show(name: str) -> None:
            app.theme = name

        picked = await ask_for_theme(app.push_screen_wait, before, app.available_themes, show)
        app.theme = before
        if picked:
            self.choose_theme(picked)
