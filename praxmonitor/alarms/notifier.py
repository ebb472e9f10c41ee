"""The vigil of one screen or guard, together with its duty: tells what is due if it is its turn, and only then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.model.senses import Senses
from mailcore.text.units import moment
from praxmonitor.alarms.duty import Duty
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episodes import AlarmEvents, Episode, Episodes
from praxmonitor.alarms.heartbeat import Heartbeat
from praxmonitor.alarms.hold_at_cap import hold_at_cap
from praxmonitor.alarms.outlets import (
    POP_TITLE,
    PUSH_TITLE,
    Command,
    alarm_cue,
    alarm_cues,
    headline_of,
    notification_sequence,
    title_sequence,
)
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.alarms.recovery import AipassRecorder, recover
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.alarms.watchers import QUIET, Watcher
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
        """`period`: seconds between two calls of `beat`.

        `live`: it looks at the machine and reads what was answered and told. Else, as for a replay, it does neither,
        keeps nothing, acts on nothing, and only says what would be heard. `what`: `screen` or `guard`, who goes on
        duty; empty: it never does. `probe` knows how far the owner reaches a person: that decides about the duty.
        `write` takes sequences for the terminal. `on_error` is told what the user's command did wrong, `on_duty` that
        it is settled who is on duty; both from any thread. `on_config` is told settings that changed while this
        watched; `on_alarm` among them holds from the next start on.
        """
        self.live = live
        self.on_due: Callable[[], None] = lambda: None
        """Called in the loop when `pressing` became true: the owner need not wait for its next tick."""
        kept = AlarmStore(mutes_path(root).parent) if self.live else None
        self._root, self._clock, self._write = root, clock, write
        self._engine = AlarmEngine(config, root, kept, period=period, clock=clock, on_config=on_config)
        self._on_error = on_error
        self._probe = probe or ReachProbe()
        self._told_duty, self._changed = on_duty, asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopped = ""
        """Why the reading broke, as its owner says; empty while it goes on."""
        self._duty = self._on_watch(what, config, on_error) if what else None
        self._acts = self._duty is None
        """The alarms are ours: on duty, and what the one before told is known."""
        self._due = False
        """Something may be due though nothing changed: the duty came."""
        self._owed = False
        """An alarm was heard, and no all-clear since."""
        self._over_untold = False
        """What was heard was over before the one before could tell."""
        self._command = Command(config.alarms.on_alarm, root, on_error) if what else None
        self._moment = EMPTY
        self._title = ""
        self.ready = not self.live
        """What was answered and told before is read: `tick` may be called."""

    def _on_watch(self, what: str, config: Config, on_error: Callable[[str], None]) -> Duty:
        heartbeat = Heartbeat(
            self._root, what, config.alarms, state=self._probe.state, stopped=lambda: bool(self.stopped),
            unanswered=lambda: len(self.unanswered()), on_error=on_error,
        )  # fmt: skip
        directory = self._root / ".praxmonitor"
        return Duty(directory, what, on_change=self._settled, state=self._probe.state, on_look=heartbeat.beat)

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
    def missed(self) -> tuple[str, ...]:
        """Of guards that are to watch and do not, in words."""
        now = time.time()
        late = [each for each in (self._duty.others if self._duty else ()) if each.what == "guard"]
        return tuple(
            f"{each.name} {'shows no life' if each.alive else 'died'} since {moment(each.seen, now)}: start it again"
            for each in late
            if not each.alive or now - each.seen > QUIET
        )

    @property
    def pressing(self) -> bool:
        """Whether `tick` is to be called though nothing changed: the duty came, or what nobody heard can be heard."""
        if not self.on_duty:
            return False
        return (
            not self._acts
            or self._due
            or any(self._probe.hears(alarm_cue(each)) for each in self.book.unheard(self._clock()))
        )

    @property
    def book(self) -> Episodes:
        """The alarms that stand."""
        return self._engine.book

    @property
    def senses(self) -> Senses:
        """What the states are to be derived with."""
        return self._engine.senses

    @property
    def trouble(self) -> str:
        """Why there is no duty; empty if there is."""
        return self._duty.trouble if self._duty is not None else ""

    def now(self) -> float:
        """Seconds since the epoch, by the clock that this watches by."""
        return self._clock()

    def unanswered(self) -> tuple[Episode, ...]:
        """The alarms that want the operator now."""
        return self.book.unanswered(self._clock())

    async def watch(self) -> None:
        """Go on duty, and look at disk, CPU and the other screens' answers until cancelled."""
        if not self.live:
            return
        await self._engine.open()
        self._loop = asyncio.get_running_loop()
        self._probe.move()
        if self._duty is not None:
            await asyncio.to_thread(self._duty.start)
            await self._take_over(self._duty)
        self.ready = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._engine.look(lambda: self._moment))
            tasks.create_task(self._engine.keep(lambda: self.on_duty))
            tasks.create_task(self._attend())
            if self._duty is not None:
                tasks.create_task(self._follow_duty(self._duty))

    async def _attend(self) -> None:
        """Their sentinels act at once; this is for where they died too. Whoever looks does it, on duty or not."""
        seen = AipassRecorder(self._root)
        while True:
            try:
                await asyncio.to_thread(seen.look)
                failed = await asyncio.to_thread(recover, self._root, self._moment.fleet.agents)
            except (MailcoreError, OSError) as error:
                failed = str(error)
            if failed:
                self._on_error(f"a run whose supervisor died: {failed}")
            await asyncio.sleep(self.config.alarms.look)

    def _settled(self) -> None:
        """From the duty's thread: it came, or went."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._changed.set)
        self._told_duty()

    async def _follow_duty(self, duty: Duty) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._take_over(duty)

    async def _take_over(self, duty: Duty) -> None:
        """If the duty came: go on where the one before left off."""
        if self._acts or not duty.ours:
            return
        known = await self._engine.known()
        if not duty.ours:
            return
        self._engine.take_over(known)
        heard = {key for key, told in known.items() if told.heard}
        self._owed = bool(heard)
        self._over_untold = self.ready and bool(heard - self.book.episodes.keys())
        self._acts = self._due = True
        self.on_due()

    def beat(self) -> None:
        """A tick of the owner's own clock."""
        self._probe.move()
        if self.live:
            self._engine.beat()

    def look_now(self) -> None:
        """Whether this one is heard has changed: let the duty go where it belongs."""
        if self._duty is not None:
            self._duty.look_now()

    def tick(self, snapshot: Snapshot) -> tuple[AlarmEvents, list[Cue]]:
        """What is due at this moment, and what of it is to be heard here: nothing where another is on duty.

        The terminal's notification and the user's command are on their way when this returns.
        """
        self._moment = snapshot
        if not self.ready:
            return AlarmEvents(), []
        due = self._engine.tick(snapshot)
        self.entitle()
        if not self.on_duty:
            self._acts = self._duty is None
            return due, []
        if not self._acts:
            self._changed.set()
            return due, []
        self._due = False
        if self._duty is not None and (loud := (*due.raised, *due.repeated)):
            self._write(notification_sequence(headline_of(loud), self.config.alarms.notify))
        if self._command is not None and due:
            self._command.run(due, self._root, snapshot.now)
        if self._duty is not None and self.config.usage.hold:
            for episode in due.raised:
                hold_at_cap(self._root, episode.alarm, self._on_error)
        voices = {facts.address: voice for voice, facts in enumerate(snapshot.fleet.agents)}
        return due, alarm_cues(self._to_hear(due), voices)

    def _to_hear(self, due: AlarmEvents) -> AlarmEvents:
        """What of it sounds, and what nobody could hear when it was due; no all-clear of what nobody heard."""
        if lost := self._probe.unplayed():
            episodes = self.book.episodes.items()
            keys = [key for key, each in episodes if (each.alarm.kind.sound, each.alarm.address) in lost]
            self._engine.mark(keys, heard=False)
        now = {each.alarm.key for each in (*due.raised, *due.repeated)}
        audible = [each for each in self.book.unheard(self._clock()) if self._probe.hears(alarm_cue(each))]
        self._engine.mark([each.alarm.key for each in audible], heard=True)
        self._owed = self._owed or bool(audible)
        late = tuple(each for each in audible if each.alarm.key not in now)
        over = due.clear or (self._over_untold and not self.unanswered())
        clear, self._over_untold = over and self._owed, False
        self._owed = self._owed and not over
        return replace(due, repeated=(*due.repeated, *late), clear=clear)

    def entitle(self) -> None:
        """Let the terminal's title say what wants the operator."""
        unanswered = self.unanswered()
        if self._duty is None or not (unanswered or self._title):
            return
        words = title_sequence(self._root.name, unanswered)
        if words != self._title:
            self._write(words if self._title else PUSH_TITLE + words)
            self._title = words

    async def answer(self, keys: Iterable[str], until: float) -> None:
        """As in Vigil. OSError if it could not be kept."""
        await self._engine.answer(keys, until)

    def close(self) -> None:
        """Another may go on duty."""
        if self._title:
            self._write(POP_TITLE)
        if self._duty is not None:
            self._duty.close()
