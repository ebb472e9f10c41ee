"""Tells the other hosts of this one's agents: what changed, soon and not too often; all there is where it is wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from secrets import token_hex

import msgspec

from mailcore.link.sight_message import SightMessage, encoded_facts, encoded_message
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.observe.facts import Fact, Roster
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.telling import roster, telling
from mailcore.observe.watch import Batch, WorkspaceWatch
from mailcore.system import memory
from mailcore.workspace.find import Workspace

TELL_FRAME = 0.2
"""Seconds between two readings of one agent, at least; the first after a pause is told at once."""
TELL_PAUSE = 0.03
"""Seconds between two messages, at least: what several agents do at a moment is told in one."""
PAUSE_SHARE = 19
"""It pauses for so many times as long as it worked, at least: a flood of mail is not read again for each."""
BYTES_A_SECOND = 512 << 10
"""What is told on an average, at most: what is more is told later, as it is then."""
WHOLE_EVERY = 4.0
"""Seconds between two tellings of all there is, at least."""
TELL_AGAIN = 1.0
"""Seconds after which it is tried again where nobody is reached."""
SIGHT_SWEEP = 2.0
"""Seconds between two looks where the kernel does not tell what changes."""
SIGHT_GIVE_BACK = 60.0
"""Seconds, at least, between two times that free memory is given back to the system."""


class SightPublisher:
    """Reads this workspace, of which no other host's agents, in one thread. `run` it there."""

    def __init__(
        self, workspace: Workspace, publish: Callable[[bytes], bool], listened: Callable[[], bool] = lambda: True
    ) -> None:
        """`publish` is called in that thread; False: nobody is reached, and it is to be told later. `listened`: whether
        somebody may be there to hear it."""
        self.life = token_hex(8)
        """Which run this is."""
        self.number = 0
        """Of the last reading that was published."""
        self._workspace, self._publish, self._listened = workspace, publish, listened
        self._watch: WorkspaceWatch | None = None
        self._stopped = False
        self._wanted = threading.Event()
        self._whole_at = -WHOLE_EVERY
        self._roster: Roster | None = None
        """As it was told last; None: nobody wanted anything yet."""
        self._of: tuple[object, object] = (None, None)
        """The places and notes of the fleet whose roster that is."""
        self._told: dict[str, AgentFacts] = {}
        """By address: what was told of each so far."""
        self._told_at: dict[str, float] = {}
        """By address: when, by the machine's own clock."""
        self._next = 0.0
        """Before this nothing more is told, by the same clock."""

    def want(self) -> None:
        """Somebody misses something: tell all. From whatever thread."""
        self._wanted.set()
        if self._watch is not None:
            self._watch.nudge()

    def stop(self) -> None:
        """End it, from whatever thread."""
        self._stopped = True
        if self._watch is not None:
            self._watch.stop()

    def run(self) -> None:
        """Read and tell until it is stopped."""
        with closing(WorkspaceReader(self._workspace, hosts=False)) as reader:
            fleet = apply(Fleet(self._workspace.root), reader.initial(read_before=True), time.time())
            with WorkspaceWatch(reader.watch_paths, SIGHT_SWEEP, waits=reader.waits) as watch:
                self._watch = watch
                given_back = time.monotonic()
                watch.recall(given_back)
                for batch in () if self._stopped else watch:
                    worked = time.thread_time()
                    if batch.sweep and time.monotonic() - given_back > SIGHT_GIVE_BACK:
                        memory.give_back()
                        given_back = time.monotonic()
                    if facts := _facts(reader, batch):
                        fleet = apply(fleet, facts, time.time())
                    if (again := self.tell(fleet, time.monotonic())) is not None:
                        watch.recall(again)
                    watch.pause(max(TELL_PAUSE, PAUSE_SHARE * (time.thread_time() - worked)))

    def tell(self, fleet: Fleet, now: float) -> float | None:
        """Tell what is due of this fleet at `now`, by the machine's own clock. Returns when more is; None: nothing is
        left."""
        if not self._listened():
            return now + TELL_AGAIN
        if now < self._next:
            return self._next
        if self._wanted.is_set():
            if now < self._whole_at + WHOLE_EVERY:
                return self._changes(fleet, now, self._whole_at + WHOLE_EVERY)
            return self._whole(fleet, now)
        return self._changes(fleet, now, None)

    def _changes(self, fleet: Fleet, now: float, again: float | None) -> float | None:
        """What changed of those of whom nothing was told for a frame. `again`: when more is to be told anyway."""
        if self._roster is None:
            return again
        facts: list[Fact] = []
        told: list[AgentFacts] = []
        now_here = self._roster
        if (fleet.places, fleet.notes) != self._of and (now_here := roster(fleet)) != self._roster:
            facts.append(now_here)
            self._told = {one.address: old for one in fleet.agents if (old := self._told.get(one.address)) is not None}
        for new in fleet.agents:
            old = self._told.get(new.address)
            if new is old:
                continue
            due = self._told_at.get(new.address, -TELL_FRAME) + TELL_FRAME
            if due > now:
                again = due if again is None else min(again, due)
                continue
            if (fact := telling(old, new)) is not None:
                facts.append(fact)
            told.append(new)
        if facts and not self._send(encoded_facts(facts), now):
            return now + TELL_AGAIN  # it is told then, as it is then
        self._roster, self._of = now_here, (fleet.places, fleet.notes)
        self._note(told, now)
        return again

    def _whole(self, fleet: Fleet, now: float) -> float | None:
        """All there is."""
        self._wanted.clear()
        now_here = roster(fleet)
        facts: list[Fact] = [now_here, *(fact for one in fleet.agents if (fact := telling(None, one)) is not None)]
        if not self._send(list(encoded_facts(facts)), now):
            self._wanted.set()
            return now + TELL_AGAIN
        self._whole_at, self._roster, self._of = now, now_here, (fleet.places, fleet.notes)
        self._told = {}
        self._note(fleet.agents, now)
        return None

    def _note(self, told: Iterable[AgentFacts], now: float) -> None:
        for one in told:
            self._told[one.address], self._told_at[one.address] = one, now

    def _send(self, readings: Iterable[bytes], now: float) -> bool:
        """Publish these in a row; a list is all there is. False if one was not published."""
        parts = len(readings) if isinstance(readings, Sequence) else 0
        size = 0
        for part, data in enumerate(readings):
            message = _reading(self.life, self.number + 1, part if parts else 0, parts, data)
            if not self._publish(message):
                return False
            self.number += 1
            size += len(message)
        self._next = now + size / BYTES_A_SECOND
        return True


def _reading(life: str, number: int, part: int, parts: int, facts: bytes) -> bytes:
    return encoded_message(SightMessage(life, number, time.time(), part, parts, facts=msgspec.Raw(facts)))


def _facts(reader: WorkspaceReader, batch: Batch) -> list[Fact]:
    facts = reader.changed(batch.paths) if batch.paths else []
    if batch.sweep:
        return facts + reader.sweep()
    return facts + reader.glance() if batch.glance else facts
