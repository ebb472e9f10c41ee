"""One workspace that is open: where its fleets come from, its alarms, what is heard of it, what was read last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet, same_roster
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.alarms.alarm import clauses
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.app.alarms import Alarms
from praxmonitor.app.away import Away
from praxmonitor.app.outbox import Outbox, Told
from praxmonitor.app.sound import Sound
from praxmonitor.app.terminal import Terminal
from praxmonitor.app.terminal_exit import terminal_output
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.sound import Cue, Speaker
from praxmonitor.sound.cues import event_cues, heartbeat_cue
from praxmonitor.state.needs import NeedWalk
from praxmonitor.state.project_summary import ProjectSummary
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot, turned
from praxmonitor.text.agents import AT_WORK

if TYPE_CHECKING:
    from praxmonitor.feed.base import Feed

TICK = 0.5
"""Seconds between two looks at the clock: a state that time alone changes is shown, and heard, within 1 s."""
SHORTEST_FRAME = 0.1
"""Seconds between two times that all of what is shown is drawn anew, and alarms are looked for, while much happens."""
LONGEST_FRAME = 0.25
FRAME_SHARE = 0.05
"""The share of the time that this takes at most, and painting it as much again: the more there is to draw, and the
slower the machine, the longer a frame is, up to the longest."""
Severity = Literal["information", "warning", "error"]


class Host(Told, Protocol):
    """The app, by what one of its projects asks of it."""

    terminal: Terminal
    snapshot: Snapshot
    newest: Snapshot
    standing: tuple[Episode, ...]
    stopped: str

    @property
    def project(self) -> Project:
        """The one that the views show."""

    def sum_up(self) -> None:
        """Say anew what each project wants of the operator, where several are open."""

    def first_read(self) -> None:
        """The first fleet of a project is handed over."""

    def says(self, project: Project, message: str, title: str, severity: Severity, timeout: float | None) -> None:
        """Say it for some seconds, and of which project where there are several. From the loop."""

    def muting_changed(self) -> None:
        """The operator muted something, or wants to hear it."""


class Project:
    """What the app holds of one workspace, be it in view or not."""

    def __init__(self, opened: OpenWorkspace, feed: Feed, speaker: Speaker, host: Host) -> None:
        self.opened, self._host = opened, host
        self._snapshot: Snapshot = EMPTY
        self._newest: Snapshot = EMPTY
        """What was read last; all of it is shown within a frame."""
        self._heard: Snapshot = EMPTY
        """What was read when it was looked last for what is to be heard."""
        self._next_frame = 0.0
        """From when on all may be shown again, by the machine's own clock."""
        self._waiting: asyncio.TimerHandle | None = None
        """Shows then what came before."""
        self._standing: tuple[Episode, ...] = ()
        self.stopped = ""
        """Why the watching stopped; empty while it goes on."""
        self.sound = Sound(speaker, opened, host.terminal.bell, host.muting_changed)
        notifier = Notifier(
            opened.config, opened.workspace.root, period=TICK, clock=opened.clock, live=opened.live,
            what="screen" if opened.live else "",
            probe=ReachProbe(speaker, terminal=True, output=terminal_output(), clock=opened.clock),
            write=host.terminal.write, on_error=self._alarm_trouble, on_config=self._adopt,
        )  # fmt: skip
        self.alarms = Alarms(notifier, self.sound, self)
        self.walk = NeedWalk()
        """Where the operator stands among the things that need him there."""
        self._feed, self._began = feed, opened.clock()
        self._outbox, self._away = Outbox(opened, host), Away(opened, host)
        notifier.on_due = self.look_again

    @property
    def snapshot(self) -> Snapshot:
        """What was read last."""
        return self._snapshot

    @snapshot.setter
    def snapshot(self, snapshot: Snapshot) -> None:
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self.hand_over()

    @property
    def standing(self) -> tuple[Episode, ...]:
        """Every alarm that stands, answered or not."""
        return self._standing

    @standing.setter
    def standing(self, standing: tuple[Episode, ...]) -> None:
        self._standing = standing
        self.hand_over()

    def hand_over(self) -> None:
        """Let the views show what is known of it, if they show this project."""
        host = self._host
        if host.project is self:
            host.standing, host.stopped = self._standing, self.stopped
            host.newest, host.snapshot = self._newest, self._snapshot
        host.sum_up()

    def notify(
        self, message: str, *, title: str = "", severity: Severity = "information", timeout: float | None = None
    ) -> None:
        """Say it on the screen."""
        self._host.says(self, message, title, severity, timeout)

    async def follow(self, over: Callable[[Project, MailcoreError | None], None]) -> None:
        """Show every fleet of its feed. `over` is told that it is over, and why where there is nothing to watch."""
        try:
            async for fleet in restarted_fleets(self._feed, self._feed_stopped):
                self.receive(fleet)
        except MailcoreError as error:
            over(self, error)
        else:
            over(self, None)

    def begin(self) -> None:
        """The screen is painted: look what mail others left, and whose runs are to be recovered."""
        self._outbox.begin()
        self.alarms.notifier.begin_recovery()

    def tick(self) -> None:
        """The clock went on."""
        self._outbox.tick()
        self._away.tick()
        self.alarms.notifier.tick()
        self.look_again()

    def look_again(self) -> None:
        """Time has passed, or the duty came: states change by that, and alarms are due."""
        if self._newest is not EMPTY:
            self.show(self._newest.fleet)

    def receive(self, fleet: Fleet) -> None:
        """Let this fleet be shown: all that follows from it once a frame, or where an agent begins or ends its work; in
        between what is drawn in a moment."""
        loop = asyncio.get_running_loop()
        before, self._newest = self._newest, self._following(fleet)
        if (began := loop.time()) >= self._next_frame or turned(before, self._newest):
            self.show(fleet)
            took = loop.time() - began
            self._next_frame = began + min(max(SHORTEST_FRAME, took / FRAME_SHARE), LONGEST_FRAME)
            return
        if self._waiting is None:
            self._waiting = loop.call_at(self._next_frame, self._end_frame)
        if self._host.project is self:
            self._host.newest = self._newest
        self.sound.play(self._happened(self._newest))

    def _end_frame(self) -> None:
        self._waiting = None
        self.receive(self._newest.fleet)

    def _following(self, fleet: Fleet) -> Snapshot:
        opened, machine = self.opened, self.alarms.notifier.machine_status
        return next_snapshot(self._newest, fleet, opened.clock(), opened.config.alarms, machine)

    def show(self, fleet: Fleet) -> None:
        """Let this fleet be shown, and heard."""
        old, opened = self._snapshot, self.opened
        self._newest = snapshot = self._following(fleet)
        self.snapshot = snapshot
        if old is EMPTY:
            self._host.first_read()
        if snapshot is old and not self.alarms.notifier.needs_evaluation:
            return
        due, wanted = self.alarms.tick()
        if old is EMPTY or snapshot is old:
            self._heard = snapshot
            self.sound.play(wanted)
            return
        if not same_roster(old.fleet, fleet):
            opened.enroll()
        # What happens is told by each screen to the person who has it open; alarms by whoever is on duty alone.
        told = {(each.alarm.kind.sound, each.alarm.address) for each in (*due.raised, *due.repeated)}
        happened = [cue for cue in self._happened(snapshot) if (cue.sound, cue.agent) not in told]
        self.sound.play([*wanted, *happened])

    def _happened(self, snapshot: Snapshot) -> list[Cue]:
        """What is heard of the agents since this was asked last; where nothing is, the sign that work goes on."""
        settings, heard = self.opened.config.sound, self._heard
        self._heard = snapshot
        happened = event_cues(heard, snapshot, self._began, settings.subagents)
        beat = None if happened else heartbeat_cue(snapshot, self.sound.sounded, settings.heartbeat)
        return happened if beat is None else [beat]

    def close(self) -> None:
        """Show nothing more, and let go of the duty."""
        if self._waiting is not None:
            self._waiting.cancel()
        self.alarms.notifier.close()

    def summary(self, *, current: bool) -> ProjectSummary:
        """What is said of it while another may be looked at."""
        snapshot, waiting = self._snapshot, self.alarms.unanswered()
        operator = snapshot.fleet.operator
        return ProjectSummary(
            self.opened.workspace.root.name,
            current,
            len(snapshot.fleet.agents),
            sum(status.state in AT_WORK for status in snapshot.statuses.values()),
            len(snapshot.needs_me()),
            clauses([waiting[0].alarm])[0] if waiting else "",
            max((episode.urgency for episode in waiting), default=0),
            len(waiting),
            operator.mailbox.unread if operator is not None else 0,
            snapshot is not EMPTY,
            self.stopped,
        )

    def _feed_stopped(self, why: str) -> None:
        self.stopped = self.alarms.notifier.stopped = why
        self.hand_over()

    def _alarm_trouble(self, text: str) -> None:
        """From any thread: what the user's command did wrong."""
        self._host.terminal.later(partial(self.notify, text, title="alarm not passed on", severity="error", timeout=12))

    def _adopt(self, config: Config) -> None:
        """Follow settings that changed while this screen is open."""
        self.opened.adopt(config)
        self.sound.speaker.adopt(config.sound)
        self.notify("config.toml changed: its settings hold")
