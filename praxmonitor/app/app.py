"""The App: what it holds, shows and is made of. Its first view, an agent's view, the palette, the colours."""

from __future__ import annotations

import gc
import os
import threading
from collections import deque
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from rich.text import Text
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Event, Key, MouseDown
from textual.notifications import SeverityLevel
from textual.reactive import var
from textual.screen import Screen
from textual.theme import Theme

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.text.units import duration
from praxmonitor.actions.context import Context, View
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.table import ACTIONS, BY_ID, SCOPES, is_elected
from praxmonitor.actions.views import ViewName
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.app.alarms import Alarms
from praxmonitor.app.follower import Follower
from praxmonitor.app.navigation import Navigation
from praxmonitor.app.sound import Sound
from praxmonitor.app.terminal import Terminal
from praxmonitor.app.terminal_exit import continue_once, leave_when_told, terminal_output
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.preferences.store import save_preferences
from praxmonitor.sound import Speaker
from praxmonitor.state.attendance import Attendance
from praxmonitor.state.needs import NeedWalk
from praxmonitor.state.notices import Notice
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.lines import plain
from praxmonitor.themes import load
from praxmonitor.widgets.footer import Keys

if TYPE_CHECKING:
    from textual.command import Provider

    from praxmonitor.feed.base import Feed

TICK = 0.5
"""Seconds between two looks at the clock: a state that time alone changes is shown, and heard, within 1 s."""
GONE = 0.5
"""Seconds after its time in which a notice is taken off the screen, on a busy machine too."""
MOST_NOTICES = 500


def _palette() -> type[Provider]:
    from praxmonitor.app.palette import Commands

    return Commands


GC_THRESHOLDS = (700, 10, 10)
"""Python's own, which its start-up raises."""


def _load_screens() -> None:
    for name in ("compose", "confirm", "kill_all", "choose", "help", "notices"):
        import_module(f"praxmonitor.dialogs.{name}")
    for name in ("mail", "stream", "alarms"):
        import_module(f"praxmonitor.views.{name}")


def _load_and_freeze() -> None:
    """Load the dialogs; from then on garbage is looked for among what is made later.

    With all that was imported a full look took 23 ms, in which no key was answered.
    """
    _load_screens()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


class PraxApp(App[None], inherit_bindings=False):
    """The screen of one workspace."""

    snapshot: var[Snapshot] = var(EMPTY)
    """What every view draws."""
    standing: var[tuple[Episode, ...]] = var(())
    """Every alarm that stands, answered or not."""
    sound_status: var[SoundStatus] = var(SoundStatus())
    """Whether sound can be heard."""
    playing: var[str] = var("")
    """How a recording is played; empty if none is."""
    preferences: var[Preferences] = var(Preferences())
    """What the operator chose on the screen."""
    stopped: var[str] = var("")
    """Why the watching stopped; empty while it goes on."""

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
        opened: OpenWorkspace,
        feed: Feed,
        speaker: Speaker,
        themes: load.Themes | None = None,
        preferences: Preferences | None = None,
    ) -> None:
        """`feed` is where the fleets of `opened` come from. The theme that is preferred must be one of `themes` or of
        Textual's own."""
        # Exported, these are as old as the shell. The terminal knows how large it is; rich and Textual ask once each.
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
        super().__init__()
        self.opened = opened
        self.navigation = Navigation(self)
        self.preferences_trouble = ""
        """Why what the operator had chosen is not known; empty if it is."""
        self.set_reactive(PraxApp.preferences, preferences or Preferences())
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        """What was said here, oldest first: a notification is gone in seconds, its words are not."""
        self.walk, self.attendance = NeedWalk(), Attendance(opened.clock())
        self.terminal = Terminal(self)
        self.gone = threading.Event()
        """Set by who runs it, once it has left."""
        self._incomplete = False
        """It was said that something of the recording is left out."""
        self.sound = Sound(speaker, opened, self.terminal.bell, self._muted)
        notifier = Notifier(
            opened.config, opened.workspace.root, period=TICK, clock=opened.clock, live=opened.live,
            what="screen" if opened.live else "",
            probe=ReachProbe(speaker, terminal=True, output=terminal_output(), clock=opened.clock),
            write=self.terminal.write, on_error=self._alarm_trouble, on_config=self._adopt,
        )  # fmt: skip
        self.alarms = Alarms(notifier, self.sound, self)
        self.follower = Follower(feed, self.alarms, self.sound, self)
        self.show_playback()
        self._themes = themes or load.Themes()
        for loaded in self._themes.loaded:
            self.register_theme(loaded)
        theme = self.preferences.theme or load.DEFAULT
        self.theme = theme if theme in self.available_themes else "textual-dark"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the observing itself, and the themes that could not be read: the header says it in red."""
        opened, notifier = self.opened, self.alarms.notifier
        troubles = (self.stopped, opened.withheld, opened.trouble(), self.preferences_trouble, notifier.trouble)
        here = (*troubles, *notifier.missing_guards)
        return (*filter(None, here), *self.snapshot.fleet.notes, *self._themes.failed)

    def get_default_screen(self) -> Screen[None]:
        """The fleet."""
        return self.navigation.view(ViewName.FLEET)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables for themes that do not set them."""
        theme: Theme | None = self.get_theme(self.theme)
        return load.variable_defaults(theme) if theme is not None else {}

    def on_mount(self) -> None:
        """Follow the files from now on. Once it is painted, make ready what is not needed for that."""
        # After `fg` the terminal is empty, and Textual paints only what has changed.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(self._settle_in)
        if not self.is_headless:
            leave_when_told(self, self.gone)
            continue_once(self)
        self.alarms.notifier.on_due = self.follower.look_again
        self.run_worker(self.follower.follow(self._feed_stopped, self._feed_over), group="feed")
        self.run_worker(self.alarms.notifier.watch(), group="alarms")
        self.set_interval(TICK, self._tick)
        self._listen()

    def _settle_in(self) -> None:
        """After the first paint: open the sound device, load the dialogs so that their first key opens them at once."""
        self.sound.speaker.start()
        self.run_worker(_load_screens if self.is_headless else _load_and_freeze, thread=True)

    def on_unmount(self) -> None:
        """Let go of the sound device and the duty; agents and runs go on."""
        self.alarms.notifier.close()
        self.sound.speaker.close()

    def _feed_over(self, why: MailcoreError | None) -> None:
        if why is not None:
            self.exit(return_code=why.exit_status, message=Text(f"praxmonitor: {plain(str(why))}"))
        elif (playback := self.opened.playback) is not None:
            self.show_playback()
            self.notify(f"the recording is over{f'; {playback.left_out}' if playback.left_out else ''}")

    def _feed_stopped(self, why: str) -> None:
        self.stopped = self.alarms.notifier.stopped = why

    def _tick(self) -> None:
        self._listen()
        self.show_playback()
        self.alarms.notifier.tick()
        self.follower.look_again()

    def _listen(self) -> None:
        """Say anew whether sound can be heard."""
        self.sound_status = self.sound.status(self.alarms.notifier.holder)

    def _muted(self) -> None:
        """The operator muted something, or wants to hear it."""
        self._listen()
        self.alarms.notifier.reach_changed()
        if self.opened.playback is None:
            self.run_worker(self._keep_mutes, thread=True)

    def _keep_mutes(self) -> None:
        try:
            self.sound.keep_mutes()
        except OSError as error:
            say = partial(self.notify, f"muted until you leave only: {error}", severity="warning")
            self.call_from_thread(say)

    def _alarm_trouble(self, text: str) -> None:
        """From any thread: what the user's command did wrong."""
        self.call_later(self.notify, text, title="alarm not passed on", severity="error", timeout=12)

    def _adopt(self, config: Config) -> None:
        """Follow settings that changed while this screen is open."""
        self.opened.adopt(config)
        self.sound.speaker.adopt(config.sound)
        self.notify("config.toml changed: its settings hold")

    def action_do(self, action_id: str) -> None:
        """Run one action of the table on the view in front, or say why it cannot be run."""
        if isinstance(self.screen, View):
            BY_ID[action_id].do(self.context(self.screen))

    def context(self, view: View) -> Context[Any]:
        """What a handler is given that acts on this view."""
        return Context(
            view, self.snapshot, self.opened, self.alarms, self.sound, self.notices, self, self.terminal, self.walk
        )

    async def on_event(self, event: Event) -> None:
        """Textual's own; and a person is there who presses a key or a button of the mouse."""
        if isinstance(event, Key | MouseDown) and not event.is_forwarded:
            self.alarms.notifier.note_key()
            if gone := self.attendance.note_key(self.opened.clock()):
                self.notify(f"nobody pressed a key for {duration(gone)}: B tells what happened since", timeout=12)
        await super().on_event(event)

    def on_keys_pressed(self, event: Keys.Pressed) -> None:
        """A click in the footer."""
        self.action_do(event.action)

    def action_help_quit(self) -> None:
        """Ctrl+C: how to leave."""
        self.notify(f"q leaves; {'the demo ends' if self.opened.ends_agents else 'agents go on'}")

    def show_agent(self, address: str) -> None:
        """One agent, full screen."""
        self.navigation.show_agent(address)

    def select_agent(self, address: str) -> None:
        """Put this agent under the cursor."""
        self.navigation.select_agent(address)

    def show_mail(self, message_id: str) -> None:
        """The operator's own mail, this message selected."""
        self.navigation.show_mail(message_id)

    def show_alarm(self, key: str) -> None:
        """The alarms, the one of this key chosen."""
        self.navigation.show_alarm(key)

    def show_view(self, name: str) -> None:
        """Bring a view to the front."""
        self.navigation.show(ViewName(name))

    def show_last_view(self) -> None:
        """Bring the view to the front that was there before this one."""
        self.navigation.show_last()

    def leave_view(self) -> None:
        """Back to the view that was in front before this one."""
        self.navigation.leave()

    def prefer(self, **chosen: Any) -> None:
        """Keep what the operator chose: fields of `Preferences`."""
        self.preferences = msgspec.structs.replace(self.preferences, **chosen)
        if self.opened.live:
            self.run_worker(partial(self._keep, self.preferences), thread=True, group="preferences")

    def _keep(self, preferences: Preferences) -> None:
        try:
            save_preferences(self.opened.workspace.root, preferences)
        except OSError as error:
            say = partial(self.notify, f"chosen until you leave only: {error}", severity="warning")
            self.call_from_thread(say)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Of several actions that one key stands for in a view, the first that can be done now is run; where none can,
        the first says why."""
        view = self.screen
        if action != "do" or not isinstance(view, View):
            return super().check_action(action, parameters)
        return is_elected(str(parameters[0]), view.SCOPES, self.context(view).situation)

    def show_help(self) -> None:
        """List the keys."""
        from praxmonitor.dialogs.help import HelpScreen, KeyRow

        demo = self.opened.ends_agents
        rows = [
            KeyRow(scope.title, action.keys, action.demo_help if demo and action.demo_help else action.help)
            for scope in SCOPES
            for action in ACTIONS
            if action.scope is scope
        ]
        self.push_screen(
            HelpScreen("Keys. Quitting ends the demo." if demo else "Keys. Quitting stops no agent.", rows)
        )

    def show_playback(self) -> None:
        """Say anew how the recording is played, if one is; and once that something of it is left out."""
        playback = self.opened.playback
        if playback is None:
            return
        self.playing = playback.label
        if playback.left_out and not self._incomplete:
            self._incomplete = True
            self.notify(playback.left_out, severity="warning")

    def pop_screen(self) -> AwaitComplete:
        """As Textual's, and nothing of the screens that were left stays in memory."""
        from textual._styles_cache import StylesCache

        # Textual 8.2.8 keeps 1,024 of its widgets' line caches alive by this one: 0.4 MB for each opening of the help.
        StylesCache.get_inner_outer.cache_clear()
        # And who watches a value of the app until that changes next, which some never do.
        for watchers in getattr(self, "__watchers", {}).values():
            watchers[:] = [watcher for watcher in watchers if watcher[0].is_running]
        return super().pop_screen()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say it for some seconds, in a line, and keep it among the notices. Most of it is text of agents, or names
        their files: no text is a style."""
        del markup
        told = plain(f"{title}: {message}" if title else message)
        self.notices.append(Notice(self.opened.clock(), told, severity))
        super().notify(told, severity=severity, timeout=timeout, markup=False)
        # Textual 8.2.8 leaves a toast's line as it was, should its map be asked between the toast's end and the layout.
        self.set_timer((self.NOTIFICATION_TIMEOUT if timeout is None else timeout) + GONE, self._repaint)

    def _repaint(self) -> None:
        self.screen.refresh()
