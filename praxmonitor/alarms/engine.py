"""The alarm engine: it applies the rules, follows the episodes, checks the machine, and knows the operator's answers.

The screen, `praxmonitor guard`, `praxmonitor watch` and `praxmonitor alarms --follow` each hold one. Its owner calls
`check_clock` at each tick of its own, `evaluate` then and with each new fleet, and runs `run_checks` in a task.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from mailcore.config import Config
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.own_sessions import root_of
from mailcore.observe.state import next_due
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.alarm_mutes import NO_MUTES, AlarmMute
from praxmonitor.alarms.clock_checks import ClockChecks, check_clock
from praxmonitor.alarms.config_reload import ConfigReload
from praxmonitor.alarms.episode import NO_ANSWERS, AlarmEvents, Answers, ReportedEpisode
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.history import HistoryEntry, answered_entries, event_entries
from praxmonitor.alarms.machine_check import CPU_SAMPLE_INTERVAL
from praxmonitor.alarms.missing_directories import NOBODY, BranchFiles, MissingDirectories, branch_files
from praxmonitor.alarms.next_look import next_look
from praxmonitor.alarms.repeats import repeat_of
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.alarms.store import AlarmStore, missing_before
from praxmonitor.alarms.store_changes import store_changes
from praxmonitor.alarms.wake_signs import wake_signs
from praxmonitor.state.snapshot import EMPTY, Snapshot

CARRY_OVER = 60.0
"""Seconds after the start in which an alarm that was reported before it goes on, and is not raised again."""
KEEP_ANSWERS = 6 * 3600.0
"""Seconds for which the answer to a lasting alarm that is over is kept: every other screen and guard that holds the
alarm must read it, also one that was stopped meanwhile."""
AT_REST = (State.DONE, State.FAILED, State.KILLED, State.IDLE)
"""States of an agent whose work is over: the silence of that work cannot come again."""
LASTING_PREFIXES = tuple(f"{kind} " for kind in AlarmKind if kind.lasting)
"""How the keys of lasting alarms begin."""


class AlarmEngine:
    """One watcher's view of the alarms. All calls come from one thread; only `run_checks` uses others."""

    def __init__(
        self,
        config: Config,
        root: Path,
        store: AlarmStore | None,
        *,
        period: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        work: Callable[[Mapping[str, int], float, Collection[str]], Mapping[str, float]] | None = None,
        files_of: Callable[[Agent], BranchFiles] = branch_files,
        on_config: Callable[[Config], None] = lambda _: None,
    ) -> None:
        """`period`: seconds between two ticks of the owner's. `store`: None to keep and read nothing on any disk.

        `clock` gives seconds since the epoch, `monotonic` those of the machine's own clock. `work`: as
        `CpuActivity.measure`, `files_of`: as `branch_files`. `on_config` is told settings that changed while this
        watched, and now hold.
        """
        self.episodes = Episodes()
        self.answers: Answers = NO_ANSWERS
        self.mutes: tuple[AlarmMute, ...] = NO_MUTES
        """Those that were made and not ended, whether they hold still or not."""
        self.attended_at = 0.0
        """When a person last pressed a key here, seconds since the epoch; 0.0: never."""
        # Where somebody looks at processes, nobody is called silent before they were looked at.
        self.machine_status = MachineStatus(work=None if store is None and work is None else NOBODY)
        self.config = config
        """The settings that hold."""
        self._on_config = on_config
        self._root, self._store = root, store
        self._rules = AlarmRules(config)
        self._work = work or CpuActivity().measure
        self._missing_directories = MissingDirectories(files_of)
        self._config_reload = ConfigReload(root / ".praxmonitor" / "config.toml") if store is not None else None
        self._clock_checks = ClockChecks()
        self._period, self._clock, self._monotonic = period, clock, monotonic
        self._opened = clock()
        self._unsaved = asyncio.Event()
        """Something was reported that is not stored yet."""
        self._unsaved_answers: dict[str, float] = {}
        """Answers that are not written yet, or could not be."""
        self._unsaved_history: list[HistoryEntry] = []
        self._over_since: dict[str, float] = {}
        """Key of what is answered and over → since when, by the machine's own clock."""

    def check_clock(self) -> None:
        """Compare the clocks. Call it at each tick of the owner's, not when files change."""
        self._clock_checks = check_clock(self._clock_checks, self._clock(), self._monotonic(), self._period)
        self.update_machine_status(
            replace(self.machine_status, gaps=self._clock_checks.gaps, lag=self._clock_checks.lag)
        )

    def evaluate(self, snapshot: Snapshot) -> AlarmEvents:
        """What the operator is to be notified of. The statuses of the snapshot were derived with `machine_status`."""
        if self.episodes.reported_before and snapshot.now - self._opened > CARRY_OVER:
            self.episodes = replace(self.episodes, reported_before=MappingProxyType({}))
        alarms = self._rules.alarms(snapshot.fleet, snapshot.now, snapshot.statuses, self.machine_status)
        repeat = repeat_of(self.config.alarms, self.attended_at)
        silent = {one.alarm.address for one in self.episodes.by_key.values() if one.alarm.kind is AlarmKind.SILENCE}
        at_rest = {address for address in silent if snapshot.status(address).state in AT_REST}
        self.episodes, events = advance(self.episodes, alarms, self.answers, snapshot.now, repeat, self.mutes, at_rest)
        if events:
            self._unsaved_history += event_entries(events, snapshot.now)
            self._unsaved.set()
        # Who joins a group that was answered a moment ago is answered with it.
        if inherited := {one.alarm.key: one.answered_until for one in events.joined if one.answered(snapshot.now)}:
            self.answers = MappingProxyType({**self.answers, **inherited})
            self._unsaved_answers |= inherited
        return events

    def take_over(self, reported: Mapping[str, ReportedEpisode]) -> None:
        """This one goes on duty; `reported`: what the watcher before it reported."""
        self._opened = self._clock()
        episodes = self.episodes.taken_over(reported, self._opened)
        to_raise = self.episodes.by_key.keys() - episodes.by_key.keys()
        going_on = {key: before for key, before in reported.items() if key not in to_raise}
        self.episodes = replace(episodes, reported_before=MappingProxyType(going_on))

    def mark_heard(self, keys: Collection[str], *, heard: bool) -> None:
        """Remember whether these alarms were heard."""
        episodes = self.episodes.with_heard(keys, heard=heard)
        if episodes is not self.episodes:
            self.episodes = episodes
            self._unsaved.set()

    async def read_reported(self) -> Mapping[str, ReportedEpisode]:
        """What was reported by whoever was on duty last."""
        return await asyncio.to_thread(self._store.reported) if self._store is not None else MappingProxyType({})

    async def open(self) -> None:
        """Read what was answered and reported before. Await it before the first `evaluate`."""
        if self._store is not None:
            self.answers = await asyncio.to_thread(self._store.answers)
            self.mutes = await asyncio.to_thread(self._store.mutes)
            self.episodes = replace(self.episodes, reported_before=await self.read_reported())

    async def run_checks(self, snapshot: Callable[[], Snapshot]) -> None:
        """Check disk and CPU, directories and settings every `[alarms] look` seconds, answers as they come, until
        cancelled.

        Each goes on for itself: a disk that hangs, or an unforeseen error, delays no other. `snapshot` gives the newest
        snapshot.
        """

        async def machine() -> None:
            while True:
                newest = snapshot()
                suspects = self.nearly_silent(newest)
                free, work = await asyncio.to_thread(self.check_machine, suspects, newest.fleet)
                self.update_machine_status(replace(self.machine_status, disk_free=free, work=work))
                if newest is not EMPTY and suspects.keys() <= work.keys():
                    return
                # Nothing was read yet, or it takes a second look at a process: a silent agent must not wait for long.
                await asyncio.sleep(CPU_SAMPLE_INTERVAL)

        async def directories() -> None:
            agents = snapshot().fleet.local_agents
            missing, woken = await asyncio.to_thread(lambda: (self.find_missing(agents), self.find_wakes(agents)))
            self.update_machine_status(replace(self.machine_status, missing_since=missing, woken_at=woken))

        async with asyncio.TaskGroup() as tasks:
            for each in (machine, directories, self._check_config):
                tasks.create_task(self._repeat(each))
            if self._store is not None:
                tasks.create_task(self._follow_answers(self._store))

    async def _follow_answers(self, store: AlarmStore) -> None:
        with store_changes(store.directory, self.config.alarms.look) as changed:
            await self._repeat(self._read_answers, changed)

    async def _repeat(self, check: Callable[[], Awaitable[None]], changed: asyncio.Event | None = None) -> None:
        """`changed`: it is checked when that is set; else every `[alarms] look` seconds."""
        name = check.__name__.strip("_").replace("_", " ")
        while True:
            try:
                await check()
                self._set_trouble(name, "")
            except Exception as error:
                self._set_trouble(name, f"{name}: {type(error).__name__}: {error}")
            if changed is None:
                await next_look(self.config.alarms.look)
            else:
                await changed.wait()
                changed.clear()

    async def _check_config(self) -> None:
        if self._config_reload is not None:
            self._follow_config(await asyncio.to_thread(self._config_reload.look))

    async def _read_answers(self) -> None:
        if self._store is not None:
            stored, self.mutes = await asyncio.to_thread(self._store.stored)
            self.answers = MappingProxyType({**stored, **self._unsaved_answers}) if self._unsaved_answers else stored

    def _follow_config(self, found: Config | str | None) -> None:
        """Follow settings that changed; say of those that cannot be followed what is wrong."""
        if found is None:
            return
        if isinstance(found, str):
            self._set_trouble("config", found)
            return
        self._set_trouble("config", "")
        self.config, self._rules = found, AlarmRules(found)
        # Another object: every state is derived again, by the limits that hold now.
        self.machine_status = replace(self.machine_status)
        self._on_config(found)

    def _set_trouble(self, name: str, text: str) -> None:
        """Set what is wrong with this part of the watching; empty: nothing."""
        others = {other: what for other, what in self.machine_status.trouble.items() if other != name}
        trouble = MappingProxyType(others | {name: text} if text else others)
        self.update_machine_status(replace(self.machine_status, trouble=trouble))

    async def save_reports(self, on_duty: Callable[[], bool]) -> None:
        """Store what was reported as soon as it was, until cancelled: a killed process has not reported it in vain.

        `on_duty`: whether this one is to store it.
        """
        while True:
            await self._unsaved.wait()
            self._unsaved.clear()
            if self._store is not None and on_duty():
                await self._save(self._store)
            else:
                self._unsaved_history.clear()

    def nearly_silent(self, snapshot: Snapshot) -> dict[str, int]:
        """Address → root of its process tree, of agents that are silent by their files, or would spin if they used the
        CPU, or will be before long."""
        policy = self.config.alarms
        horizon, files_alone = snapshot.now + 3 * policy.look, MachineStatus(gaps=self.machine_status.gaps)
        found = {}
        looked_at = self.machine_status.work or NOBODY
        for facts in snapshot.fleet.local_agents:
            root = root_of(facts)
            if not root or (snapshot.holds.get(facts.address, 0.0) >= horizon and facts.address not in looked_at):
                continue
            if next_due(facts, snapshot.now, policy, files_alone) < horizon:
                found[facts.address] = root
        return found

    def check_machine(self, pids: Mapping[str, int], fleet: Fleet) -> tuple[int, Mapping[str, float]]:
        """Bytes free, and when these process trees worked. May wait for a disk: for a worker thread."""
        try:
            disk = os.statvfs(self._root)
            free = disk.f_bavail * disk.f_frsize
        except OSError:
            free = -1
        at_terminals = {facts.address for facts in fleet.local_agents if facts.lock is None} if pids else ()
        return free, self._work(pids, self._clock(), at_terminals)

    def find_missing(self, agents: Sequence[AgentFacts]) -> Mapping[str, float]:
        """Whose directory is missing, and since when. May wait for disks: for a worker thread."""
        return self._missing_directories.check(
            agents, self._clock(), self._monotonic(), missing_before(self.episodes.reported_before)
        )

    def find_wakes(self, agents: Sequence[AgentFacts]) -> Mapping[str, float]:
        """When timers showed life. May wait for disks: for a worker thread."""
        return wake_signs(self._root / ".praxmonitor" / "config.toml", self.config, agents)

    def update_machine_status(self, found: MachineStatus) -> None:
        """What is known of the machine from now on. It stays the same object if nothing changed."""
        if found != self.machine_status:
            self.machine_status = found

    async def answer(self, keys: Iterable[str], until: float) -> None:
        """The operator's answer to these alarms: ACKNOWLEDGED, the end of a snooze, or 0.0 to take it back.

        OSError if it could not be stored; it holds until the program ends all the same.
        """
        answers = dict.fromkeys(keys, until)
        self.answers = MappingProxyType({**self.answers, **answers})
        if self._store is not None:
            self._unsaved_answers |= answers
            self.answers = await asyncio.to_thread(self._store.answer, answers, until)
            for key in answers:
                self._unsaved_answers.pop(key, None)
            episodes = [self.episodes.by_key[key] for key in answers if key in self.episodes.by_key]
            entries = answered_entries(episodes, until, self._clock(), OPERATOR)
            await asyncio.to_thread(self._store.history.add, entries)

    async def change_mutes(self, change: Callable[[tuple[AlarmMute, ...]], tuple[AlarmMute, ...]]) -> None:
        """Make or end mutes, on every screen and guard of this workspace. OSError if they cannot be stored."""
        if self._store is not None:
            self.mutes = await asyncio.to_thread(self._store.change_mutes, change)
        else:
            self.mutes = change(self.mutes)

    async def _save(self, store: AlarmStore) -> None:
        """Store what was reported, then forget the answers to what is over, so that it is heard when it comes again.

        In this order: a process that is killed or reads in between must not take it for reported and unanswered.
        """
        episodes, now, trouble = self.episodes.by_key, self._monotonic(), ""
        over = [key for key in self.answers if key not in episodes and key not in self.episodes.reported_before]
        self._over_since = {key: self._over_since.get(key, now) for key in over}
        past = [
            key for key in over if not key.startswith(LASTING_PREFIXES) or now - self._over_since[key] >= KEEP_ANSWERS
        ]
        try:
            await asyncio.to_thread(store.save_reported, episodes)
            entries = tuple(self._unsaved_history)
            await asyncio.to_thread(store.history.add, entries)
            del self._unsaved_history[: len(entries)]
            for key, until in tuple(self._unsaved_answers.items()):
                await asyncio.to_thread(store.answer, (key,), until)
                self._unsaved_answers.pop(key, None)
            if past and self._clock() - self._opened > CARRY_OVER:
                self.answers = await asyncio.to_thread(store.answer, past, 0.0)
        except OSError as error:
            trouble = f"what was reported and answered cannot be stored: {error}"
        self._set_trouble("store", trouble)
