"""TOML → Textual themes, with a colour for every state. A bad file is listed, never fatal."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.color import BLACK, WHITE, Color, ColorParseError
from textual.theme import Theme

from mailcore.system.safe_open import read_bytes
from praxmonitor.text.agents import LOOKS

DEFAULT = "prax-dark"
_COLOURS = (
    *("primary", "secondary", "accent", "warning", "error", "success"),
    *("foreground", "background", "surface", "panel"),
)
_STATES = tuple(look.role.removeprefix("state-") for look in LOOKS.values())
_SHADES = ("muted", "faint", "rule")
GROUNDS = ("background", "surface", "panel")
"""What text stands on."""
CONTRAST = 4.5
"""Contrast of text with its ground: WCAG's level AA."""
FAINT_CONTRAST = 3.0
"""The same of what only repeats, more faintly, what stands elsewhere."""
BLEND_STEPS = 20
TERMINALS = "ansi_"
"""With it the name of a colour of the terminal's own begins."""
ON_THE_TERMINALS = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "block-cursor-foreground": "ansi_bright_white",
    "block-cursor-background": "ansi_blue",
    "input-cursor-foreground": "ansi_bright_white",
    "input-cursor-background": "ansi_blue",
    "input-selection-foreground": "ansi_bright_white",
    "input-selection-background": "ansi_blue",
    "screen-selection-foreground": "ansi_bright_white",
    "screen-selection-background": "ansi_blue",
}
"""What Textual would blend of them, and cannot: white on blue can be read on any terminal's palette."""

LARGEST = 100_000
"""Bytes of a theme's file."""


@dataclass(frozen=True, slots=True)
class Themes:
    """What a directory of themes holds."""

    loaded: tuple[Theme, ...] = ()
    failed: tuple[str, ...] = ()
    """One line a bad file: its name and the cause."""


def load_themes(directories: Iterable[Path]) -> Themes:
    """Every `*.toml` in `directories`, by file name; a later theme of the same name wins."""
    loaded: dict[str, Theme] = {}
    failed: list[str] = []
    for path in (path for directory in directories for path in sorted(directory.glob("*.toml"))):
        try:
            theme = parse(tomllib.loads(read_bytes(path, most=LARGEST).decode()))
        except (OSError, ValueError, RecursionError) as error:
            failed.append(f"theme {path.name}: {getattr(error, 'strerror', None) or error}")
        else:
            loaded[theme.name] = theme
    return Themes(tuple(loaded.values()), tuple(failed))


def parse(data: dict[str, Any]) -> Theme:
    """A theme of one file. Keys: `name`, `dark`, the colours of `[colors]`, `[shades]` and `[state]`; all are needed.

    ValueError names the key and the cause.
    """
    name, dark = data.get("name"), data.get("dark", True)
    if not isinstance(name, str) or not name:
        raise ValueError("'name' is missing")
    if not isinstance(dark, bool):
        raise ValueError(f"'dark' is true or false, not {dark!r}")
    colours: dict[str, Any] = {**_section(data, "colors", _COLOURS)}
    variables = {f"state-{key}": value for key, value in _section(data, "state", _STATES).items()}
    variables |= _section(data, "shades", _SHADES)
    terminals = sum(value.startswith(TERMINALS) for value in (*colours.values(), *variables.values()))
    if not terminals:
        return Theme(name=name, dark=dark, variables=variables, **colours)
    if terminals < len(colours) + len(variables):
        raise ValueError(f"some colours are the terminal's own ({TERMINALS}…) and some are not: all of them, or none")
    return Theme(
        name=name, dark=dark, variables=ON_THE_TERMINALS | variables, **colours, boost="ansi_default", ansi=True
    )


def _section(data: dict[str, Any], section: str, keys: tuple[str, ...]) -> dict[str, str]:
    table = data.get(section)
    if not isinstance(table, dict):
        raise ValueError(f"[{section}] is missing")
    for key in table:
        if key not in keys:
            raise ValueError(f"[{section}] has no colour {key!r}; allowed: {', '.join(keys)}")
    for key in keys:
        if key not in table:
            raise ValueError(f"[{section}] lacks {key!r}")
        try:
            Color.parse(table[key])
        except (ColorParseError, TypeError, AttributeError) as error:
            raise ValueError(f"[{section}] {key} = {table[key]!r} is no colour") from error
    return dict(table)


def variable_defaults(theme: Theme) -> dict[str, str]:
    """The variables of ours for a theme that does not set them, from its own palette: Textual's themes work too.

    What is text is as far from the theme's grounds as WCAG asks; its colours are moved no further than that.
    """
    palette = theme.to_color_system().generate()
    grounds = [Color.parse(palette[ground]) for ground in GROUNDS]
    white_or_black = WHITE if theme.dark else BLACK

    def ink(name: str, fade: float = 0.0, least: float = CONTRAST) -> str:
        colour = Color.parse(palette[name])
        faded = colour.blend(grounds[0], fade) if colour.ansi is None else colour
        return readable(faded, grounds, white_or_black, least).hex

    text, good, warn, bad, calm = (ink(name) for name in ("foreground", "success", "warning", "error", "accent"))
    of_state = dict.fromkeys(_STATES, text) | {
        "working": good,
        "in-tool": calm,
        "done": good,
        "waiting": warn,
        "retrying": warn,
        "limited": warn,
        "silent": bad,
        "failed": bad,
        "killed": bad,
        "orphaned": bad,
        "unreadable": bad,
    }
    inks = {"ink": text, "ink-accent": calm, "ink-warning": warn, "ink-error": bad}
    shades = {
        "muted": ink("foreground", 0.25),
        "faint": ink("foreground", 0.45, FAINT_CONTRAST),
        "rule": palette["panel"],
    }
    marks = {"selected-style": "reverse" if theme.ansi else "none"}
    return {f"state-{key}": value for key, value in of_state.items()} | inks | shades | marks


def readable(colour: Color, grounds: Iterable[Color], end: Color, least: float) -> Color:
    """`colour`, or the first step from it towards `end` that has a contrast of `least` with each of the `grounds`. A
    colour of the terminal's own palette stays: what it looks like is not known here."""
    over = [ground for ground in grounds if ground.ansi is None and not ground.is_transparent]
    if colour.ansi is not None:
        return colour
    steps = (colour.blend(end, step / BLEND_STEPS) for step in range(BLEND_STEPS))
    return next((step for step in steps if all(contrast(step, ground) >= least for ground in over)), end)


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
