"""Records what a feed tells, also after the feed broke and was begun again."""

from __future__ import annotations

import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

from mailcore.config import read_config
from mailcore.model.activity import Activity
from mailcore.model.usage import Spent
from mailcore.observe.facts import Fact, Seen, Used
from mailcore.text import counted
from mailcore.text.terminal import complain
from mailcore.workspace.find import Workspace
from praxmonitor.feed.base import Feed
from praxmonitor.feed.recording import RecordingError, RecordingHeader, RecordingWriter
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.state.catch_up import unreported

PROGRESS = 1.0
"""Seconds between two lines of progress on a terminal."""


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
    """Writes what a feed tells, also after it broke and was begun anew."""

    def __init__(self, writer: RecordingWriter) -> None:
        self.breaks: list[str] = []
        """Why the watching stopped, each time that it did."""
        self._writer = writer
        self._anew = False
        """The next reading is the first after a break."""
        self._written: defaultdict[str, deque[Activity]] = defaultdict(lambda: deque(maxlen=KNOWN_AFTER_BREAK))
        """By address, the newest that were written."""
        self._spent: set[int] = set()
        """What was spent, each as a number: what was used today is read bit by bit, long after a break."""

    def write(self, at: float, facts: Sequence[Fact]) -> None:
        """One reading. After a break everything is read anew: what is recorded already is left out."""
        anew, self._anew = self._anew, False
        self._writer.write(at, tuple(self._new(facts, anew)))

    async def follow(self, feed: Feed) -> None:
        """Until the feed ends, which is to tell this recorder's `write`. RecordingError if the file cannot be written."""
        async with aclosing(restarted_fleets(feed, self._told, fatal=RecordingError)) as fleets:
            async for _ in fleets:
                if sys.stderr.isatty():
                    _say(self._writer, end="\r")

    def _told(self, why: str) -> None:
        if why:
            self.breaks.append(why)
            self._anew = True

    def _new(self, facts: Iterable[Fact], anew: bool) -> Iterator[Fact]:
        for fact in facts:
            match fact:
                case Seen(activities=activities):
                    written = self._written[fact.address]
                    if anew:
                        since = min(activity.at for activity in written) if len(written) == KNOWN_AFTER_BREAK else -inf
                        activities = tuple(unreported(written, activities, since))
                    written.extend(activities)
                    spent = self._unpaid(fact.spent)
                    if activities or spent:
                        yield replace(fact, activities=activities, spent=spent)
                case Used():
                    yield replace(fact, spent=self._unpaid(fact.spent))
                case _:
                    yield fact

    def _unpaid(self, spent: tuple[Spent, ...]) -> tuple[Spent, ...]:
        """What of it was not written; from the first break on that is asked."""
        by_number = [(hash((one.agent, one.session, one.model, one.at)), one) for one in spent]
        new = tuple(one for number, one in by_number if number not in self._spent) if self.breaks else spent
        self._spent.update(number for number, _ in by_number)
        return new


def _say(writer: RecordingWriter, *, end: str) -> None:
    counts = f"{counted(writer.facts, 'fact')} in {counted(writer.readings, 'reading')}"
    complain(f"recording to {writer.path}: {counts}", end=end)
