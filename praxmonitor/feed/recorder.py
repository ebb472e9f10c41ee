"""Records what a feed tells, also after the feed broke and was begun again."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

from mailcore.config import read_config
from mailcore.model.activity import Activity
from mailcore.model.usage import Spent
from mailcore.observe.facts import Fact, Seen, Used
from mailcore.workspace.find import Workspace
from praxmonitor.feed.base import Feed
from praxmonitor.feed.recording import RecordingError, RecordingHeader, RecordingWriter
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.state.catch_up import unreported

KNOWN_AFTER_BREAK = 100
"""Activities of an agent that are known again after a break: more than its files' ends tell at a first look."""


@contextmanager
def new_recording(path: Path, workspace: Workspace, *, bodies: bool = False) -> Iterator[RecordingWriter]:
    """A new recording of this workspace at `path`; complete on disk when the block is left."""
    config = read_config(workspace.config_file)
    writer = RecordingWriter(path, RecordingHeader(workspace.root, time.time(), config.alarms, config.mail, bodies))
    try:
        yield writer
    finally:
        writer.close(time.time())


class Recorder:
    """Writes what a feed tells, also after it broke and was begun again."""

    def __init__(self, writer: RecordingWriter) -> None:
        self.breaks: list[str] = []
        """Why the watching stopped, each time that it did."""
        self._writer = writer
        self._after_break = False
        """The next reading is the first after a break."""
        self._written: defaultdict[str, deque[Activity]] = defaultdict(lambda: deque(maxlen=KNOWN_AFTER_BREAK))
        """By address, the newest that were written."""
        self._spent: set[int] = set()
        """What was spent, each as a number: what was used today is read bit by bit, long after a break."""

    def write(self, at: float, facts: Sequence[Fact]) -> None:
        """One reading. After a break everything is read again: what is recorded already is left out."""
        after_break, self._after_break = self._after_break, False
        self._writer.write(at, tuple(self._new(facts, after_break)))

    async def follow(self, feed: Feed, on_fleet: Callable[[], None] = lambda: None) -> None:
        """Follow the feed to its end; it has to pass its facts to `write` of this recorder.

        `on_fleet` is called after each fleet. RecordingError if the file cannot be written.
        """
        async with aclosing(restarted_fleets(feed, self._note_break, fatal=RecordingError)) as fleets:
            async for _ in fleets:
                on_fleet()

    def _note_break(self, why: str) -> None:
        if why:
            self.breaks.append(why)
            self._after_break = True

    def _new(self, facts: Iterable[Fact], after_break: bool) -> Iterator[Fact]:
        for fact in facts:
            match fact:
                case Seen(activities=activities):
                    written = self._written[fact.address]
                    if after_break:
                        since = min(activity.at for activity in written) if len(written) == KNOWN_AFTER_BREAK else -inf
                        activities = tuple(unreported(written, activities, since))
                    written.extend(activities)
                    spent = self._unrecorded(fact.spent)
                    if activities or spent:
                        yield replace(fact, activities=activities, spent=spent)
                case Used():
                    yield replace(fact, spent=self._unrecorded(fact.spent))
                case _:
                    yield fact

    def _unrecorded(self, spent: tuple[Spent, ...]) -> tuple[Spent, ...]:
        """What of it was not written; from the first break on that is asked."""
        by_number = [(hash((one.agent, one.session, one.model, one.at)), one) for one in spent]
        new = tuple(one for number, one in by_number if number not in self._spent) if self.breaks else spent
        self._spent.update(number for number, _ in by_number)
        return new
