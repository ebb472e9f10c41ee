"""What came to one log since it was read last, as errors. Looks, and writes nothing.

A log that was rotated is read to its end where it went, before the one that took its place. An error whose last lines
may be still to come is left for the next look.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from mailcore.errors.store import LogPlace
from mailcore.model.error_group import ErrorEvent
from mailcore.model.log import LogSource
from mailcore.observe.log_rotation import file_identity, open_copy, open_moved
from mailcore.system import safe_open

SETTLED_AFTER = 1.5
"""Seconds without a write after which an error's lines are taken to be all there."""
CLOSED_AFTER = 30.0
"""The same of a last line that has no end."""
_READ_BYTES = 256 * 1024
MAX_OPEN_ERROR = 256 * 1024
"""Bytes of an error that may be waited for."""
LONGEST_LINE = 1024 * 1024
_MARK_BYTES = 64


class LineReader(Protocol):
    """What makes errors of lines."""

    @property
    def warnings(self) -> int:
        """Lines so far that warn."""

    def feed(self, lines: Sequence[tuple[int, bytes]], at: float) -> list[ErrorEvent]:
        """The errors that are over, each once."""

    def flush(self) -> list[ErrorEvent]:
        """What is still open."""


class LogNews(NamedTuple):
    """What one look found."""

    events: tuple[tuple[ErrorEvent, bool], ...]
    """Each error, and whether it stood there before anybody watched."""
    place: LogPlace
    """Where the next look goes on."""
    behind: bool = False
    """There is more to read than this look did, or what stands at the end is still open."""
    warnings: int = 0
    size: int = 0
    """Bytes that were read."""


def end_of_log(path: str, now: float, *, passed: int = 0) -> LogPlace:
    """A log that is seen for the first time and is all history, of which the last `passed` bytes are to be counted."""
    descriptor, stat = safe_open.descriptor(Path(path))
    try:
        start = max(0, stat.st_size - passed)
        if start:
            rest = os.pread(descriptor, LONGEST_LINE, start).find(b"\n")
            start = start + rest + 1 if rest >= 0 else stat.st_size
        return _place(descriptor, stat, start, now, history_end=stat.st_size)
    finally:
        os.close(descriptor)


def is_unmoved(source: LogSource, place: LogPlace) -> bool:
    """One look: nothing came to it since."""
    try:
        stat = Path(source.path).stat()
    except OSError:
        return True
    return (stat.st_dev, stat.st_ino, stat.st_size) == (place.device, place.inode, place.offset)


def read_log_news(
    source: LogSource, place: LogPlace, make: Callable[[int], LineReader], now: float, most: int, *, ended: bool = False
) -> LogNews:
    """What came since `place`, of `most` bytes at most. OSError where it cannot be read.

    `make` makes what reads the lines from an offset on. `ended`: nobody writes to it any more.
    """
    parts = _parts(source, place)
    events: list[tuple[ErrorEvent, bool]] = []
    warnings, size = 0, 0
    reached = place
    try:
        for number, (descriptor, start) in enumerate(parts):
            last = number == len(parts) - 1
            history = place.history_end if number == 0 else 0
            found, reached, behind, warned = _read_part(
                descriptor, start, make(start), now, most - size, history, closed=ended or not last
            )
            events += found
            warnings += warned
            size += max(0, reached.offset - start)
            if behind:
                return LogNews(tuple(events), reached, True, warnings, size)
        return LogNews(tuple(events), reached, False, warnings, size)
    finally:
        for descriptor, _ in parts:
            os.close(descriptor)


def _parts(source: LogSource, place: LogPlace) -> list[tuple[int, int]]:
    """Descriptors to be read one after another, each from an offset on; for the caller to close."""
    path, known = Path(source.path), (place.device, place.inode)
    mark = bytes.fromhex(place.mark)
    current: tuple[int, os.stat_result] | None = None
    with suppress(FileNotFoundError):  # between a rotation and the first line after it
        current = safe_open.descriptor(path, os.O_RDONLY)
    if current is not None and (not place.inode or _stands(*current, place, mark)):
        return [(current[0], place.offset)]
    older = open_moved(path, known) if current is None or file_identity(current[1]) != known else []
    if older and not _holds(older[0], place, mark):  # a removed file's number was given to another
        while older:
            os.close(older.pop())
    if not older and mark and (copy := open_copy(path, mark, place.offset, place.at - 1)) >= 0:
        older = [copy]
    if not older and mark and current is not None and _is_restored(*current, place, mark):
        return [(current[0], place.offset)]
    parts = [(descriptor, 0 if number else place.offset) for number, descriptor in enumerate(older)]
    return [*parts, *([(current[0], 0)] if current is not None else [])]


def _stands(descriptor: int, stat: os.stat_result, place: LogPlace, mark: bytes) -> bool:
    """It is the file that was read, and what was read of it stands there still."""
    same = file_identity(stat) == (place.device, place.inode) and stat.st_size >= place.offset
    return same and _holds(descriptor, place, mark)


def _holds(descriptor: int, place: LogPlace, mark: bytes) -> bool:
    """What stood before that place stands there."""
    return os.pread(descriptor, len(mark), place.offset - len(mark)) == mark


def _is_restored(descriptor: int, stat: os.stat_result, place: LogPlace, mark: bytes) -> bool:
    """It is another file with the same beginning: the workspace was copied, or brought back."""
    known = file_identity(stat) != (place.device, place.inode) and stat.st_size >= place.offset
    return known and _holds(descriptor, place, mark)


def _read_part(
    descriptor: int, start: int, reader: LineReader, now: float, most: int, history_end: int, *, closed: bool
) -> tuple[list[tuple[ErrorEvent, bool]], LogPlace, bool, int]:
    stat = os.fstat(descriptor)
    at = min(stat.st_mtime, now)
    quiet = now - stat.st_mtime
    place, events = start, list[ErrorEvent]()
    for lines, end in _lines(descriptor, start, start + max(0, most), closed=closed or quiet > CLOSED_AFTER):
        events += reader.feed(lines, at)
        place = end
    behind = place < stat.st_size and place - start >= most
    pending = reader.flush()
    opened = min((event.offset for event in pending if event.offset >= start), default=place)
    waits = behind or not (closed or quiet > SETTLED_AFTER)
    if waits and pending and start < opened < place and place - opened < MAX_OPEN_ERROR:
        # It is read again from its first line on, with what else stands there.
        place, behind = opened, True
        events = [event for event in events if event.offset < opened]
    elif waits and pending and opened == start and place - opened < MAX_OPEN_ERROR and not behind:
        place, behind, events = start, True, []
    else:
        events += pending
    found = [(event, event.offset < history_end) for event in events]
    return found, _place(descriptor, stat, place, now, history_end=history_end), behind, reader.warnings


def _lines(descriptor: int, start: int, stop: int, *, closed: bool) -> Iterator[tuple[list[tuple[int, bytes]], int]]:
    """Lines with their offsets, and where they end; the last one, without an end of its own, if it is `closed`."""
    offset, rest = start, b""
    while offset + len(rest) < stop:
        data = os.pread(descriptor, _READ_BYTES, offset + len(rest))
        if not data:
            break
        rest += data
        lines: list[tuple[int, bytes]] = []
        begin = 0
        while (end := rest.find(b"\n", begin)) >= 0:
            lines.append((offset + begin, rest[begin:end]))
            begin = end + 1
        if not begin and len(rest) > LONGEST_LINE:
            lines.append((offset, rest[:_READ_BYTES]))
            begin = len(rest)
        offset, rest = offset + begin, rest[begin:]
        if lines:
            yield lines, offset
    if rest and closed:
        yield [(offset, rest)], offset + len(rest)


def _place(descriptor: int, stat: os.stat_result, offset: int, now: float, history_end: int) -> LogPlace:
    mark = os.pread(descriptor, min(_MARK_BYTES, offset), max(0, offset - _MARK_BYTES))
    return LogPlace(offset, stat.st_dev, stat.st_ino, mark.hex(), now, history_end if history_end > offset else 0)
