"""The command palette: every action of the table, every agent, every theme, by name or by other words for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from rich.markup import escape
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from praxmonitor.actions.action import Action
from praxmonitor.actions.context import Context, View
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.scope import ACT, REPLAY
from praxmonitor.actions.table import ACTIONS
from praxmonitor.sound.mutes import Mutes
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import plain

WORD = 2.5
"""What a letter of a found word counts: less than one in a label that holds what is looked for, and more than letters
that are scattered over a label."""


class Muting(Protocol):
    """What is heard."""

    @property
    def mutes(self) -> Mutes:
        """What the operator does not want to hear."""

    def mute_for(self, seconds: float) -> None:
        """All sound off for so long from now."""

    def mute_agent(self, address: str) -> None:
        """This agent's sounds off, or on again."""


class Offering(Protocol):
    """The app, by what the palette offers of it."""

    snapshot: Snapshot
    theme: str

    @property
    def opened(self) -> OpenWorkspace:
        """The workspace that is shown."""

    @property
    def sound(self) -> Muting:
        """What is heard."""

    @property
    def available_themes(self) -> Mapping[str, object]:
        """By name."""

    def context(self, view: View) -> Context[Any]:
        """What a handler is given that acts on this view."""

    def show_agent(self, address: str) -> None:
        """One agent, full screen."""


class Command(NamedTuple):
    """What can be asked for."""

    name: str
    help: str
    run: IgnoreReturnCallbackType
    words: str = ""
    """Other words that it is found by."""


class Commands(Provider):
    """What can be asked for, by name."""

    async def discover(self) -> Hits:
        """Everything but the themes."""
        for name, said, run, _ in self._all():
            if not name.startswith("theme "):
                yield DiscoveryHit(escape(name), run, name, escape(said))

    async def search(self, query: str) -> Hits:
        """All that match, best first: by label, then by other words."""
        matcher = self.matcher(query)
        for name, said, run, words in self._all():
            score = matcher.match(name)
            if _found(query, words):
                score = max(score, WORD * len(query))
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, name, escape(said))

    def _all(self) -> Iterator[Command]:
        view = self.screen
        if not isinstance(view, View):
            return
        app = cast("Offering", self.app)
        yield from _actions(app, view)
        for each in app.snapshot.fleet.agents:
            look, show = LOOKS[app.snapshot.status(each.address).state], partial(app.show_agent, each.address)
            yield Command(f"open {plain(each.address)}", f"{look.glyph} {look.word}", show)
            heard = "hear" if app.sound.mutes.agent(each.address, app.opened.clock()) else "mute"
            mute = partial(app.sound.mute_agent, each.address)
            yield Command(f"{heard} {plain(each.address)}", "its sounds alone", mute, "silence quiet unmute")
        for minutes in (10, 30, 120):
            mute = partial(app.sound.mute_for, 60.0 * minutes)
            yield Command(f"mute for {minutes} minutes", "all sound", mute, "silence quiet away break")
        for name in sorted(app.available_themes):
            change = partial(setattr, app, "theme", name)
            yield Command(f"theme {name}", "change the colours", change, "colours colors dark light")


def _actions(app: Offering, view: View) -> Iterator[Command]:
    now = app.context(view).situation
    for action in ACTIONS:
        if action.words and action.scope in view.SCOPES and (now.played or action.scope is not REPLAY):
            label = action.label_of(now)
            name = f"{label} {plain(view.selected)}" if action.scope is ACT and view.selected else label
            run = partial(_do, action, app, view)
            yield Command(
                name,
                f"{action.help}  ({action.keys[0]})" if action.keys else action.help,
                run,
                f"{action.label} {action.words}",
            )


def _do(action: Action, app: Offering, view: View) -> None:
    action.do(app.context(view))


def _found(query: str, words: str) -> bool:
    """Whether each word of `query` begins one of `words`."""
    return all(any(word.startswith(part) for word in words.split()) for part in query.casefold().split())
