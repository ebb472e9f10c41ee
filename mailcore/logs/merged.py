"""The logs of agents as one stream in the order of time, read in pages from any place, and followed.

A position is how far each log was read: so a page costs its entries and a look at each log, whatever their sizes, and
nothing is shown twice or lost where the times in a log do not grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from operator import itemgetter

from msgspec.structs import replace

from mailcore.logs.entries import UNPLACED, LogEntries
from mailcore.logs.following import FollowedLog
from mailcore.logs.log_file import LogFile
from mailcore.logs.readings import reading_of
from mailcore.logs.wanted import EVERYTHING, LogFilter
from mailcore.model.agent import Agent
from mailcore.model.log import LogEntry, LogSource
from mailcore.observe.log_rotation import rotated_from

MAX_MOVED = 64
"""Files that were rotated while they were followed that stay open."""
MAX_LOOKED_AT = 20_000
"""Entries that one page looks at, at most, while it looks for those that are wanted."""


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A place in the stream, between two entries."""

    places: tuple[int, ...]
    """Of each log, in the order in which they were opened, the bytes that stand before it; of later ones none."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries in the order of time, and where they begin and end."""

    entries: tuple[LogEntry, ...]
    begin: LogPosition
    end: LogPosition
    whole: bool = True
    """False: it was cut short by what one page looks at; the next one goes on from there."""


class MergedLog:
    """Logs as one stream. For one thread; `close` lets go of the files."""

    def __init__(self, sources: Sequence[LogSource], agents: Sequence[Agent] = ()) -> None:
        """`agents`: whose logs they are: by them it is known what an agent's program means by its lines.

        A log that cannot be opened is left out.
        """
        self._agents = {agent.address: agent for agent in agents}
        self._logs: list[LogEntries] = []
        self._followed: list[FollowedLog] = []
        self._sources: list[LogSource] = []
        """Of each as it was when it was opened."""
        for source in sources:
            with suppress(OSError):
                self._open(source, LogFile(source.path))

    @property
    def sources(self) -> tuple[LogSource, ...]:
        """Those that are open."""
        return tuple(log.source for log in self._logs)

    @property
    def size(self) -> int:
        """Bytes of all of them, as of the last look."""
        return sum(log.file.size for log in self._logs)

    @property
    def start(self) -> LogPosition:
        """Before all entries."""
        return LogPosition(())

    @property
    def end(self) -> LogPosition:
        """Behind all entries, as of the last look."""
        return LogPosition(tuple(log.file.size for log in self._logs))

    def last(self, count: int, wanted: LogFilter = EVERYTHING) -> LogPage:
        """The last entries, as of the last look."""
        return self.before(self.end, count, wanted)

    def before(self, position: LogPosition, count: int, wanted: LogFilter = EVERYTHING) -> LogPage:
        """At most `count` entries, the last ones before a position; only those that are `wanted`.

        None that begins before the time from which on they are wanted is looked for.
        """
        places = self._places(position)
        heads: list[tuple[float, int, int]] = []
        for number in range(len(places)):
            self._head_before(heads, number, places[number], wanted)
        found: list[LogEntry] = []
        looked = 0
        while heads and len(found) < count and looked < MAX_LOOKED_AT:
            at, number, begin = heappop(heads)
            number = -number
            if 0 < -at < wanted.begin:  # all that comes now is older
                heads.clear()
                break
            places[number] = begin
            entry = self._logs[number].entry(begin)
            if entry is not None and wanted.wants(entry):
                found.append(entry)
            self._head_before(heads, number, begin, wanted)
            looked += 1
        return LogPage(tuple(reversed(found)), LogPosition(tuple(places)), position, looked < MAX_LOOKED_AT)

    def after(self, position: LogPosition, count: int, wanted: LogFilter = EVERYTHING) -> LogPage:
        """The same of the first ones after it."""
        places = self._places(position)
        heads: list[tuple[float, int, int, int]] = []
        for number in range(len(places)):
            self._head_after(heads, number, places[number], wanted)
        found: list[LogEntry] = []
        looked = 0
        while heads and len(found) < count and looked < MAX_LOOKED_AT:
            at, number, begin, end = heappop(heads)
            if at > wanted.end:  # all that comes now is later
                heads.clear()
                break
            places[number] = end
            entry = self._logs[number].entry(begin)
            if entry is not None and wanted.wants(entry):
                found.append(entry)
            self._head_after(heads, number, end, wanted)
            looked += 1
        return LogPage(tuple(found), position, LogPosition(tuple(places)), looked < MAX_LOOKED_AT)

    def at_time(self, seconds: float) -> LogPosition:
        """Before the first entries of that time, seconds since the epoch, or of one after it."""
        return LogPosition(tuple(log.place_at(seconds) for log in self._logs))

    @property
    def looked(self) -> LogPosition:
        """Before what the next look returns: lines that have no end yet stand behind it."""
        return LogPosition(tuple(followed.place for followed in self._followed))

    def look(self) -> tuple[LogEntry, ...]:
        """What came to the logs since the last look, in the order of time; whole lines.

        What goes on with an entry that was returned before comes as one of its own. A log that was rotated is read to
        its end, then what took its place.
        """
        found: list[tuple[float, int, LogEntry]] = []
        number = 0
        while number < len(self._followed):  # those that take another's place are put behind the others
            entries, after = self._followed[number].look()
            found += ((entry.at, number, entry) for entry in entries)
            for file in after:
                self._open(self._sources[number], file, 0)
            number += 1
        self._let_go()
        return tuple(entry for _, _, entry in sorted(found, key=itemgetter(0, 1)))

    @property
    def behind(self) -> bool:
        """There is more than the last look returned: look again."""
        return any(followed.behind for followed in self._followed)

    def add(self, sources: Sequence[LogSource]) -> None:
        """Logs that are there by now; what stands in those that are new comes with the next look.

        Not what a log was rotated to that is open: its lines come with that.
        """
        known = {log.source.path for log in self._logs} | {source.path for source in self._sources}
        for source in sources:
            place, _, name = source.path.rpartition("/")
            if source.path not in known and f"{place}/{rotated_from(name)}" not in known:
                with suppress(OSError):
                    self._open(source, LogFile(source.path), 0)

    def close(self) -> None:
        """Let go of the files."""
        for log in self._logs:
            log.close()

    def _open(self, source: LogSource, file: LogFile, start: int | None = None) -> None:
        """`start`: from where on what stands in it is news; None: from its end on."""
        if any(log.file.identity == file.identity and not log.closed for log in self._logs):
            file.close()
            return
        source = replace(source, path=str(file.path))
        log = LogEntries(source, file, reading_of(source, file, self._agents.get(source.agent)))
        self._logs.append(log)
        self._sources.append(source)
        self._followed.append(FollowedLog(log, file.size if start is None else start))

    def _let_go(self) -> None:
        """Of what was rotated only the newest files stay open."""
        moved = [followed.log for followed in self._followed if followed.moved and not followed.log.closed]
        for log in moved[:-MAX_MOVED]:
            log.close()

    def _places(self, position: LogPosition) -> list[int]:
        return [*position.places, *(0 for _ in self._logs[len(position.places) :])]

    def _head_before(self, heads: list[tuple[float, int, int]], number: int, place: int, wanted: LogFilter) -> None:
        if (found := self._logs[number].before(place, wanted.candidates)) is not None:
            at, begin = found
            heappush(heads, (float("-inf") if at == UNPLACED else -at, -number, begin))

    def _head_after(self, heads: list[tuple[float, int, int, int]], number: int, place: int, wanted: LogFilter) -> None:
        if (found := self._logs[number].after(place, wanted.candidates)) is not None:
            heappush(heads, (found[0], number, *found[1:]))
