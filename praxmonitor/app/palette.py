"""The command palette: every action of the table, every agent, every theme."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from praxmonitor.actions.table import ACT, ACTIONS, EVERYWHERE, label
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import plain
from praxmonitor.views.operating import Operating

_HIDDEN = ("up", "down", "left", "right", "first", "last", "page_up", "page_down", "panel", "back", "palette")
"""Keys that only move: nobody looks for them by name."""


class Commands(Provider):
    """What can be asked for, by name."""

    async def discover(self) -> Hits:
        """Everything but the themes."""
        for name, help_text, run in self._all():
            if not name.startswith("theme "):
                yield DiscoveryHit(name, run, name, help_text)

    async def search(self, query: str) -> Hits:
        """What matches, best first."""
        matcher = self.matcher(query)
        for name, help_text, run in self._all():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, name, help_text)

    def _all(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        screen = self.screen
        if isinstance(screen, CommandPalette) or not isinstance(screen, Operating):
            return
        facts = screen.prax.snapshot.fleet.find(screen.selected)
        for action in ACTIONS:
            if action.id not in _HIDDEN and action.scope in (ACT, EVERYWHERE, *screen.SCOPES):
                where = f" {screen.selected}" if action.scope == ACT and screen.selected else ""
                said = f"{action.help}  ({action.keys[0]})"
                yield f"{label(action, facts)}{where}", said, partial(screen.action_do, action.id)
        for each in screen.prax.snapshot.fleet.agents:
            look = LOOKS[screen.prax.snapshot.status(each.address).state]
            yield f"open {plain(each.address)}", f"{look.glyph} {look.word}", partial(screen.show_agent, each.address)
            heard = "hear" if screen.prax.mutes.agent(each.address, screen.prax.clock()) else "mute"
            yield f"{heard} {plain(each.address)}", "its sounds alone", partial(screen.prax.mute_agent, each.address)
        for minutes in (10, 30, 120):
            yield f"mute for {minutes} minutes", "all sound", partial(screen.prax.mute_for, 60.0 * minutes)
        for name in sorted(screen.app.available_themes):
            yield f"theme {name}", "change the colours", partial(setattr, screen.app, "theme", name)
