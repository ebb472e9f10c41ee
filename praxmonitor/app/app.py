"""The App: what a console looks like. Its first screen, an agent's screen, the palette, the colours. Nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from mailcore.config import Config
from mailcore.workspace.find import Workspace
from praxmonitor.app.console import Console
from praxmonitor.sound import Speaker
from praxmonitor.themes import load
from praxmonitor.views.fleet import FleetScreen

if TYPE_CHECKING:
    from textual.command import Provider

    from praxmonitor.feed.base import Feed
    from praxmonitor.feed.playback import Playback


def _palette() -> type[Provider]:
    from praxmonitor.app.palette import Commands

    return Commands


def _load_screens() -> None:
    for name in ("compose", "confirm", "kill_all", "waiting_starts", "help", "notices"):
        import_module(f"praxmonitor.dialogs.{name}")
    import_module("praxmonitor.views.agent")


class PraxApp(Console, inherit_bindings=False):
    """The screen of one workspace."""

    # Textual's Ctrl+Q would leave from within a form and lose what is written; ours is in the table of actions.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "help_quit", show=False, system=True)]

    TITLE = "PraxMonitor"
    COMMANDS: ClassVar = {_palette}
    NOTIFICATION_TIMEOUT = 6
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    # One notification, the newest, over the footer: there it covers no agent and no dialog. Key L lists them all.
    CSS = """
    CommandPalette > Vertical { width: 90; max-width: 100%; background: $surface; }
    CommandPalette SearchIcon { display: none; }
    ToastRack { margin-bottom: 0; scrollbar-size-vertical: 0; }
    ToastHolder { display: none; }
    ToastHolder:last-child { display: block; }
    Toast { width: 100%; max-width: 100%; max-height: 3; margin-top: 0; padding: 0 1; background: $panel; }
    ModalScreen Toast { max-height: 1; }
    """

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        feed: Feed,
        speaker: Speaker,
        *,
        clock: Callable[[], float] = time.time,
        available: load.Themes | None = None,
        theme: str = load.DEFAULT,
        playback: Playback | None = None,
        live: bool = False,
    ) -> None:
        """As `Console`. `theme` must be one of `available` or of Textual's own."""
        # Exported, these are as old as the shell. The terminal knows how large it is; rich and Textual ask once each.
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
        super().__init__(workspace, config, feed, speaker, clock=clock, playback=playback, live=live)
        self._themes = available or load.Themes()
        for loaded in self._themes.loaded:
            self.register_theme(loaded)
        self.theme = theme if theme in self.available_themes else "textual-dark"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the observing itself, and the themes that could not be read."""
        return (*super().notes, *self._themes.failed)

    def get_default_screen(self) -> Screen[None]:
        """The fleet."""
        return FleetScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables for themes that do not set them."""
        theme: Theme | None = self.get_theme(self.theme)
        return load.variable_defaults(theme) if theme is not None else {}

    def show_agent(self, address: str) -> None:
        """One agent, full screen."""
        from praxmonitor.views.agent import AgentScreen

        self.push_screen(AgentScreen(address))

    def pop_screen(self) -> AwaitComplete:
        """As Textual's, and nothing of the screens that were left stays in memory."""
        from textual._styles_cache import StylesCache

        # Textual 8.2.8 keeps 1,024 of its widgets' line caches alive by this one: 0.4 MB for each opening of the help.
        StylesCache.get_inner_outer.cache_clear()
        # And who watches a value of the app until that changes next, which some never do.
        for watchers in getattr(self, "__watchers", {}).values():
            watchers[:] = [watcher for watcher in watchers if watcher[0].is_running]
        return super().pop_screen()

    def on_mount(self) -> None:
        """Once it is painted, make ready what is not needed for that."""
        # After `fg` the terminal is empty, and Textual paints only what has changed.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(self._settle_in)

    def _settle_in(self) -> None:
        """After the first paint: open the sound device, load the dialogs so that their first key opens them at once."""
        self._speaker.start()
        self.run_worker(_load_screens, thread=True)

    def action_help_quit(self) -> None:
        """Ctrl+C: how to leave."""
        self.notify(f"q leaves; {'the demo ends' if self.ends_agents else 'agents go on'}", markup=False)
