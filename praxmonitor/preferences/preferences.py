"""What the operator chose, as a frozen value."""

from __future__ import annotations

import msgspec

from praxmonitor.preferences.arrangement import Arrangement


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """Each field has the value that holds where nothing was chosen yet."""

    theme: str = ""
    """Name of the theme; empty: the one that ships first."""
    motion: bool = True
    """Cursors blink, and what is scrolled glides."""
    fleet: Arrangement = Arrangement()
    """How the agents are listed."""
