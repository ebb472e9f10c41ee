"""How a role of a span is drawn in a theme.

Not a rule of the stylesheet for each: Textual would work out every role anew for every list, at each change of a class.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color

from praxmonitor.text.agents import LOOKS
from praxmonitor.text.ansi_roles import COLOUR
from praxmonitor.widgets.written_colours import written_style

COLOURS = {
    "muted": "muted",
    "faint": "faint",
    "accent": "ink-accent",
    "warn": "ink-warning",
    "error": "ink-error",
    **{look.role: look.role for look in LOOKS.values()},
}
"""Role → the theme's variable that its text has as colour."""
GROUND_VARIABLES = {"card": "surface", "selected": "panel"}
"""Role → the theme's variable that it has as background."""
MARKS = {
    "strong": "bold", "emphasis": "italic", "underlined": "underline", "struck": "strike", "reversed": "reverse",
    "hit": "bold reverse",
}  # fmt: skip
"""Role → what else it looks like, in each theme."""


def role_style(role: str, variables: Mapping[str, str], *, no_color: bool) -> Style:
    """What the role adds, by the theme's variables. KeyError if there is no such role."""
    if role.startswith(COLOUR):
        return Style() if no_color else written_style(role, variables)
    if role in COLOURS:
        return Style(color=_colour(variables[COLOURS[role]]))
    if role not in GROUND_VARIABLES:
        return Style.parse(MARKS[role])
    ground = Style(bgcolor=_colour(variables[GROUND_VARIABLES[role]]))
    if role != "selected":
        return ground
    return ground + Style.parse("reverse" if no_color else variables["selected-style"])


def _colour(text: str) -> RichColor | None:
    """A theme's colour; None where what lies below is seen through it."""
    colour = Color.parse(text)
    return None if colour.is_transparent else colour.rich_color
