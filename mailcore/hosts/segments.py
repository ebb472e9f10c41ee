"""The files of a channel: envelopes one a line, numbered without a gap, so that the last number is known by counting.

Whoever calls these holds the channel's lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mailcore.exceptions import MailcoreError
from mailcore.model.link import Envelope
from mailcore.system import writing
from mailcore.system.safe_open import descriptor, read_bytes

MAX_LINES, MAX_SIZE = 256, 1 << 20
"""After so much a segment is full, and the next is begun."""
_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{12})\.jsonl")


_TAIL = 1 << 13
"""Bytes in which the last line of a segment is looked for first."""


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
    """The segments of an epoch, or of all, by their first numbers. What a killed writer left of a line is cut off.

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
        else:
            segments.append(_counted(path, of, first))
    return segments


def read_all(segments: Sequence[Segment]) -> Iterator[Envelope]:
    """All envelopes that can be read, whatever their numbers."""
    for segment in segments:
        for line in segment.read():
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
    """Sizes of the file: without them, and with them."""

    def take_back(self) -> None:
        """Cut them off, if nothing came after them."""
        if self.path.stat().st_size == self.after:
            os.truncate(self.path, self.before)


def append_envelopes(directory: Path, segments: Sequence[Segment], envelopes: Sequence[Envelope]) -> Appended:
    """Put envelopes at the end. Nothing of them stays where the disk refuses it.

    They are on disk once the file was flushed, which the caller does when it has given the lock back: of several
    writers none waits for the others' disk, and one flush does for all. A segment's name is on disk by itself.
    """
    data = b"".join(encoded(envelope) + b"\n" for envelope in envelopes)
    last = segments[-1] if segments and segments[-1].last == envelopes[0].seq - 1 and not segments[-1].is_full else None
    path = last.path if last else directory / f"{envelopes[0].epoch}-{envelopes[0].seq:012d}.jsonl"
    appended = Appended(path, last.size if last else 0, (last.size if last else 0) + len(data))
    opened, _ = descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        try:
            while data:
                data = data[os.write(opened, data) :]
            if not appended.before:
                writing.sync_directory(directory)
        except BaseException:
            os.ftruncate(opened, appended.before)
            raise
    finally:
        os.close(opened)
    return appended


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
            start, data = 0, os.pread(opened, found.st_size, 0)
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
    return Segment(path, epoch, first, read_bytes(path, links=False)[:whole].count(b"\n"), whole)
