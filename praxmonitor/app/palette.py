"""The command palette: every action of the table, every agent, every theme, by name or by other words for it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from praxmonitor.actions.context import View
from praxmonitor.app.palette_rank import ranked
from praxmonitor.app.palette_sources import SOURCES, Command, Offering


class Commands(Provider):
    """What can be asked for, by name."""

    async def discover(self) -> Hits:
        """Everything but the themes, actions first."""
        for command in self._all():
            if not command.name.startswith("theme "):
                yield DiscoveryHit(escape(command.title), command.run, command.title, _said(command))

    async def search(self, query: str) -> Hits:
        """All that match, best first: by label, then by other words."""
        rows = ((command, command.title, command.words, command.help) for command in self._all())
        for score, command in ranked(query, rows):
            yield Hit(score, self._highlighted(command.title, query), command.run, command.title, _said(command))

    def _highlighted(self, name: str, query: str) -> Content:
        """The name, with each word of the query that it holds told apart."""
        shown = Content(name)
        if self.match_style is not None:
            for part in query.casefold().split():
                if (start := name.casefold().find(part)) >= 0:
                    shown = shown.stylize(self.match_style, start, start + len(part))
        return shown

    def _all(self) -> Iterator[Command]:
        view, app = self.screen, self.app
        if isinstance(view, View) and isinstance(app, Offering):
            for source in SOURCES:
                yield from source(app, view)


def _said(command: Command) -> str:
    """Its key and its help; neither is markup."""
    return escape(f"{command.key} · {command.help}" if command.key else command.help)
