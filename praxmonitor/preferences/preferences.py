"""What the operator chose, as a frozen value."""

from __future__ import annotations

import msgspec


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """Each field has the value that holds where nothing was chosen yet."""

    theme: str = ""
    """Name of the theme; empty: the one that ships first."""
    motion: bool = True
    """Cursors blink, and what is scrolled glides."""
    attention_first: bool = False
    """Agents that need attention stand first; else the registry's order."""
    agent_section: str = ""
    """The section of the view of one agent that was chosen last; empty: its story."""
