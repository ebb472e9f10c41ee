"""Keeps watch: the rules, the book of episodes, the senses and the answers, for whatever shows or tells the alarms.

The screen, `praxmonitor guard` and `praxmonitor alarms --follow` each hold one. Its owner calls `tick` at each of its
own ticks and with each new fleet, and runs `look` in a task.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore.config import Config
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts
from mailcore.model.senses import Senses
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.expectation import expectation
from mailcore.observe.state import stated
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.clock_checks import Beats, beat
from praxmonitor.alarms.episodes import NO_ANSWERS, Answers, Book, Round, Told, advance
from praxmonitor.alarms.rules.fleet import Rules
from praxmonitor.alarms.rules.vanished import NOBODY, Stand, Vanished, there
from praxmonitor.alarms.settings import Settings
from praxmonitor.alarms.single_check import BETWEEN
from praxmonitor.alarms.store import Kept, gone_before
from praxmonitor.state.snapshot import EMPTY, Moment

KNOWN = 60.0
"""Seconds after the start in which an alarm that was told before it goes on, and is not raised anew."""
HEEDED = 6 * 3600.0
"""Seconds for which the answer to a lasting alarm that is over is kept: every other screen and guard that holds the
alarm must read it, also one that was stopped meanwhile."""
LASTING = tuple(f"{kind} " for kind in AlarmKind if kind.lasting)
"""How their keys begin."""


class Vigil:
    """One watcher's view of the alarms. All calls from one thread; only `look` leaves it."""

    def __init__(
        self,
        config: Config,
        root: Path,
        kept: Kept | None,
        *,
        period: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        work: Callable[[Mapping[str, int], float], Mapping[str, float]] | None = None,
        there: Callable[[Agent], Stand] = there,
        on_config: Callable[[Config], None] = lambda _: None,
    ) -> None:
        """`period`: seconds between two ticks of the owner's. `kept`: None to keep and read nothing on any disk.

        `clock` gives seconds since the epoch, `monotonic` those of the machine's own clock. `work` as `Work.look`,
        `there` as `vanished.there`. `on_config` is told settings that changed while this watched, and now hold.
        """
        self.book = Book()
        self.answers: Answers = NO_ANSWERS
        # Where somebody looks at processes, nobody is called silent before they were looked at.
        self.senses = Senses(work=None if kept is None and work is None else NOBODY)
        self.config = config
        """The settings that hold."""
        self._on_config = on_config
        self._root, self._kept = root, kept
        self._rules = Rules(config)
        self._work = work or CpuActivity().measure
        self._vanished = Vanished(there)
        self._settings = Settings(root / ".praxmonitor" / "config.toml") if kept is not None else None
        self._beats = Beats()
        self._period, self._clock, self._monotonic = period, clock, monotonic
        self._opened = clock()
        self._told = asyncio.Event()
        """Something was told that is not kept yet."""
        self._unkept: dict[str, float] = {}
        """Answers that no disk took."""
        self._over: dict[str, float] = {}
        """Key of what is answered and over → since when, by the machine's own clock."""

    def beat(self) -> None:
        """A tick of the owner's: told by the clock, not by a change of files."""
        self._beats = beat(self._beats, self._clock(), self._monotonic(), self._period)
        self.learn(gaps=self._beats.gaps, lag=self._beats.lag)

    def tick(self, moment: Moment) -> Round:
        """What is to be told at this moment. Its statuses are those under `senses`."""
        if self.book.known and moment.now - self._opened > KNOWN:
            self.book = replace(self.book, known=MappingProxyType({}))
        alarms = self._rules.alarms(moment.fleet, moment.now, moment.statuses, self.senses)
        self.book, due = advance(self.book, alarms, self.answers, moment.now, self.config.alarms.repeat)
        if due:
            self._told.set()
        return due

    def take_over(self, known: Mapping[str, Told]) -> None:
        """This one goes on duty; `known`: what was told by the one before it."""
        self._opened = self._clock()
        book = self.book.taken_over(known, self._opened)
        anew = self.book.episodes.keys() - book.episodes.keys()
        goes_on = {key: told for key, told in known.items() if key not in anew}
        self.book = replace(book, known=MappingProxyType(goes_on))

    def mark(self, keys: Collection[str], *, heard: bool) -> None:
        """What is known now of whether these alarms were heard."""
        book = self.book.marked(keys, heard=heard)
        if book is not self.book:
            self.book = book
            self._told.set()

    async def known(self) -> Mapping[str, Told]:
        """What was told by whoever was on duty last."""
        return await asyncio.to_thread(self._kept.told) if self._kept is not None else MappingProxyType({})

    async def open(self) -> None:
        """Read what was answered and told before. Await it before the first `tick`."""
        if self._kept is not None:
            self.answers = await asyncio.to_thread(self._kept.answers)
            self.book = replace(self.book, known=await self.known())

    async def look(self, moment: Callable[[], Moment]) -> None:
        """Look at disk and CPU, directories, settings and answers every `[alarms] look` seconds, until cancelled.

        Each for itself: a disk that hangs, or what nobody thought of, keeps back nothing else. `moment` gives the
        newest.
        """

        async def machine() -> None:
            while True:
                newest = moment()
                near = self.near(newest)
                free, work = await asyncio.to_thread(self.seen, near)
                self.learn(disk_free=free, work=work)
                if newest is not EMPTY and near.keys() <= work.keys():
                    return
                # Nothing was read yet, or one look at a process told nothing of it: who is silent is not to wait.
                await asyncio.sleep(BETWEEN)

        async def directories() -> None:
            self.learn(gone=await asyncio.to_thread(self.missing, moment().fleet.agents))

        async with asyncio.TaskGroup() as tasks:
            for each in (machine, directories, self._look_at_settings, self._look_at_answers):
                tasks.create_task(self._again(each))

    async def _again(self, look: Callable[[], Awaitable[None]]) -> None:
        name = look.__name__.strip("_").replace("_", " ")
        while True:
            try:
                await look()
                self._trouble(name, "")
            except Exception as error:
                self._trouble(name, f"{name}: {type(error).__name__}: {error}")
            await asyncio.sleep(self.config.alarms.look)

    async def _look_at_settings(self) -> None:
        if self._settings is not None:
            self._configure(await asyncio.to_thread(self._settings.look))

    async def _look_at_answers(self) -> None:
        if self._kept is not None:
            kept = await asyncio.to_thread(self._kept.answers)
            self.answers = MappingProxyType({**kept, **self._unkept}) if self._unkept else kept

    def _configure(self, found: Config | str | None) -> None:
        """Follow settings that changed; say of those that cannot be followed what is wrong."""
        if found is None:
            return
        if isinstance(found, str):
            self._trouble("config", found)
            return
        self._trouble("config", "")
        self.config, self._rules = found, Rules(found)
        # Other senses: every state is derived anew, by the limits that hold now.
        self.senses = replace(self.senses)
        self._on_config(found)

    def _trouble(self, name: str, text: str) -> None:
        """Say what is wrong with this part of the watching; empty: nothing."""
        others = {other: said for other, said in self.senses.trouble.items() if other != name}
        self.learn(trouble=MappingProxyType(others | {name: text} if text else others))

    async def keep(self, on_duty: Callable[[], bool]) -> None:
        """Keep what is told as soon as it is, until cancelled: who is killed then has not told it in vain.

        `on_duty`: whether it is ours to keep.
        """
        while True:
            await self._told.wait()
            self._told.clear()
            if self._kept is not None and on_duty():
                await self._save(self._kept)

    def near(self, moment: Moment) -> dict[str, int]:
        """Address → root of its process tree, of agents that are silent by their files, or will be before long."""
        policy = self.config.alarms
        horizon, files_alone = moment.now + 3 * policy.look, Senses(gaps=self.senses.gaps)
        found = {}
        looked_at = self.senses.work or NOBODY
        for facts in moment.fleet.agents:
            if facts.lock is None or not facts.lock.pid:
                continue
            if moment.holds.get(facts.address, 0.0) >= horizon and facts.address not in looked_at:
                continue
            due = expectation(facts, stated(facts, moment.now, policy), moment.now, policy, files_alone)
            if due is not None and due.silent_at < horizon:
                found[facts.address] = facts.lock.pid
        return found

    def seen(self, pids: Mapping[str, int]) -> tuple[int, Mapping[str, float]]:
        """Bytes free, and when these process trees worked. May wait for a disk: for a worker thread."""
        try:
            disk = os.statvfs(self._root)
            free = disk.f_bavail * disk.f_frsize
        except OSError:
            free = -1
        return free, self._work(pids, self._clock())

    def missing(self, agents: Sequence[AgentFacts]) -> Mapping[str, float]:
        """Whose directory is missing, and since when. May wait for disks: for a worker thread."""
        return self._vanished.look(agents, self._clock(), self._monotonic(), gone_before(self.book.known))

    def learn(self, **seen: Any) -> None:
        """Take what was seen into the senses, by the names of their fields. The same object if nothing changed."""
        if any(getattr(self.senses, name) != value for name, value in seen.items()):
            self.senses = replace(self.senses, **seen)

    async def answer(self, keys: Iterable[str], until: float) -> None:
        """The operator's answer to these alarms: ACKNOWLEDGED, the end of a snooze, or 0.0 to take it back.

        OSError if it could not be kept; it holds until the program ends all the same.
        """
        said = dict.fromkeys(keys, until)
        self.answers = MappingProxyType({**self.answers, **said})
        if self._kept is not None:
            self._unkept |= said
            self.answers = await asyncio.to_thread(self._kept.answer, said, until)
            for key in said:
                self._unkept.pop(key, None)

    async def _save(self, kept: Kept) -> None:
        """Keep what was told, then forget the answers to what is over, so that it is heard when it comes again.

        In this order: who is killed in between, or reads in between, must not take it for told and not answered.
        """
        episodes, now, trouble = self.book.episodes, self._monotonic(), ""
        over = [key for key in self.answers if key not in episodes and key not in self.book.known]
        self._over = {key: self._over.get(key, now) for key in over}
        past = [key for key in over if not key.startswith(LASTING) or now - self._over[key] >= HEEDED]
        try:
            await asyncio.to_thread(kept.tell, episodes)
            if past and self._clock() - self._opened > KNOWN:
                self.answers = await asyncio.to_thread(kept.answer, past, 0.0)
        except OSError as error:
            trouble = f"what was told and answered cannot be kept: {error}"
        self._trouble("kept", trouble)
