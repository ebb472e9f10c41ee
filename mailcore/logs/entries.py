"""The entries of one log, from any place on, forwards and backwards."""

from __future__ import annotations

import re
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, field

from mailcore.logs.blocks import BLOCK, EntryRows, believed_times, block_entries
from mailcore.logs.log_file import LogFile
from mailcore.logs.readings import Reading, Told
from mailcore.logs.wanted import Candidates
from mailcore.model.log import LogEntry, LogSource
from mailcore.observe.log_rotation import file_identity

MAX_BLOCKS = 8
"""Blocks of a log that are remembered."""
FAST_BLOCKS = 64
"""Blocks that are searched at once where none of the last ones had what is wanted."""
REACH = 4
"""Blocks behind the one in which an entry begins, in which what is searched of it may stand."""
LOOK_BACK = 65_536
"""Bytes before an entry, or behind a place, in which a time is looked for."""
UNPLACED = -1.0
"""The place in time of an entry that stands too far behind the last line with a time."""

_MAY_TELL = re.compile(rb"\d{4}[-/]\d\d[-/]\d\d[T ]|(?:^|\n)\s*\{|(?:time|ts|timestamp)=")
"""What has no such thing in it has no time: most of what a program prints."""


@dataclass(slots=True)
class _Block:
    size: int
    """Bytes of the file when it was read."""
    entries: list[EntryRows]
    offsets: list[int]
    places: list[float]
    """Where each stands in time: in the block never before the one before it."""
    told: dict[int, Told | None] = field(default_factory=dict)


class LogEntries:
    """The entries of one log. A place in it is a count of bytes, at which an entry begins or the file ends."""

    def __init__(self, source: LogSource, file: LogFile, reading: Reading) -> None:
        self.source, self.file, self.reading = source, file, reading
        self._blocks: dict[int, _Block] = {}
        self._timed, self._asked = False, -1
        """Whether any line has a time, and the size of the file when that was looked for."""
        self.written = 0.0
        """When the file was written last, seconds since the epoch."""
        self.closed = False
        """The file is read no more."""
        self.looked()

    def looked(self) -> None:
        """The file was looked at, and may have grown."""
        with suppress(OSError):
            found = self.file.path.stat()
            if file_identity(found) == self.file.identity:
                self.written = found.st_mtime

    def close(self) -> None:
        """Let go of the file; it has no entries from now on."""
        self.file.close()
        self._blocks.clear()
        self.closed = True

    def take(self, file: LogFile) -> None:
        """Read that file from now on, which holds the same, or more."""
        self.file = file
        self._blocks.clear()

    def before(self, place: int, candidates: Candidates | None = None) -> tuple[float, int] | None:
        """The last entry that begins before a place: where it stands in time, and where it begins; None: none does.

        What has none of the `candidates` in it may be passed over.
        """
        number = (min(place, self.file.size) - 1) // BLOCK
        while (number := self._candidate_before(number, candidates)) >= 0:
            block = self._block(number)
            if at := bisect_left(block.offsets, place):
                return block.places[at - 1], block.offsets[at - 1]
            number = min(number - 1, self.file.row_at(number * BLOCK).offset // BLOCK)
        return None

    def after(self, place: int, candidates: Candidates | None = None) -> tuple[float, int, int] | None:
        """The first entry that begins at a place or after it: where it stands in time, where it begins and ends."""
        while (place := self._candidate_after(place, candidates)) < self.file.size:
            block = self._block(place // BLOCK)
            at = bisect_left(block.offsets, place)
            if at < len(block.offsets):
                return block.places[at], block.offsets[at], block.entries[at].end
            end = block.entries[-1].end if block.entries else self.file.row_at(place // BLOCK * BLOCK + BLOCK - 1).end
            place = max(place + 1, end)
        return None

    def entry(self, offset: int) -> LogEntry | None:
        """The entry that begins there; None: it tells nothing."""
        block = self._block(offset // BLOCK)
        number = bisect_left(block.offsets, offset)
        if offset not in block.told:
            wanted = block.entries[number : number + 1] if self.reading.leads else block.entries
            for one, told in zip(wanted, self.reading.told(wanted), strict=True):
                block.told[one.offset] = told
        told = block.told.get(offset)
        if told is None:
            return None
        level, lines = told
        return LogEntry(block.entries[number].at or max(block.places[number], 0.0), self.source, offset, level, lines)

    def place_at(self, seconds: float) -> int:
        """Where the first entry begins that stands at that time or after it; the file's size if none does."""
        if not self._has_times():
            return 0 if self.written >= seconds else self.file.size
        low, high = 0, -(-self.file.size // BLOCK)
        while high - low > 1:
            middle = (low + high) // 2
            at = self._first_time(middle * BLOCK)
            low, high = (middle, high) if 0 < at < seconds else (low, middle)
        place = low * BLOCK
        while (found := self.after(place)) is not None:
            at, begin, end = found
            if at >= seconds:
                return begin
            place = end
        return self.file.size

    def _candidate_before(self, number: int, candidates: Candidates | None) -> int:
        """The last block up to that one in whose entries there may be a candidate; below 0: there is none."""
        if candidates is None or not self.reading.as_written:
            return number
        count = 1
        while number >= 0:
            first = max(0, number - count + 1)
            found = candidates.last(self.file.data(first * BLOCK, (number - first + 1 + REACH) * BLOCK))
            if found >= 0:
                return min(number, first + found // BLOCK)
            number, count = first - 1, FAST_BLOCKS
        return number

    def _candidate_after(self, place: int, candidates: Candidates | None) -> int:
        """The place from which on an entry may be a candidate; the file's size: none is."""
        if candidates is None or not self.reading.as_written:
            return place
        count = 1 + REACH
        while place < self.file.size:
            found = candidates.first(self.file.data(place, count * BLOCK))
            if found >= 0:
                return max(place, ((place + found) // BLOCK - REACH) * BLOCK)
            place, count = place + (count - REACH) * BLOCK, FAST_BLOCKS
        return self.file.size

    def _block(self, number: int) -> _Block:
        known = self._blocks.get(number)
        if known is not None and (known.size == self.file.size or known.size >= (number + 3) * BLOCK):
            return known
        entries = block_entries(self.file, number, self.reading.entries, leads=self.reading.leads)
        times = [entry.at for entry in entries]
        believed = believed_times(times)
        at = self._time_before(number * BLOCK) if entries and not believed[0] else 0.0
        if at == UNPLACED:
            at = next((time for time, good in zip(times, believed, strict=True) if good), UNPLACED)
        places = [at := time if good else at for time, good in zip(times, believed, strict=True)]
        while len(self._blocks) >= MAX_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        made = _Block(self.file.size, entries, [entry.offset for entry in entries], places)
        self._blocks[number] = made
        return made

    def _time_before(self, place: int) -> float:
        """The time of the last line before a place that has one."""
        if not self._has_times():
            return self.written
        begin = max(0, place - LOOK_BACK)
        if at := self._time_in(begin, place, last=True):
            return at
        return self._first_time(0) or UNPLACED if begin == 0 else UNPLACED

    def _has_times(self) -> bool:
        end = self.file.size
        if not self._timed and end != self._asked:
            self._asked = end
            self._timed = self._first_time(0) > 0 or self._time_in(max(0, end - LOOK_BACK), end) > 0
        return self._timed

    def _first_time(self, place: int) -> float:
        end = self.file.size
        return self._time_in(place, min(end, place + BLOCK)) or self._time_in(place, min(end, place + LOOK_BACK))

    def _time_in(self, begin: int, end: int, *, last: bool = False) -> float:
        """The time of the first line that has one and begins in there, or of the last; 0.0 for none."""
        if begin >= end:
            return 0.0
        data = self.file.data(begin, end - begin)
        if not _MAY_TELL.search(data):
            return 0.0
        lines = data.split(b"\n")
        if begin > 0 and self.file.data(begin - 1, 1) != b"\n":
            del lines[0]
        told = (self.reading.time_of(line) for line in (lines[::-1] if last else lines) if _MAY_TELL.search(line))
        return next((at for at in told if at), 0.0)
