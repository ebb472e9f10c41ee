"""Notifies the operator for one screen or guard: of what the alarm engine finds, and only while it is on duty."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.model.machine_status import MachineStatus
from mailcore.text.units import moment
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.bell_ringer import BellRinger
from praxmonitor.alarms.duty import Duty
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import AlarmEvents, Episode
from praxmonitor.alarms.episodes import Episodes
from praxmonitor.alarms.error_trigger import ErrorTrigger
from praxmonitor.alarms.heartbeat import Heartbeat
from praxmonitor.alarms.hold_at_cap import hold_at_cap
from praxmonitor.alarms.link_duty import SOUNDED_HERE_AFTER, LinkDuty, is_told_elsewhere
from praxmonitor.alarms.link_keeper import keep_link
from praxmonitor.alarms.next_look import next_look
from praxmonitor.alarms.outlets import (
    POP_TITLE,
    PUSH_TITLE,
    UserCommand,
    alarm_cue,
    alarm_cues,
    headline_of,
    notification_sequence,
    title_sequence,
)
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.alarms.recovery import AipassRecorder, recover_runs
from praxmonitor.alarms.shared_file_trigger import SharedFileTrigger
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.alarms.watchers import STOPPED_AFTER, Watcher
from praxmonitor.sound import Cue
from praxmonitor.sound.mutes import mutes_path
from praxmonitor.state.snapshot import EMPTY, Snapshot


class Notifier:
    """What a screen or guard does about alarms. One thread, save where it says otherwise."""

    def __init__(
        self,
        config: Config,
        root: Path,
        *,
        period: float,
        clock: Callable[[], float] = time.time,
        live: bool = False,
        what: str = "",
        probe: ReachProbe | None = None,
        write: Callable[[str], None] = lambda _: None,
        on_error: Callable[[str], None] = lambda _: None,
        on_duty: Callable[[], None] = lambda: None,
        on_config: Callable[[Config], None] = lambda _: None,
    ) -> None:
        """`period`: seconds between two calls of `tick`.

        `live`: it checks the machine and reads what was answered and reported. Else, as for a replay, it does neither,
        keeps nothing, acts on nothing, and only says what would be heard. `what`: `screen` or `guard`, who goes on
        duty; empty: it never does. `probe` knows how far the owner reaches a person: that decides about the duty.
        `write` takes sequences for the terminal. `on_error` is told what the user's command did wrong, `on_duty` that
        it is settled who is on duty; both from any thread. `on_config` is told settings that changed while this
        watched; `on_alarm` among them holds from the next start on.
        """
        self.live = live
        self.on_due: Callable[[], None] = lambda: None
        """Called in the loop when `needs_evaluation` became true: the owner need not wait for its next tick."""
        store = AlarmStore(mutes_path(root).parent) if self.live else None
        self._root, self._clock, self._write = root, clock, write
        self._engine = AlarmEngine(config, root, store, period=period, clock=clock, on_config=on_config)
        self._on_error = on_error
        self._probe = probe or ReachProbe()
        self._on_duty_settled, self._duty_changed = on_duty, asyncio.Event()
        self._recovers = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopped = ""
        """Why the reading broke, as its owner says; empty while it goes on."""
        self._link_duty = LinkDuty(root)
        self._duty = self._make_duty(what, config, on_error) if what else None
        self._acting = self._duty is None
        """This one acts on alarms: it is on duty, and knows what the watcher before it reported."""
        self._just_on_duty = False
        """It came on duty since the last evaluation: something may be due though nothing changed."""
        self._all_clear_owed = False
        """An alarm was heard, and no all-clear since."""
        self._all_clear_missed = False
        """What was heard was over before the watcher before this one could give the all-clear."""
        self._command = UserCommand(config.alarms.on_alarm, root, on_error) if what else None
        followers = (ErrorTrigger(root, on_error), SharedFileTrigger(root, on_error), BellRinger())
        self._followers = followers if what else ()
        """What acts on what the fleet shows, while this one is on duty."""
        self._snapshot = EMPTY
        self._title = ""
        self.ready = not self.live
        """What was answered and reported before is read: `evaluate` may be called."""

    def _make_duty(self, what: str, config: Config, on_error: Callable[[str], None]) -> Duty:
        heartbeat = Heartbeat(
            self._root, what, config.alarms, state=self._probe.state, stopped=lambda: bool(self.stopped),
            unanswered=lambda: len(self.unanswered()), on_error=on_error,
        )  # fmt: skip

        def look(on_duty: bool) -> None:
            heartbeat.beat(on_duty)
            self._link_duty.look(self._probe.state().reach, on_duty=on_duty)

        directory = self._root / ".praxmonitor"
        return Duty(
            directory, what, on_change=self._duty_settled, state=self._probe.state, on_look=look, rest=heartbeat.rest,
        )  # fmt: skip

    @property
    def config(self) -> Config:
        """The settings that hold."""
        return self._engine.config

    @property
    def on_duty(self) -> bool:
        """Whether this one sounds and acts."""
        return self._duty.ours if self._duty is not None else not self.live

    @property
    def holder(self) -> Watcher | None:
        """Who is on duty, as it was last read; None if it is this one, or if that is not known yet."""
        return self._duty.holder if self._duty is not None else None

    @property
    def sounding_host(self) -> str:
        """The host of the link that sounds the alarms of agents in our stead; empty: this one does."""
        return self._link_duty.elsewhere

    @property
    def missing_guards(self) -> tuple[str, ...]:
        """Guards that ought to watch and do not, in words."""
        now = time.time()
        late = [each for each in (self._duty.others if self._duty else ()) if each.what == "guard"]
        return tuple(
            f"{each.name} {'shows no life' if each.alive else 'died'} since {moment(each.seen, now)}: start it again"
            for each in late
            if not each.alive or now - each.seen > STOPPED_AFTER
        )

    @property
    def needs_evaluation(self) -> bool:
        """Whether `evaluate` is to be called though nothing changed: this one came on duty, or an unheard alarm can be
        heard now."""
        if not self.on_duty:
            return False
        return (
            not self._acting
            or self._just_on_duty
            or any(self._probe.can_hear(alarm_cue(each)) for each in self._ours(self.episodes.unheard(self._clock())))
        )

    def _ours(self, episodes: tuple[Episode, ...]) -> tuple[Episode, ...]:
        """Those of them that are told here: another host may sound what all hosts know of, for so long."""
        if not self._link_duty.elsewhere:
            return episodes
        since = self._clock() - SOUNDED_HERE_AFTER
        return tuple(each for each in episodes if each.raised_at <= since or not is_told_elsewhere(each.alarm))

    @property
    def episodes(self) -> Episodes:
        """The episodes of all alarms that stand."""
        return self._engine.episodes

    @property
    def machine_status(self) -> MachineStatus:
        """What the states are to be derived with."""
        return self._engine.machine_status

    @property
    def trouble(self) -> str:
        """Why there is no duty; empty if there is."""
        return self._duty.trouble if self._duty is not None else ""

    def now(self) -> float:
        """Seconds since the epoch, by the clock that this watches by."""
        return self._clock()

    def unanswered(self) -> tuple[Episode, ...]:
        """The alarms that want the operator now, the most urgent first."""
        return self.episodes.unanswered(self._clock())

    async def watch(self) -> None:
        """Go on duty, and look at disk, CPU and the other screens' answers until cancelled."""
        if not self.live:
            return
        await self._engine.open()
        self._loop = asyncio.get_running_loop()
        self._probe.mark_alive()
        if self._duty is not None:
            await asyncio.to_thread(self._duty.start)
            await self._take_over(self._duty)
        self.ready = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._engine.run_checks(lambda: self._snapshot))
            tasks.create_task(self._engine.save_reports(lambda: self.on_duty))
            tasks.create_task(self._recover_runs())
            if self._duty is not None:
                tasks.create_task(self._follow_duty(self._duty))
            for follower in self._followers:
                tasks.create_task(follower.run(lambda: self.on_duty))
            if self._duty is not None:
                tasks.create_task(keep_link(self._root, lambda: self.config, lambda: self.on_duty, self._on_error))

    def begin_recovery(self) -> None:
        """Recover runs from now on: the owner has shown what there is, or shows nothing. It reads everybody's mail, and
        a first paint of 900 agents would wait for it."""
        self._recovers.set()

    async def _recover_runs(self) -> None:
        """Recover runs whose supervisor died, where their sentinels died too. Every watcher does it, on duty or not."""
        await self._recovers.wait()
        recorder = AipassRecorder(self._root)

        def recover(fleet: Fleet) -> str:
            recorder.record_after(fleet)
            return recover_runs(self._root, fleet.local_agents)

        while True:
            try:
                failed = await asyncio.to_thread(recover, self._snapshot.fleet)
            except (MailcoreError, OSError) as error:
                failed = str(error)
            if failed:
                self._on_error(f"a run whose supervisor died: {failed}")
            await next_look(self.config.alarms.look)

    def _duty_settled(self) -> None:
        """Called from the duty's thread: this one came on duty, or is not any more."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._duty_changed.set)
        self._on_duty_settled()

    async def _follow_duty(self, duty: Duty) -> None:
        while True:
            await self._duty_changed.wait()
            self._duty_changed.clear()
            await self._take_over(duty)

    async def _take_over(self, duty: Duty) -> None:
        """If this one came on duty: go on where the watcher before it left off."""
        if self._acting or not duty.ours:
            return
        reported = await self._engine.read_reported()
        if not duty.ours:
            return
        self._engine.take_over(reported)
        heard = {key for key, before in reported.items() if before.heard}
        self._all_clear_owed = bool(heard)
        self._all_clear_missed = self.ready and bool(heard - self.episodes.by_key.keys())
        self._acting = self._just_on_duty = True
        self.on_due()

    def tick(self) -> None:
        """Call it at each tick of the owner's clock."""
        self._probe.mark_alive()
        if self.live:
            self._engine.check_clock()

    def reach_changed(self) -> None:
        """How far this one reaches a person has changed: let the right one be on duty."""
        if self._duty is not None:
            self._duty.look_now()

    def evaluate(self, snapshot: Snapshot) -> tuple[AlarmEvents, list[Cue]]:
        """The events of this snapshot, and the cues to be heard here: none where another is on duty.

        The terminal's notification and the user's command are on their way when this returns.
        """
        self._snapshot = snapshot
        for follower in self._followers:
            follower.see(snapshot.fleet)
        if not self.ready:
            return AlarmEvents(), []
        events = self._engine.evaluate(snapshot)
        self.set_title()
        if not self.on_duty:
            self._acting = self._duty is None
            return events, []
        if not self._acting:
            self._duty_changed.set()
            return events, []
        self._just_on_duty = False
        ours = replace(
            events, raised=self._ours(events.raised), repeated=self._ours(events.repeated),
            over=self._ours(events.over), joined=self._ours(events.joined),
        )  # fmt: skip
        if self._duty is not None and (loud := (*ours.raised, *ours.repeated)):
            self._write(notification_sequence(headline_of(loud), self.config.alarms.notify))
        if self._command is not None and ours:
            self._command.run(ours, self._root, snapshot.now)
        if self._duty is not None and self.config.usage.hold:
            for episode in events.raised:
                hold_at_cap(self._root, episode.alarm, self._on_error)
        voices = {facts.address: voice for voice, facts in enumerate(snapshot.fleet.agents)}
        return events, alarm_cues(self._audible(ours), voices)

    def _audible(self, events: AlarmEvents) -> AlarmEvents:
        """What of these sounds, and what nobody could hear before; no all-clear of what nobody heard."""
        if lost := self._probe.unplayed():
            episodes = self.episodes.by_key.items()
            keys = [key for key, each in episodes if (each.alarm.kind.sound, each.alarm.address) in lost]
            self._engine.mark_heard(keys, heard=False)
        now = {each.alarm.key for each in (*events.raised, *events.joined, *events.repeated)}
        unheard = self._ours(self.episodes.unheard(self._clock()))
        audible = [each for each in unheard if self._probe.can_hear(alarm_cue(each))]
        self._engine.mark_heard([each.alarm.key for each in audible], heard=True)
        self._all_clear_owed = self._all_clear_owed or bool(audible)
        late = tuple(each for each in audible if each.alarm.key not in now)
        over = events.clear or (self._all_clear_missed and not self.unanswered())
        clear, self._all_clear_missed = over and self._all_clear_owed, False
        self._all_clear_owed = self._all_clear_owed and not over
        return replace(events, repeated=(*events.repeated, *late), clear=clear)

    def set_title(self) -> None:
        """Let the terminal's title say what wants the operator."""
        unanswered = self.unanswered()
        if self._duty is None or not (unanswered or self._title):
            return
        sequence = title_sequence(self._root.name, unanswered)
        if sequence != self._title:
            self._write(sequence if self._title else PUSH_TITLE + sequence)
            self._title = sequence

    def note_key(self) -> None:
        """A person pressed a key here: alarms that were heard before are repeated farther apart."""
        self._engine.attended_at = self._clock()

    async def answer(self, keys: Iterable[str], until: float) -> None:
        """As `AlarmEngine.answer`. OSError if it could not be stored."""
        await self._engine.answer(keys, until)

    @property
    def mutes(self) -> tuple[AlarmMute, ...]:
        """Those that were made and not ended, whether they hold still or not."""
        return self._engine.mutes

    async def change_mutes(self, change: Callable[[tuple[AlarmMute, ...]], tuple[AlarmMute, ...]]) -> None:
        """As `AlarmEngine.change_mutes`. OSError if they could not be stored."""
        await self._engine.change_mutes(change)

    def close(self) -> None:
        """Another may go on duty."""
        if self._title:
            self._write(POP_TITLE)
        if self._duty is not None:
            self._duty.close()
