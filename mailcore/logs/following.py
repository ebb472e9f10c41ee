"""What comes to one log, line by line, whatever is done with its file: renamed, copied and cut, removed, begun anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from mailcore.logs.blocks import EntryRows, Grouping
from mailcore.logs.entries import LogEntries
from mailcore.logs.log_file import LogChange, LogFile, LogRow
from mailcore.model.activity import Kind
from mailcore.model.log import LogEntry
from mailcore.observe.file_tail import MARK_BYTES
from mailcore.observe.log_rotation import FileIdentity, file_identity, rotated_from

MAX_ROWS = 20_000
"""Rows of one log that one look returns, at most."""


class FollowedLog:
    """One log that is followed, from a place in it on."""

    def __init__(self, log: LogEntries, place: int) -> None:
        """`place`: bytes before what is wanted; of a line that has no end yet all is."""
        self.log = log
        name = log.file.path.name
        self._live = log.file.path.with_name(rotated_from(name) or name)
        self.moved = self._live != log.file.path
        """Its file has not the log's name: it was rotated, or removed."""
        self.behind = False
        """There is more than the last look returned: look again."""
        self._still = False
        """Nothing came of late to a file that was moved: a line that has no end gets none any more."""
        self._grouping = Grouping(log.source.agent)
        self._level, self._at = Kind.LOG, 0.0
        torn = place > 0 and log.file.data(place - 1, 1) != b"\n"
        self._take_place(log.file.row_at(place - 1).offset if torn else place)
        self._beside = {(found, written) for _, found, written in _rotated(self._live)}

    def _take_place(self, place: int) -> None:
        self.place = place
        """Bytes before what the next look returns."""
        self._mark = self.log.file.data(place - MARK_BYTES if place > MARK_BYTES else 0, min(place, MARK_BYTES))

    def look(self) -> tuple[list[LogEntry], list[LogFile]]:
        """What came since the last look, and the files that took its place, open, the oldest first.

        What came to those is not among it. The caller closes those that it knows already.
        """
        if self.log.closed:
            return [], []
        change = self.log.file.look()
        self.log.looked()
        after: list[LogFile] = []
        if change is LogChange.CUT or not self._stands():
            after = self._successors(self._copy())
        elif change is LogChange.REPLACED and not self.moved:
            after = self._successors(self.log.file)
        elif change in (LogChange.REPLACED, LogChange.GONE) and self.moved:
            self._rename()
        return self._entries(), after

    def _stands(self) -> bool:
        """What stands before our place is what we read there."""
        start = self.place - len(self._mark)
        return self.log.file.data(start, len(self._mark)) == self._mark

    def _copy(self) -> LogFile:
        """The copy that was made before the file was cut; the file itself, emptied for us, if there is none."""
        start = self.place - len(self._mark)
        for path, found, written in _rotated(self._live):
            if (found, written) not in self._beside and self.place:
                with suppress(OSError):
                    copy = LogFile(path)
                    if copy.data(start, len(self._mark)) == self._mark:
                        return copy
                    copy.close()
        self.log.close()
        return self.log.file

    def _successors(self, mine: LogFile) -> list[LogFile]:
        """Let the log be `mine` from now on, whatever its name, and open what took its place."""
        after = []
        with suppress(OSError):  # first the name, then those beside it: one that is renamed meanwhile is met as such
            after = [LogFile(self._live)]
        self.moved = True
        if mine is not self.log.file:
            self.log.file.close()
            self.log.take(mine)
        known = {file.identity for file in (*after, *([] if self.log.closed else [mine]))}
        for path, found, written in sorted(_rotated(self._live), key=lambda one: one[2], reverse=True):
            if (found, written) not in self._beside and found not in known:
                with suppress(OSError):
                    after.insert(0, LogFile(path))
        self._rename()
        return after

    def _rename(self) -> None:
        """Call the file as it is called now, if it is still beside the log."""
        file = self.log.file
        for path, found, _ in _rotated(self._live):
            if found == file.identity and not self.log.closed:
                file.path = path
                self.log.source = replace(self.log.source, path=str(path))

    def _entries(self) -> list[LogEntry]:
        if self.log.closed:
            return []
        file, rows = self.log.file, list[LogRow]()
        place = self.place
        while len(rows) < MAX_ROWS and (more := file.rows(place, 512)):
            rows += more
            place = more[-1].end
        self.behind = place < file.size
        if rows and rows[-1].end == file.size and file.data(file.size - 1, 1) != b"\n" and not self._still:
            rows.pop()
        self._still = self.moved and not rows
        if not rows or not self._stands():  # it was cut this moment: the next look will find that out
            return []
        self._take_place(rows[-1].end)
        return list(self._told(rows))

    def _told(self, rows: list[LogRow]) -> Iterator[LogEntry]:
        found = self._grouped(rows) if self.log.reading.leads else self.log.reading.entries(rows)
        for entry, told in zip(found, self.log.reading.told(found), strict=True):
            self._at = entry.at or self._at or self.log.written
            if told is not None:
                level, lines = told
                self._level = self._level if entry.goes_on else level
                yield LogEntry(self._at, self.log.source, entry.offset, self._level, lines)

    def _grouped(self, rows: list[LogRow]) -> list[EntryRows]:
        ended = [self._grouping.add(row) for row in rows]
        return [entry for entry in (*ended, self._grouping.take()) if entry is not None]


def _rotated(path: Path) -> list[tuple[Path, FileIdentity, int]]:
    """The files that a log was rotated to, each with which one it is and when it was written, in nanoseconds."""
    found = []
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if rotated_from(entry.name) == path.name and not entry.is_symlink():
                with suppress(OSError):
                    stat = entry.stat()
                    found.append((path.parent / entry.name, file_identity(stat), stat.st_mtime_ns))
    return found
