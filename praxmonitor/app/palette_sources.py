"""Where the commands of the palette come from: each source lists its own, by the app and the view in front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from textual.theme import BUILTIN_THEMES
from textual.types import IgnoreReturnCallbackType

from mailcore.model.agent import OPERATOR
from praxmonitor.actions.action import Action
from praxmonitor.actions.app_parts import Ways
from praxmonitor.actions.context import Context, View
from praxmonitor.actions.keymap import Keymap
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.scope import ACT, AGENT, ALARMS, ERRORS, FLEET, LOGS, MAIL, MAILBOX, REPLAY, STREAM
from praxmonitor.actions.sounds import MUTE_PERIODS
from praxmonitor.actions.table import ACTIONS
from praxmonitor.actions.views import ViewName
from praxmonitor.sound.kinds import SOUND_KINDS
from praxmonitor.sound.mutes import FOREVER, Mutes
from praxmonitor.state.agent_details import Section
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.hosts import away_since_words
from praxmonitor.text.lines import plain

PLACES = {
    FLEET: ViewName.FLEET,
    AGENT: ViewName.AGENT,
    MAIL: ViewName.MAIL,
    MAILBOX: ViewName.MAIL,
    STREAM: ViewName.STREAM,
    ALARMS: ViewName.ALARMS,
    LOGS: ViewName.LOGS,
    ERRORS: ViewName.ERRORS,
}
"""The view that offers what no other does."""
QUIET = "silence quiet unmute sound sounds audio noise"


class Colours(Protocol):
    """What the screen looks like."""

    def choose_theme(self, name: str) -> None:
        """These colours from now on, and when the screen is opened again."""

    still: bool
    """Nothing blinks or glides."""

    def move(self, wanted: bool) -> None:
        """Let things blink and glide, or not."""


class Muting(Protocol):
    """What is heard."""

    @property
    def mutes(self) -> Mutes:
        """What the operator does not want to hear."""

    def mute_for(self, seconds: float) -> None:
        """All sound off for so long from now."""

    def mute_agent(self, address: str, seconds: float) -> None:
        """This agent's sounds off for so long from now; 0: on again."""

    def mute_kind(self, kind: str, seconds: float) -> None:
        """The sounds of one of `SOUND_KINDS` off for so long from now; 0: on again."""


@runtime_checkable
class Offering(Protocol):
    """The app, by what the palette offers of it."""

    snapshot: Snapshot
    keymap: Keymap

    @property
    def opened(self) -> OpenWorkspace:
        """The workspace that is shown."""

    @property
    def sound(self) -> Muting:
        """What is heard."""

    @property
    def appearance(self) -> Colours:
        """What it looks like."""

    @property
    def available_themes(self) -> Mapping[str, object]:
        """By name."""

    def context(self, view: View) -> Context[Any]:
        """What a handler is given that acts on this view."""

    @property
    def navigation(self) -> Ways:
        """The way to every view."""

    def action_do(self, action_id: str) -> None:
        """Run one action of the table on the view in front, or say why it cannot be run."""

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any) -> bool:
        """Do this once the view in front is drawn."""


class Command(NamedTuple):
    """What can be asked for."""

    name: str
    help: str
    run: IgnoreReturnCallbackType
    words: str = ""
    """Other words that it is found by."""
    key: str = ""
    """The key that does the same; empty if none does."""
    where: str = ""
    """The view that it is done in, where that is not in front."""

    @property
    def title(self) -> str:
        """Its name as it is listed: `search, in mail`."""
        return f"{self.name}, in {self.where}" if self.where else self.name


Source: TypeAlias = Callable[[Offering, View], Iterator[Command]]


def actions(app: Offering, view: View) -> Iterator[Command]:
    """Those of the table that the view offers."""
    now = app.context(view).situation
    for action in ACTIONS:
        if action.words and action.scope in view.SCOPES and (now.played or action.scope is not REPLAY):
            label = action.label_of(now)
            name = f"{label} {plain(view.selected)}" if action.scope is ACT and view.selected else label
            run = partial(_do, action, app, view)
            yield Command(name, action.help, run, f"{action.label} {action.words}", app.keymap.first(action.id))


def _do(action: Action, app: Offering, view: View) -> None:
    action.do(app.context(view))


def from_other_views(app: Offering, view: View) -> Iterator[Command]:
    """Those that only another view offers: that one is brought to the front, then it is done."""
    for action in ACTIONS:
        place = PLACES.get(action.scope)
        if place is not None and action.words and action.scope not in view.SCOPES:
            run = partial(_do_elsewhere, action, place, app, view)
            words = f"{action.label} {action.words} {place}"
            yield Command(action.label, action.help, run, words, app.keymap.first(action.id), place)


def _do_elsewhere(action: Action, place: ViewName, app: Offering, view: View) -> None:
    if action.section:
        app.navigation.show_section(view.selected, Section(action.section))
    else:
        app.navigation.show_view(place)
    app.call_after_refresh(app.action_do, action.id)


def agents(app: Offering, _: View) -> Iterator[Command]:
    """Each agent, to be opened."""
    for each in app.snapshot.fleet.agents:
        look, show = LOOKS[app.snapshot.status(each.address).state], partial(app.navigation.show_agent, each.address)
        yield Command(f"open {plain(each.address)}", f"{look.glyph} {look.word}", show, "agent show go")


def hosts(app: Offering, _: View) -> Iterator[Command]:
    """Each other host of the link: its agents alone."""
    snapshot = app.snapshot
    for host in snapshot.fleet.hosts:
        away = snapshot.away.get(host.name)
        said = "there" if away is None else away_since_words(away, snapshot.now)
        run = partial(app.navigation.show_host, host.name)
        yield Command(f"agents of {plain(host.name)}", said, run, "host machine remote filter show only")


def mutes(app: Offering, view: View) -> Iterator[Command]:
    """All sound, an agent's or a kind's, off for a while; what is muted is heard again."""
    now, held = app.opened.clock(), app.sound.mutes
    for said, seconds in MUTE_PERIODS:
        run = partial(app.sound.mute_for, seconds)
        yield Command(f"mute {said}", "all sound", run, f"all away break {QUIET}")
    for each in app.snapshot.fleet.agents:
        address, name = each.address, plain(each.address)
        if held.agent(address, now):
            yield Command(f"hear {name}", "its sounds again", partial(app.sound.mute_agent, address, 0.0), QUIET)
            continue
        for said, seconds in (("", FOREVER), *(MUTE_PERIODS if address == view.selected != OPERATOR else ())):
            run = partial(app.sound.mute_agent, address, seconds)
            yield Command(f"mute {name}{said and f' {said}'}", "its sounds alone", run, f"one agent {QUIET}")
    for kind, group in SOUND_KINDS.items():
        if held.kind(kind, now):
            yield Command(f"hear {kind}", f"{group.help}, again", partial(app.sound.mute_kind, kind, 0.0), QUIET)
            continue
        for period, seconds in MUTE_PERIODS:
            run = partial(app.sound.mute_kind, kind, seconds)
            yield Command(f"mute {kind} {period}", f"sounds: {group.help}", run, f"kind {QUIET}")


def themes(app: Offering, _: View) -> Iterator[Command]:
    """Each theme there is, ours and the operator's before Textual's."""
    for name in sorted(app.available_themes, key=lambda name: (name in BUILTIN_THEMES, name)):
        change = partial(app.appearance.choose_theme, name)
        yield Command(f"theme {plain(name)}", "change the colours", change, "colours colors dark light contrast")


def motion(app: Offering, _: View) -> Iterator[Command]:
    """Whether anything blinks or glides."""
    still = app.appearance.still
    said = "cursors blink, what is scrolled glides" if still else "nothing blinks or glides"
    run = partial(app.appearance.move, still)
    yield Command(
        f"motion {'on' if still else 'off'}", said, run, "animation animations blink cursor reduce reduced smooth"
    )


SOURCES: tuple[Source, ...] = (actions, from_other_views, agents, hosts, mutes, motion, themes)
"""In the order in which the palette lists them before anything is typed."""
