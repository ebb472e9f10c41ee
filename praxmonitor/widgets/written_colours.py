"""Colours that a program wrote into its output, as a theme can show them: moved until they can be read."""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import BLACK, WHITE, Color

from praxmonitor.text.ansi_roles import COLOUR
from praxmonitor.themes.load import CONTRAST, GROUNDS, TERMINALS, contrast, readable

SIXTEEN = {
    "black": "#000000", "red": "#cd3131", "green": "#2f9e44", "yellow": "#c19c00", "blue": "#3b78d8",
    "magenta": "#b148c6", "cyan": "#1f9eb0", "white": "#cccccc", "bright_black": "#767676", "bright_red": "#f14c4c",
    "bright_green": "#3fc56b", "bright_yellow": "#e5d64a", "bright_blue": "#5b9bf5", "bright_magenta": "#d670d6",
    "bright_cyan": "#45c8d8", "bright_white": "#ffffff",
}  # fmt: skip
"""What the sixteen colours of a terminal are taken for, where the theme is none of the terminal's own."""


def written_style(role: str, variables: Mapping[str, str]) -> Style:
    """The style of `sgr:ink:ground`. On a theme's ground, as on the ground that was written, the text can be read."""
    ink, _, ground = role.removeprefix(COLOUR).partition(":")
    if variables["background"].startswith(TERMINALS):
        return Style(color=_terminals(ink), bgcolor=_terminals(ground))
    behind = _colour(ground)
    grounds = [behind] if behind is not None else [Color.parse(variables[name]) for name in GROUNDS]
    text = _colour(ink) or Color.parse(variables["foreground"])
    end = WHITE if contrast(WHITE, grounds[0]) > contrast(BLACK, grounds[0]) else BLACK
    shown = readable(text, grounds, end, CONTRAST)
    return Style(color=shown.rich_color, bgcolor=behind.rich_color if behind is not None else None)


def _colour(name: str) -> Color | None:
    if not name:
        return None
    if name in SIXTEEN:
        return Color.parse(SIXTEEN[name])
    triplet = RichColor.parse(name).get_truecolor()
    return Color(*triplet)


def _terminals(name: str) -> RichColor | None:
    """One of the terminal's own colours, else as it was written."""
    if not name:
        return None
    return Color.parse(f"{TERMINALS}{name}").rich_color if name in SIXTEEN else RichColor.parse(name)
