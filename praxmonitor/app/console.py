"""The part of the app that every screen stands on: the snapshot, the alarms, the recording's clock, what was said.

It follows the feed and lets the clock tick; it knows no screen.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.text import Text
from textual.notifications import SeverityLevel
from textual.reactive import var

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.programs.registry import bypasses
from mailcore.text.units import duration
from mailcore.workspace.find import Workspace, load
from praxmonitor.alarms.episodes import ACKNOWLEDGED, AlarmEvents, Episode
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.app.audible import Audible
from praxmonitor.app.terminal_exit import leave_when_told, terminal_output
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.sound import Cue, Speaker
from praxmonitor.sound.cues import event_cues, heartbeat_cue
from praxmonitor.state.notices import Notice
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot
from praxmonitor.text.lines import plain

if TYPE_CHECKING:
    from praxmonitor.feed.base import Feed
    from praxmonitor.feed.playback import Playback

TICK = 0.5
"""Seconds between two looks at the clock: a state that time alone changes is shown, and heard, within 1 s."""
GONE = 0.5
"""Seconds after its time in which a notice is taken off the screen, on a busy machine too."""
MOST_NOTICES = 500


class Console(Audible, inherit_bindings=False):
    """One person's place at one workspace. `PraxApp` gives it screens, a palette and colours."""

    snapshot: var[Snapshot] = var(EMPTY)
    """What every screen draws."""
    alarms: var[tuple[Episode, ...]] = var(())
    """Every alarm that stands, answered or not."""
    playing: var[str] = var("")
    """How a recording is played; empty if none is."""

    ends_agents = False
    """Leaving ends the agents too: this is the demo."""
    withheld = ""
    """Why what config.toml starts or permits is not followed; empty if it is."""
    stopped: var[str] = var("")
    """Why the watching stopped; empty while it goes on."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        feed: Feed,
        speaker: Speaker,
        *,
        clock: Callable[[], float] = time.time,
        playback: Playback | None = None,
        live: bool = False,
    ) -> None:
        """`clock` gives seconds since the epoch.

        `playback`: the feed plays a recording by this clock; nothing of what was recorded is read or written here.
        `live`: this is a screen of the workspace's own: it may go on duty, looks at processes, keeps answers to alarms.
        """
        super().__init__(speaker)
        self.workspace = workspace
        self.config = config
        self.clock = playback or clock
        self.playback = playback
        self._incomplete = False
        """It was said that something of the recording is left out."""
        self.show_playback()
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        """What was said here, oldest first: a notification is gone in seconds, its words are not."""
        self.trouble: Callable[[], str] = str
        """What is wrong with what is shown here, in words; empty for nothing."""
        self._feed = feed
        self._opened = self.clock()
        self._noted = 0.0
        self.bypass = _bypassing(config, workspace)
        """Addresses of the agents that config lets work without asking for permissions."""
        self._sounded = self._opened
        self.notifier = Notifier(
            config, workspace.root, period=TICK, clock=self.clock, live=live, what="screen" if live else "",
            probe=ReachProbe(speaker, terminal=True, output=terminal_output(), clock=self.clock),
            write=self.to_terminal, on_error=self._alarm_trouble, on_config=self._adopt,
        )  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the observing itself: the header says it in red."""
        here = (self.stopped, self.withheld, self.trouble(), self.notifier.trouble, *self.notifier.missing_guards)
        return (*filter(None, here), *self.snapshot.fleet.notes)

    @abstractmethod
    def show_agent(self, address: str) -> None:
        """One agent, full screen."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say it for some seconds, in a line, and keep it among the notices."""
        told = plain(f"{title}: {message}" if title else message)
        self.notices.append(Notice(self.clock(), told, severity))
        super().notify(told, severity=severity, timeout=timeout, markup=markup)
        # Textual 8.2.8 leaves a toast's line as it was, should its map be asked between the toast's end and the layout.
        self.set_timer((self.NOTIFICATION_TIMEOUT if timeout is None else timeout) + GONE, self._repaint)

    def _repaint(self) -> None:
        self.screen.refresh()

    def on_mount(self) -> None:
        """Follow the files from now on."""
        if not self.is_headless:
            leave_when_told(self)
        self.notifier.on_due = self._look_again
        self.run_worker(self._follow(), group="feed")
        self.run_worker(self.notifier.watch(), group="alarms")
        self.set_interval(TICK, self._tick)
        self.listen()

    def on_unmount(self) -> None:
        """Let go of the sound device and the duty; agents and runs go on."""
        self.notifier.close()
        self._speaker.close()

    def show_playback(self) -> None:
        """Say anew how the recording is played, if one is; and once that something of it is left out."""
        if self.playback is None:
            return
        self.playing = self.playback.label
        if self.playback.left_out and not self._incomplete:
            self._incomplete = True
            self.notify(self.playback.left_out, severity="warning", markup=False)

    def to_terminal(self, sequence: str) -> None:
        """Send the terminal a sequence that draws nothing: a title, a notification."""
        if sequence and not self.lent and self._driver is not None:
            self._driver.write(sequence)

    def _alarm_trouble(self, text: str) -> None:
        """From any thread: what the user's command did wrong."""
        self.call_later(self.notify, text, title="alarm not passed on", severity="error", markup=False, timeout=12)

    def _adopt(self, config: Config) -> None:
        """Follow settings that changed while this screen is open."""
        self.config = config
        self.bypass = _bypassing(config, self.workspace)
        self._speaker.adopt(config.sound)
        self.notify("config.toml changed: its settings hold", markup=False)

    async def answer_alarms(self, keys: Sequence[str], snooze: bool) -> None:
        """Acknowledge these alarms, or snooze them; it holds on every screen of this operator's."""
        for_ = self.config.alarms.snooze
        try:
            await self.notifier.answer(keys, self.clock() + for_ if snooze else ACKNOWLEDGED)
        except OSError as error:
            self.notify(f"answered until you leave only: {error}", severity="warning", markup=False)
        said = f"snoozed for {duration(for_)}" if snooze else "acknowledged"
        self.notify(f"{said}: {len(keys)} alarm{'s' if len(keys) != 1 else ''}", markup=False)
        self.sound(self._look_at_alarms(self.snapshot)[1])

    def note_presence(self) -> None:
        """The operator acted: agents see that somebody is at the screen. For worker threads, at most once in
        `KEY_PERIOD`. Only after an act that wrote something anyway: looking writes nothing."""
        from mailcore.workspace.presence import KEY_PERIOD, key_pressed

        now = self.clock()
        if now - self._noted >= KEY_PERIOD:
            self._noted = now
            with suppress(OSError):
                key_pressed(self.workspace)

    def _feed_stopped(self, why: str) -> None:
        self.stopped = self.notifier.stopped = why

    async def _follow(self) -> None:
        try:
            async for fleet in restarted_fleets(self._feed, self._feed_stopped):
                self._show(fleet)
        except MailcoreError as error:
            self.exit(return_code=error.exit_status, message=Text(f"praxmonitor: {plain(str(error))}"))
            return
        if self.playback is not None:
            self.show_playback()
            left_out = f"; {self.playback.left_out}" if self.playback.left_out else ""
            self.notify(f"the recording is over{left_out}", markup=False)

    def _tick(self) -> None:
        self.listen()
        self.show_playback()
        self.notifier.tick()
        self._look_again()

    def _look_again(self) -> None:
        if self.snapshot is not EMPTY:
            self._show(self.snapshot.fleet)

    def _show(self, fleet: Fleet) -> None:
        old = self.snapshot
        self.snapshot = next_snapshot(old, fleet, self.clock(), self.config.alarms, self.notifier.machine_status)
        if self.snapshot is old and not self.notifier.needs_evaluation:
            return
        due, wanted = self._look_at_alarms(self.snapshot)
        if old is EMPTY or self.snapshot is old:
            self.sound(wanted)
            return
        enrolled = [facts.agent for facts in fleet.agents] != [facts.agent for facts in old.fleet.agents]
        if enrolled and self.playback is None:
            with suppress(MailcoreError):  # the feed says in its notes what is wrong with the registry
                self.workspace = load(self.workspace.registry)
                self.bypass = _bypassing(self.config, self.workspace)
        settings = self.config.sound
        happened = event_cues(old, self.snapshot, self._opened, settings.subagents)
        beat = None if happened else heartbeat_cue(self.snapshot, self._sounded, settings.heartbeat)
        # What happens is told by each screen to the person who has it open; alarms by whoever is on duty alone.
        told = {(each.alarm.kind.sound, each.alarm.address) for each in (*due.raised, *due.repeated)}
        events = happened if beat is None else [beat]
        self.sound([*wanted, *(cue for cue in events if (cue.sound, cue.agent) not in told)])

    def _look_at_alarms(self, snapshot: Snapshot) -> tuple[AlarmEvents, list[Cue]]:
        """Let the alarms that stand be shown; returns what is due, and what of it is to be heard here."""
        due, wanted = self.notifier.evaluate(snapshot)
        self.alarms = self.notifier.episodes.standing()
        return due, wanted


def _bypassing(config: Config, workspace: Workspace) -> frozenset[str]:
    """Addresses of the agents that config lets work without asking for permissions."""
    return frozenset(agent.address for agent in workspace.agents if bypasses(config.agent(agent.address)))
