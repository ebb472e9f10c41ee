"""The files of a channel: envelopes one a line, numbered without a gap, so that the last number is known by counting.

Whoever calls these holds the channel's lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from mailcore.exceptions import MailcoreError
from mailcore.model.link import Envelope
from mailcore.system import writing
from mailcore.system.safe_open import MAX_WHOLE_FILE, descriptor, read_bytes

MAX_LINES, MAX_SIZE = 256, 1 << 20
"""After so much a segment is full, and the next is begun."""
_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{12})\.jsonl")


_TAIL, _LONGEST_TAIL = 1 << 13, 1 << 24
"""Bytes in which the last line of a segment is looked for first, and then: more than two of the longest lines."""


class _Place(msgspec.Struct):
    id: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: `EPOCH-FIRST.jsonl`."""

    path: Path
    epoch: str
    first: int
    """The number of its first line."""
    lines: int
    size: int
    """Bytes that are on disk for good."""
    last_id: str = ""
    """The id of the envelope of its last line; known of an epoch's last segment alone."""

    @property
    def last(self) -> int:
        """The number of its last line; one less than `first` where it has none."""
        return self.first + self.lines - 1

    @property
    def is_too_large(self) -> bool:
        """True if it cannot be read whole: as such a one was written once, it is to be divided."""
        return self.size > MAX_WHOLE_FILE

    @property
    def is_full(self) -> bool:
        """True if the next line begins another."""
        return self.lines >= MAX_LINES or self.size >= MAX_SIZE

    def read(self) -> list[bytes]:
        """Its lines. OSError where it cannot be read."""
        return read_bytes(self.path, links=False)[: self.size].splitlines()

    def flush(self) -> None:
        """Let the disk have its lines for good: who wrote one may be waiting for that still."""
        writing.flush(self.path)

    def envelope(self, line: bytes, number: int) -> Envelope:
        """What stands in its line of that number. ValueError if that is no envelope, or another."""
        envelope = msgspec.json.decode(line, type=Envelope)  # its errors are ValueErrors
        if (envelope.epoch, envelope.seq) != (self.epoch, number):
            raise ValueError(f"{envelope.epoch}:{envelope.seq} stands where {self.epoch}:{number} should")
        return envelope


def list_segments(directory: Path, epoch: str = "") -> list[Segment]:
    """The segments of an epoch, or of all, by their first numbers. What a killed writer left of a line is cut off, and
    where that was all of a segment it goes: the one before it is the last.

    How many lines the last has its last line says, of the others the next one's name: how many they should have.
    """
    found = [match for name in os.listdir(directory) if (match := _NAME.fullmatch(name))]  # noqa: PTH208 (each mail)
    names = sorted((match[1], int(match[2]), match[0]) for match in found if epoch in ("", match[1]))
    segments = []
    for place, (of, first, name) in enumerate(names):
        path = directory / name
        after = names[place + 1] if place + 1 < len(names) else None
        if after is not None and after[0] == of:
            segments.append(Segment(path, of, first, after[1] - first, path.stat().st_size))
            continue
        counted = _counted(path, of, first)
        if not counted.lines and segments and segments[-1].epoch == of:
            path.unlink()
            before = segments.pop()
            counted = _counted(before.path, of, before.first)
        segments.append(counted)
    return segments


def read_all(segments: Sequence[Segment]) -> Iterator[Envelope]:
    """All envelopes that can be read, whatever their numbers."""
    for segment in segments:
        for line in _lines(segment.path):
            try:
                yield msgspec.json.decode(line, type=Envelope)
            except ValueError:
                continue


@dataclass(frozen=True, slots=True)
class Appended:
    """Lines that were put at the end of a segment, and are not on disk for good yet."""

    path: Path
    before: int
    after: int
    """Sizes of the file: without them, 0 where they began it, and with them."""


def append_envelopes(directory: Path, segments: Sequence[Segment], envelopes: Iterable[Envelope]) -> list[Appended]:
    """Put envelopes at the end, as many to a segment as belong there. Nothing of them stays where the disk refuses it.

    They are on disk once each file was flushed, which the caller does when it has given the lock back: of several
    writers none waits for the others' disk, and one flush does for all. A segment's name is on disk by itself.
    """
    last = segments[-1] if segments else None
    appended: list[Appended] = []
    try:
        for envelope, data in _portions(last, envelopes):
            if last is not None and not last.is_full and last.last == envelope.seq - 1:
                path, before = last.path, last.size
            else:
                path, before = directory / f"{envelope.epoch}-{envelope.seq:012d}.jsonl", 0
            appended.append(Appended(path, before, before + len(data)))
            _append(path, data)
            last = None
        if any(not each.before for each in appended):
            writing.sync_directory(directory)
    except BaseException:
        for each in reversed(appended):
            _cut(each)
        raise
    return appended


def cut_off(appended: Sequence[Appended]) -> None:
    """Take them back, as far as nothing came after them."""
    for each in reversed(appended):
        if each.path.stat().st_size != each.after:
            return
        _cut(each)


def _cut(appended: Appended) -> None:
    if appended.before:
        os.truncate(appended.path, appended.before)
    else:
        appended.path.unlink(missing_ok=True)


def _portions(last: Segment | None, envelopes: Iterable[Envelope]) -> Iterator[tuple[Envelope, bytes]]:
    """The lines of what is to be put, a segment at a time, and the first of each; the last segment is filled first."""
    lines, size = (last.lines, last.size) if last and not last.is_full else (0, 0)
    first: Envelope | None = None
    portion: list[bytes] = []
    for envelope in envelopes:
        if first is not None and (lines >= MAX_LINES or size >= MAX_SIZE):
            yield first, b"".join(portion)
            first, portion, lines, size = None, [], 0, 0
        first = first or envelope
        portion.append(encoded(envelope) + b"\n")
        lines, size = lines + 1, size + len(portion[-1])
    if first is not None:
        yield first, b"".join(portion)


def _append(path: Path, data: bytes) -> None:
    opened, _ = descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        while data:
            data = data[os.write(opened, data) :]
    finally:
        os.close(opened)


def encoded(envelope: Envelope) -> bytes:
    """An envelope as its line. MailcoreError (code `format`) of what JSON between hosts cannot say."""
    try:
        return msgspec.json.encode(envelope)
    except (UnicodeEncodeError, OverflowError, TypeError, RecursionError) as error:
        raise MailcoreError(f"this cannot be carried to another host: {error}", "format") from error


def _counted(path: Path, epoch: str, first: int) -> Segment:
    opened, found = descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        start = max(0, found.st_size - _TAIL)
        data = os.pread(opened, _TAIL, start)
        if start and data.count(b"\n") < 2:  # its last line is longer than that
            start = max(0, found.st_size - _LONGEST_TAIL)
            data = os.pread(opened, _LONGEST_TAIL, start)
    finally:
        os.close(opened)
    end = data.rfind(b"\n") + 1
    whole = start + end
    if whole < found.st_size:
        os.truncate(path, whole)
    with suppress(ValueError):  # it is damaged: who reads it finds that out
        last = msgspec.json.decode(data[data.rfind(b"\n", 0, end - 1) + 1 : end], type=_Place)
        if last.epoch == epoch and last.seq >= first:
            return Segment(path, epoch, first, last.seq - first + 1, whole, last.id)
    return Segment(path, epoch, first, sum(1 for _ in _lines(path)), whole)


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file of any size, one after the other."""
    with os.fdopen(descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)[0], "rb") as file:
        for line in iter(partial(file.readline, MAX_WHOLE_FILE), b""):
            if line.endswith(b"\n"):
                yield line
