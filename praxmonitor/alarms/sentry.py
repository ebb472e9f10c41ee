"""The vigil of one screen or guard, together with its duty: tells what is due if it is its turn, and only then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mailcore.config import Config
from mailcore.errors import MailcoreError
from mailcore.model.senses import Senses
from praxmonitor.alarms.cap import hold_at_cap
from praxmonitor.alarms.episodes import Book, Episode, Round
from praxmonitor.alarms.kept import Kept
from praxmonitor.alarms.orphans import Seen, attend
from praxmonitor.alarms.vigil import Vigil
from praxmonitor.duty import Duty
from praxmonitor.moment import EMPTY, Moment
from praxmonitor.outlets import POP_TITLE, PUSH_TITLE, Command, cues, notification, title, told
from praxmonitor.sound import Cue
from praxmonitor.sound.mutes import mutes_path


class Sentry:
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
        write: Callable[[str], None] = lambda _: None,
        on_error: Callable[[str], None] = lambda _: None,
        on_duty: Callable[[], None] = lambda: None,
        on_config: Callable[[Config], None] = lambda _: None,
    ) -> None:
        """`period`: seconds between two calls of `beat`.

        `live`: it looks at the machine and reads what was answered and told. Else, as for a replay, it does neither,
        keeps nothing, acts on nothing, and only says what would be heard. `what`: `screen` or `guard`, who goes on
        duty; empty: it never does. `write` takes sequences for the terminal. `on_error` is told what the user's
        command did wrong, `on_duty` that it is settled who is on duty; both from any thread. `on_config` is told
        settings that changed while this watched; `on_alarm` among them holds from the next start on.
        """
        self.live = live
        self._holder = ""
        kept = Kept(mutes_path(root).parent) if self.live else None
        self._root, self._clock, self._write = root, clock, write
        self._vigil = Vigil(config, root, kept, period=period, clock=clock, on_config=on_config)
        self._on_error = on_error
        self._duty = Duty(root / ".praxmonitor", what, on_change=on_duty) if what else None
        self._command = Command(config.alarms.on_alarm, root, on_error) if what else None
        self._moment = EMPTY
        self._title = ""
        self.ready = not self.live
        """What was answered and told before is read: `tick` may be called."""

    @property
    def config(self) -> Config:
        """The settings that hold."""
        return self._vigil.config

    @property
    def on_duty(self) -> bool:
        """Whether this one sounds and acts."""
        return self._duty.ours if self._duty is not None else not self.live

    @property
    def holder(self) -> str:
        """Who is on duty, as it was last read; empty if it is this one, or if that is not known yet."""
        return "" if self.on_duty else self._holder

    @property
    def book(self) -> Book:
        """The alarms that stand."""
        return self._vigil.book

    @property
    def senses(self) -> Senses:
        """What the states are to be derived with."""
        return self._vigil.senses

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
        await self._vigil.open()
        if self._duty is not None:
            await asyncio.to_thread(self._duty.start)
        self.ready = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._vigil.look(lambda: self._moment))
            tasks.create_task(self._vigil.keep(lambda: self.on_duty))
            tasks.create_task(self._attend())
            if self._duty is not None:
                tasks.create_task(self._look_for_holder(self._duty))

    async def _attend(self) -> None:
        """Their sentinels act at once; this is for where they died too. Whoever looks does it, on duty or not."""
        seen = Seen(self._root)
        while True:
            try:
                await asyncio.to_thread(seen.look)
                failed = await asyncio.to_thread(attend, self._root, self._moment.fleet.agents)
            except (MailcoreError, OSError) as error:
                failed = str(error)
            if failed:
                self._on_error(f"a run whose supervisor died: {failed}")
            await asyncio.sleep(self.config.alarms.look)

    async def _look_for_holder(self, duty: Duty) -> None:
        while True:
            self._holder = await asyncio.to_thread(duty.holder)
            await asyncio.sleep(self.config.alarms.look)

    def beat(self) -> None:
        """A tick of the owner's own clock."""
        if self.live:
            self._vigil.beat()

    def tick(self, moment: Moment) -> tuple[Round, list[Cue]]:
        """What is due at this moment, and what of it is to be heard here: nothing where another is on duty.

        The terminal's notification and the user's command are on their way when this returns.
        """
        self._moment = moment
        if not self.ready:
            return Round(), []
        due = self._vigil.tick(moment)
        self.entitle()
        if not due or not self.on_duty:
            return due, []
        if self._duty is not None and (loud := (*due.raised, *due.repeated)):
            self._write(notification(told(loud), self.config.alarms.notify))
        if self._command is not None:
            self._command.run(due, self._root, moment.now)
        if self._duty is not None and self.config.usage.hold:
            for episode in due.raised:
                hold_at_cap(self._root, episode.alarm, self._on_error)
        voices = {facts.address: voice for voice, facts in enumerate(moment.fleet.agents)}
        return due, cues(due, voices)

    def entitle(self) -> None:
        """Let the terminal's title say what wants the operator."""
        unanswered = self.unanswered()
        if self._duty is None or not (unanswered or self._title):
            return
        words = title(self._root.name, unanswered)
        if words != self._title:
            self._write(words if self._title else PUSH_TITLE + words)
            self._title = words

    async def answer(self, keys: Iterable[str], until: float) -> None:
        """As in Vigil. OSError if it could not be kept."""
        await self._vigil.answer(keys, until)

    def close(self) -> None:
        """Another may go on duty."""
        if self._title:
            self._write(POP_TITLE)
        if self._duty is not None:
            self._duty.close()
