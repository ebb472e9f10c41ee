"""The App: what it holds, shows and is made of. Its first view, an agent's view, the palette, the colours."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, ScreenStackError
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import DescendantFocus, Event, Key, MouseDown
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.reactive import var
from textual.screen import Screen
from textual.theme import Theme

from mailcore.exceptions import MailcoreError
from mailcore.text.units import duration
from praxmonitor.actions.context import Context, View
from praxmonitor.actions.keymap import STANDARD
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.table import BY_ID
from praxmonitor.actions.views import ViewName
from praxmonitor.alarms.episode import Episode
from praxmonitor.app import library_caches
from praxmonitor.app.alarms import Alarms
from praxmonitor.app.appearance import Appearance
from praxmonitor.app.choices import NOTHING_CHOSEN, Choices, Kept
from praxmonitor.app.late_imports import load_and_freeze, load_screens
from praxmonitor.app.navigation import Navigation
from praxmonitor.app.project import TICK, Project
from praxmonitor.app.projects import OpenProjects
from praxmonitor.app.sound import Sound
from praxmonitor.app.terminal import Terminal
from praxmonitor.app.terminal_exit import continue_once, leave_when_told
from praxmonitor.app.terminal_input import TerminalDriver
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.sound import Speaker
from praxmonitor.state.attendance import Attendance
from praxmonitor.state.notices import Notice
from praxmonitor.state.project_summary import ProjectSummary
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.lines import plain
from praxmonitor.themes import load
from praxmonitor.widgets.footer import Keys
from praxmonitor.widgets.projects import Projects

if TYPE_CHECKING:
    from textual.command import Provider

    from praxmonitor.app.keys import OwnKeys
    from praxmonitor.feed.base import Feed

GONE = 0.5
"""Seconds after its time in which a notice is taken off the screen, on a busy machine too."""
MOST_NOTICES = 500


def _palette() -> type[Provider]:
    from praxmonitor.app.palette import Commands

    return Commands


class PraxApp(App[None], inherit_bindings=False):
    """The screen of one workspace, or of several: the views show one of them."""

    snapshot: var[Snapshot] = var(EMPTY)
    """What every view draws."""
    newest: var[Snapshot] = var(EMPTY)
    """What was read since then; rows of agents are drawn by it at once."""
    standing: var[tuple[Episode, ...]] = var(())
    """Every alarm that stands, answered or not."""
    sound_status: var[SoundStatus] = var(SoundStatus())
    """Whether sound can be heard."""
    playing: var[str] = var("")
    """How a recording is played, or that the screen is read-only; empty if neither is."""
    preferences: var[Preferences] = var(Preferences())
    """What the operator chose on the screen."""
    projects: var[tuple[ProjectSummary, ...]] = var(())
    """What is said of each project where several are open; empty else."""
    sending: var[str] = var("")
    """When the mail that the operator wrote last is sent, in words; empty where none waits."""
    away: var[str] = var("")
    """Until when the operator is away, in words; empty where he is not."""
    stopped: var[str] = var("")
    """Why the watching stopped; empty while it goes on."""

    # Textual's Ctrl+Q would leave from within a form and lose what is written; ours is in the table of actions.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "help_quit", show=False, system=True)]

    TITLE = "PraxMonitor"
    COMMANDS: ClassVar = {_palette}
    NOTIFICATION_TIMEOUT = 6
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    # One notification, the newest, over the footer: there it covers no agent and no dialog. `notices` lists them all.
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
        self._speaker = speaker
        self.keymap = STANDARD
        """The keys that hold; views take them when they are made."""
        self.own_troubles: tuple[str, ...] = ()
        """What is wrong with the operator's own keys, one line each."""
        self.own_keys: OwnKeys | None = None
        """Follows the operator's own keys; None: they are not followed."""
        self.navigation = Navigation(self, lambda: self.keymap, lambda: self.opened)
        self.set_reactive(PraxApp.preferences, preferences or Preferences())
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        """What was said here, oldest first: a notification is gone in seconds, its words are not."""
        self.attendance = Attendance(opened.clock())
        self.terminal = Terminal(self)
        self.appearance = Appearance(self)
        self.gone = threading.Event()
        """Set by who runs it, once it has left."""
        self._settled = False
        """What the first paint does not need is there, or under way."""
        self._incomplete = False
        """It was said that something of the recording is left out."""
        self._projects = OpenProjects(Project(opened, feed, speaker, self))
        self.choices = Choices(self)
        self.show_playback()
        if opened.read_only:
            self.playing = "read-only"
        self._themes = themes or load.Themes()
        for loaded in self._themes.loaded:
            self.register_theme(loaded)
        theme = self.preferences.theme or load.DEFAULT
        self.theme = theme if theme in self.available_themes else "textual-dark"

    def add_project(self, opened: OpenWorkspace, feed: Feed, kept: Kept = NOTHING_CHOSEN) -> None:
        """Open another workspace beside the first: to be called before the app runs. `kept`: what was chosen there."""
        self.choices.know(opened, kept)
        self._projects.add(Project(opened, feed, self._speaker, self))

    @property
    def project(self) -> Project:
        """The one that the views show."""
        return self._projects.current

    @property
    def opened(self) -> OpenWorkspace:
        """The workspace that the views show."""
        return self.project.opened

    @property
    def alarms(self) -> Alarms:
        """The alarms of the workspace that the views show."""
        return self.project.alarms

    @property
    def sound(self) -> Sound:
        """What is heard."""
        return self.project.sound

    def show_project(self, step: int = 0, *, number: int | None = None) -> None:
        """Let the views show another project: so many further, round and round, or the one at this place from 0."""
        projects = self._projects
        chosen = projects.at(projects.place(projects.current) + step if number is None else number)
        if not projects.several:
            self.notify("one project is open; praxmonitor A B opens several", severity="warning")
        elif chosen is not projects.current and not self.screen.is_modal:
            projects.current = chosen
            self.choices.turn_to(chosen.opened)
            self.navigation.show_project(projects.place(chosen))
            chosen.hand_over()
            self._listen()

    def sum_up(self) -> None:
        """Say anew what each project wants of the operator, where several are open."""
        self.projects = self._projects.summaries

    def says(self, project: Project, message: str, title: str, severity: SeverityLevel, timeout: float | None) -> None:
        """Say it for some seconds; where several are open, of which project."""
        self.notify(self._projects.told(project, message), title=title, severity=severity, timeout=timeout)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the observing itself, and the themes that could not be read: the header says it in red."""
        opened, notifier = self.opened, self.alarms.notifier
        troubles = (self.stopped, opened.withheld, opened.trouble(), self.choices.trouble, notifier.trouble)
        here = (*troubles, *notifier.missing_guards)
        return (*filter(None, here), *self.snapshot.fleet.notes, *self._themes.failed, *self.own_troubles)

    def get_default_screen(self) -> Screen[None]:
        """The fleet."""
        return self.navigation.view(ViewName.FLEET)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables for themes that do not set them."""
        theme: Theme | None = self.get_theme(self.theme)
        return load.variable_defaults(theme) if theme is not None else {}

    def get_driver_class(self) -> type[Driver]:
        """Textual's own; for a terminal ours, whose wait for keys costs nothing."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own; then, where it is wanted, ASCII."""
        return self.appearance.filters(super().get_line_filters())

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A cursor blinks only where motion is wanted."""
        self.appearance.focused(event.widget)

    def on_mount(self) -> None:
        """Follow the files from now on."""
        self.appearance.begin()
        # After `fg` the terminal is empty, and Textual paints only what has changed.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(self._speaker.start)
        if not self.is_headless:
            leave_when_told(self, self.gone)
            continue_once(self)
        for project in self._projects:
            self.run_worker(project.follow(self._feed_over), group="feed")
            self.run_worker(project.alarms.notifier.watch(), group="alarms")
        self.set_interval(TICK, self._tick)
        self.set_interval(library_caches.SHRINK_PERIOD, lambda: library_caches.shrink(self.screen_stack))
        self._listen()

    def first_read(self) -> None:
        """The agents of a project are known: once they are painted, make ready what is not needed for that."""
        if not self._settled:
            self._settled = True
            self.call_after_refresh(self._settle_in)

    def _settle_in(self) -> None:
        """Look for mail that waits; load the dialogs so that their first key opens them at once."""
        self._projects.begin()
        self.run_worker(load_screens if self.is_headless else load_and_freeze, thread=True)

    def on_unmount(self) -> None:
        """Let go of the sound device and the duty; agents and runs go on."""
        self._projects.close()
        self._speaker.close()

    def _feed_over(self, project: Project, why: MailcoreError | None) -> None:
        if why is not None and self._projects.several:
            project.stopped = plain(str(why))
            project.hand_over()
        elif why is not None:
            self.exit(return_code=why.exit_status, message=Text(f"praxmonitor: {plain(str(why))}"))
        elif (playback := self.opened.playback) is not None:
            self.show_playback()
            self.notify(f"the recording is over{f'; {playback.left_out}' if playback.left_out else ''}")

    def _tick(self) -> None:
        self._listen()
        self.show_playback()
        if self.own_keys is not None:
            self.own_keys.follow(self)
        self._projects.tick()
        self.sending, self.away = self.opened.sending, self.opened.away

    def _listen(self) -> None:
        """Say anew whether sound can be heard."""
        self.sound_status = self.sound.status(self.alarms.notifier.holder, self.alarms.notifier.sounding_host)

    def muting_changed(self) -> None:
        """The operator muted something, or wants to hear it."""
        self._listen()
        self._projects.reach_changed()
        if self.opened.writable:
            self.run_worker(self._keep_mutes, thread=True)

    def _keep_mutes(self) -> None:
        try:
            self.sound.keep_mutes()
        except OSError as error:
            say = partial(self.notify, f"muted until you leave only: {error}", severity="warning")
            self.call_from_thread(say)

    def key_of(self, action_id: str) -> str:
        """The key that stands for an action now, as a person reads it; empty if none does."""
        return self.keymap.first(action_id)

    def action_do(self, action_id: str) -> None:
        """Run one action of the table on the view in front, or say why it cannot be run."""
        if isinstance(self.screen, View):
            BY_ID[action_id].do(self.context(self.screen))

    def context(self, view: View) -> Context[Any]:
        """What a handler is given that acts on this view."""
        return Context(
            view, self.newest, self.opened, self.alarms, self.sound, self.notices, self, self.terminal,
            self.project.walk,
        )  # fmt: skip

    async def on_event(self, event: Event) -> None:
        """Textual's own; and a person is there who presses a key or a button of the mouse."""
        if isinstance(event, Key | MouseDown) and not event.is_forwarded:
            self._projects.note_key()
            if self.opened.playback is None and (gone := self.attendance.note_key(self.opened.clock())):
                told = f"nobody pressed a key for {duration(gone)}: {self.key_of('digest')} tells what happened since"
                self.notify(told, timeout=12)
        await super().on_event(event)

    def on_keys_pressed(self, event: Keys.Pressed) -> None:
        """A click in the footer."""
        self.action_do(event.action)

    def on_projects_chosen(self, event: Projects.Chosen) -> None:
        """A click on a project."""
        self.show_project(number=event.number)

    def action_help_quit(self) -> None:
        """Ctrl+C: how to leave."""
        self.notify(f"q leaves; {'the demo ends' if self.opened.ends_agents else 'agents go on'}")

    def pick_theme(self) -> None:
        """List the themes; each is seen while it is under the cursor."""
        self.run_worker(self.appearance.pick_theme())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Of several actions that one key stands for in a view, the first that can be done now is run; where none can,
        the first says why."""
        view = self.screen
        if action != "do" or not isinstance(view, View):
            return super().check_action(action, parameters)
        return self.keymap.elects(str(parameters[0]), view.SCOPES, self.context(view).situation)

    def show_help(self) -> None:
        """List the keys."""
        from praxmonitor.app.keys import help_rows
        from praxmonitor.dialogs.help import HelpScreen

        scopes = self.screen.SCOPES if isinstance(self.screen, View) else ()
        leaving = "ends the demo" if self.opened.ends_agents else "stops no agent"
        self.push_screen(HelpScreen(f"Keys. Quitting {leaving}.", help_rows(self.keymap, self.opened, scopes)))

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
        library_caches.forget_left(self)
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
        told = self.keymap.respelled(plain(f"{title}: {message}" if title else message))
        self.notices.append(Notice(self.opened.clock(), told, severity))
        super().notify(told, severity=severity, timeout=timeout, markup=False)
        # Textual 8.2.8 leaves a toast's line as it was, should its map be asked between the toast's end and the layout.
        self.set_timer((self.NOTIFICATION_TIMEOUT if timeout is None else timeout) + GONE, self._repaint)

    def _repaint(self) -> None:
        with suppress(ScreenStackError):  # the screen is being left
            self.screen.refresh()
