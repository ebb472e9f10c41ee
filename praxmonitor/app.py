"""The App: it holds the moment, follows the feed, lets the clock tick, plays what changed. Nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import var
from textual.screen import Screen
from textual.theme import Theme

from mailcore.config import Config
from mailcore.errors import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.workspace import Workspace, load
from praxmonitor import themes
from praxmonitor.cues import URGENT, cues
from praxmonitor.moment import EMPTY, Moment, following
from praxmonitor.screens.fleet import FleetScreen
from praxmonitor.sound import Sound
from praxmonitor.widgets.header import Hearing

if TYPE_CHECKING:
    from textual.command import Provider

    from praxmonitor.feed import Feed

TICK = 0.5
"""Seconds between two looks at the clock: a state that time alone changes is shown, and heard, within 1 s."""


class Speaker(Protocol):
    """What plays sounds: `praxmonitor.sound.player.Player`, or a test's list."""

    muted: bool
    backend: str
    reason: str

    def start(self) -> None:
        """Open the device, without waiting for it."""

    def play(self, sound: Sound, volume: float = 1.0) -> bool:
        """False if no device took it."""
        ...

    def close(self) -> None:
        """Let go of the device."""


def _palette() -> type[Provider]:
    from praxmonitor.palette import Commands

    return Commands


def _load_screens() -> None:
    for name in ("compose", "confirm", "kill_all", "help", "agent"):
        import_module(f"praxmonitor.screens.{name}")


class PraxApp(App[None], inherit_bindings=False):
    """The screen of one workspace."""

    # Textual's Ctrl+Q would leave from within a form and lose what is written; ours is in the table of actions.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "help_quit", show=False, system=True)]

    TITLE = "PraxMonitor"
    COMMANDS: ClassVar = {_palette}
    NOTIFICATION_TIMEOUT = 6
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    CSS = """
    CommandPalette > Vertical { width: 90; max-width: 100%; background: $surface; }
    CommandPalette SearchIcon { display: none; }
    Toast { background: $panel; }
    ToastRack { margin-bottom: 1; }
    """

    moment: var[Moment] = var(EMPTY)
    """What every screen draws."""
    hearing: var[Hearing] = var(Hearing())
    """Whether sound can be heard."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        feed: Feed,
        speaker: Speaker,
        *,
        clock: Callable[[], float] = time.time,
        available: themes.Themes | None = None,
        theme: str = themes.DEFAULT,
    ) -> None:
        """`clock` gives seconds since the epoch. `theme` must be one of `available` or of Textual's own."""
        super().__init__()
        self.workspace = workspace
        self.config = config
        self.clock = clock
        self._feed = feed
        self._speaker = speaker
        self._opened = clock()
        self._noted = 0.0
        self._themes = available or themes.Themes()
        for loaded in self._themes.loaded:
            self.register_theme(loaded)
        self.theme = theme if theme in self.available_themes else "textual-dark"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the observing itself: the header says it in red."""
        return (*self.moment.fleet.notes, *self._themes.failed)

    def get_default_screen(self) -> Screen[None]:
        """The fleet."""
        return FleetScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables for themes that do not set them."""
        theme: Theme | None = self.get_theme(self.theme)
        return themes.defaults(theme) if theme is not None else {}

    def on_mount(self) -> None:
        """Follow the files from now on."""
        self.run_worker(self._follow(), group="feed")
        self.set_interval(TICK, self._tick)
        self._listen()
        # After `fg` the terminal is empty, and Textual paints only what has changed.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(self._settle_in)

    def _settle_in(self) -> None:
        """After the first paint: open the sound device, load the dialogs so that their first key opens them at once."""
        self._speaker.start()
        self.run_worker(_load_screens, thread=True)

    def on_unmount(self) -> None:
        """Let go of the sound device; agents and runs go on."""
        self._speaker.close()

    def mute(self) -> None:
        """All sound off, or on again."""
        self._speaker.muted = not self._speaker.muted
        self._listen()

    def action_help_quit(self) -> None:
        """Ctrl+C: how to leave."""
        self.notify("q leaves; agents go on", markup=False)

    def note_presence(self) -> None:
        """The operator acted: agents see that somebody is at the screen. For worker threads, at most once in
        `KEY_PERIOD`. Only after an act that wrote something anyway: looking writes nothing."""
        from mailcore.presence import KEY_PERIOD, key_pressed

        now = self.clock()
        if now - self._noted >= KEY_PERIOD:
            self._noted = now
            with suppress(OSError):
                key_pressed(self.workspace)

    async def _follow(self) -> None:
        async for fleet in self._feed.fleets():
            self._show(fleet)

    def _tick(self) -> None:
        self._listen()
        if self.moment is not EMPTY:
            self._show(self.moment.fleet)

    def _show(self, fleet: Fleet) -> None:
        old = self.moment
        self.moment = following(old, fleet, self.clock(), self.config.alarms.silence)
        if old is EMPTY or self.moment is old:
            return
        if [facts.agent for facts in fleet.agents] != [facts.agent for facts in old.fleet.agents]:
            with suppress(MailcoreError):  # the feed says in its notes what is wrong with the registry
                self.workspace = load(self.workspace.registry)
        for sound in cues(old, self.moment, self._opened):
            heard = self._speaker.play(sound, self.config.sound.volume)
            if not heard and sound in URGENT:
                self.bell()

    def _listen(self) -> None:
        speaker = self._speaker
        backend = speaker.backend if speaker.backend not in ("starting", "none") else ""
        self.hearing = Hearing(backend, speaker.muted, speaker.reason)
