"""How a screen is opened. Beside `arguments`, as it needs no argparse."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """How a screen is opened."""

    theme: str = ""
    """Its name; empty: the one that was chosen last."""
    muted: bool = False
    ascii: bool = False
    """Every sign in ASCII, also where the terminal has UTF-8."""
    still: bool = False
    """Nothing blinks or glides."""
    read_only: bool = False
    """Nothing can be asked for that changes anything, and nothing is written."""
