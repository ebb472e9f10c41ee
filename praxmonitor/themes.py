"""TOML → Textual themes, with a colour for every state. A bad file is listed, never fatal."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from praxmonitor.present import LOOKS

DEFAULT = "prax-dark"
_COLOURS = (
    *("primary", "secondary", "accent", "warning", "error", "success"),
    *("foreground", "background", "surface", "panel"),
)
_STATES = tuple(look.role.removeprefix("state-") for look in LOOKS.values())
_SHADES = ("muted", "faint", "rule")


@dataclass(frozen=True, slots=True)
class Themes:
    """What a directory of themes holds."""

    loaded: tuple[Theme, ...] = ()
    failed: tuple[str, ...] = ()
    """One line a bad file: its name and the cause."""


def load(directories: Iterable[Path]) -> Themes:
    """Every `*.toml` in `directories`, by file name; a later theme of the same name wins."""
    loaded: dict[str, Theme] = {}
    failed: list[str] = []
    for path in (path for directory in directories for path in sorted(directory.glob("*.toml"))):
        try:
            theme = parse(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            failed.append(f"theme {path.name}: {error}")
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
    return Theme(name=name, dark=dark, variables={**variables, **_section(data, "shades", _SHADES)}, **colours)


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


def defaults(theme: Theme) -> dict[str, str]:
    """The variables of ours for a theme that does not set them, from its own palette: Textual's themes work too."""
    good, warn, bad = theme.success or theme.primary, theme.warning or theme.primary, theme.error or theme.primary
    calm, text = theme.accent or theme.primary, theme.foreground or ("#e0e0e0" if theme.dark else "#202020")
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
    shades = {"muted": text, "faint": text, "rule": theme.panel or text}
    return {f"state-{key}": value for key, value in of_state.items()} | shades
