"""The colours that a program wrote into its output, as roles of spans: `sgr:red:`, `sgr::#002244 strong`."""

from __future__ import annotations

from mailcore.text.ansi import PLAIN_STYLE, AnsiStyle, ansi_spans
from praxmonitor.text.lines import Line, plain

COLOUR = "sgr:"
"""With it a role begins that is colours: of the text, a colon, and of the ground; either may be empty."""
_MARKS = ("strong", "emphasis", "underlined", "struck")


def colour_spans(text: str) -> Line:
    """A line of a log, harmless; each part with the roles of its own colours, empty for none."""
    return tuple((plain(part), _roles(style)) for part, style in ansi_spans(text))


def _roles(style: AnsiStyle) -> str:
    if style == PLAIN_STYLE:
        return ""
    said = (style.bold, style.italic, style.underline, style.strike)
    roles = [role for role, holds in zip(_MARKS, said, strict=True) if holds]
    ink, ground = style.foreground, style.background
    if style.reverse:
        ink, ground = ground, ink
        if not (ink or ground):
            roles.append("reversed")
    if ink or ground:
        roles.append(f"{COLOUR}{ink}:{ground}")
    elif style.dim:
        roles.append("muted")
    if style.mark:
        roles.append("accent")
    return " ".join(roles)
